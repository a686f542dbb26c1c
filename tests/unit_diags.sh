#!/bin/sh
# Every row of lexer/diag.def is shown by a case: its format, as a pattern, matches a line that one of them expects.
set -u
: "${SRC:?}"
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

# ID, severity, pattern; adjacent literals of C are one.
sed -nE 's/^DIAG\(([A-Z0-9_]+), (ERROR|WARNING), "(.*)"\)$/\1 \2 \3/p' "$SRC/lexer/diag.def" |
	sed -E 's/" *"//g; s/\\"/"/g; s/[][().*?+^$|{}]/\\&/g; s/%(s|c)/.*/g; s/%(ll|z|l)?[ud]/-?[0-9]+/g; s/%%/%/g' >"$tmp/rows"
[ "$(grep -c '^DIAG(' "$SRC/lexer/diag.def")" = "$(wc -l <"$tmp/rows")" ] || { echo "a row of diag.def is not of the usual form"; exit 1; }

# The lines that are expected of whole messages, without their places; regular expressions as what they match.
for file in "$SRC"/tests/cases/*/*.test; do
	awk '/^--- / { on = $2 ~ /^std(err|out)/; re = $2 ~ /-re$/; next }
		on && /(ERROR|WARNING): / {
			if (re) gsub(/\\/, "")
			sub(/^.*ERROR: /, "ERROR ") || sub(/^.*WARNING: /, "WARNING ")
			print
		}' "$file"
done | sort -u >"$tmp/lines"

# Mistakes of ours: no program that is known gets them.
ours="UNTYPED LLVM_REFUSED LLVM_VERIFY"

missing=0
while read -r id severity pattern; do
	case " $ours " in *" $id "*) continue ;; esac
	# A message that is all argument cannot be told from others.
	[ "$pattern" != '.*' ] || continue
	grep -Eqx -e "$severity $pattern" "$tmp/lines" && continue
	echo "no case shows $id: $severity: $pattern"
	missing=$((missing + 1))
done <"$tmp/rows"
[ "$missing" = 0 ]
