# fish completion for trace(8): what to offer is known to "trace --complete".

function __trace_complete
	set -l words (commandline -opc)
	set -l last (commandline -ct | string trim --left --chars '\'"')
	set -l lines ($words[1] --complete $words[2..-1] $last 2>/dev/null)
	test (count $lines) = 0; and __fish_complete_path $last
	for line in $lines
		set -l part (string split \t -- $line)
		printf '%s\t%s\n' $part[1] $part[3]
	end
end

complete -c trace -f -a '(__trace_complete)'
