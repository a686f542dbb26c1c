# bash completion for trace(8): what to offer is known to "trace --complete".

_trace() {
	local full short prefix='' word w glue='' joined=()

	# A word in quotes is one; others were cut at their colons and equal signs, and are put together again.
	for w in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		if [[ ($w == [:=] || $glue) && ${#joined[@]} -gt 0 ]]; then
			joined[-1]+=$w
		else
			joined+=("$w")
		fi
		[[ $w == [:=] ]] && glue=1 || glue=
	done
	word=${joined[-1]}
	case $word in
	[\'\"]*) joined[-1]=${word:1} ;;
	*) [[ $word == *:* ]] && prefix=${word%"${word##*:}"} ;;
	esac
	COMPREPLY=()
	while IFS=$'\t' read -r full short _; do
		# Asked only to show them, the part that is being typed is enough.
		if [[ $COMP_TYPE == 63 ]]; then
			COMPREPLY+=("$short")
		else
			COMPREPLY+=("${full#"$prefix"}")
		fi
	done < <("${COMP_WORDS[0]}" --complete "${joined[@]}" 2>/dev/null)
	# The quote of a program is not closed behind what is only its beginning: readline closes it behind a single answer.
	[[ $word == [\'\"]* && ${#COMPREPLY[@]} == 1 && $COMP_TYPE != 63 ]] && COMPREPLY+=("${COMPREPLY[0]} ")
	((${#COMPREPLY[@]})) && compopt +o default -o nospace 2>/dev/null
}
complete -o default -F _trace trace
