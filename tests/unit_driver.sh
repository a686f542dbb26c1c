#!/bin/sh
# Holds tests/run to its word: a driver that passed what should fail would make every other test worthless. It is run on a
# tree of its own, with a shell script as the tracer.
set -u

src=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/tests/cases/a"
cp "$src/run" "$tmp/tests/run"
cp "${BUILD:?}/tests/load" "$BUILD/tests/bpf_left" "$BUILD/tests/usdt" "$tmp/tests/"
export BPF_LEFT_STEPS=25

cat >"$tmp/trace" <<'EOF'
#!/bin/sh
for arg; do script=$arg; done
. "./$script"
EOF
chmod +x "$tmp/trace"

# expect VERDICT NAME: the case comes on stdin
expect() {
	cat >"$tmp/tests/cases/a/$2.test"
	echo "$1 a/$2" >>"$tmp/expected"
}

expect PASS exact <<'EOF'
kind: error
exit: 0
--- prog
echo out; echo err >&2
--- stdout
out
--- stderr
err
EOF
expect FAIL stdout_differs <<'EOF'
kind: error
exit: 0
--- prog
echo out
--- stdout
other
EOF
expect FAIL stdout_not_foreseen <<'EOF'
kind: error
exit: 0
--- prog
echo out
EOF
expect FAIL stderr_not_foreseen <<'EOF'
kind: error
exit: 0
--- prog
echo err >&2
EOF
expect FAIL status_differs <<'EOF'
kind: error
--- prog
exit 2
EOF
expect FAIL parse_crashes <<'EOF'
kind: parse
--- prog
kill -SEGV $$
--- stdout
EOF
expect PASS regex <<'EOF'
kind: error
exit: 0
--- prog
echo 12 x; echo skipped; echo skipped; echo end
--- stdout-re
[0-9]+ x
...
end
EOF
expect FAIL regex_is_for_the_whole_line <<'EOF'
kind: error
exit: 0
--- prog
echo 12 x
--- stdout-re
[0-9]+
EOF
expect FAIL regex_line_missing <<'EOF'
kind: error
exit: 0
--- prog
echo 1
--- stdout-re
1
...
2
EOF
expect FAIL regex_line_too_many <<'EOF'
kind: error
exit: 0
--- prog
echo 1; echo 2
--- stdout-re
1
EOF
expect FAIL hangs <<'EOF'
kind: error
exit: 0
timeout: 1
--- prog
sleep 60
EOF
expect FAIL unknown_key <<'EOF'
kind: error
colour: red
--- prog
EOF
expect FAIL unknown_need <<'EOF'
kind: error
needs: luck
--- prog
EOF
expect SKIP need_is_missing <<'EOF'
kind: error
needs: kernel>=99.1
--- prog
EOF
expect PASS shell <<'EOF'
kind: cli
serial: yes
--- script
cat d/f; cat
--- file d/f
from a file
--- stdin
from stdin
--- stdout
from a file
from stdin
EOF
if [ "$(id -u)" = 0 ]; then
	expect FAIL process_left <<-'EOF'
	kind: live
	--- prog
	sleep 60 >/dev/null 2>&1 &
	EOF
	# what a tracer that forgets to clean up would leave; it stays, so that the end has it too
	expect FAIL traces_left <<-'EOF'
	kind: cli
	serial: yes
	needs: cmd:nm
	--- script
	poke() { printf '\314\001' | dd of=/proc/$CANARY/mem bs=1 count=2 conv=notrunc seek=$((base + 0x$1)) 2>/dev/null; }
	base=$((0x$(sed -n '/usdt$/{s/-.*//p;q}' /proc/$CANARY/maps)))
	[ $base -gt $((0x10000000)) ] || base=0 # not PIE: symbols are where they are
	poke "$(nm "$BUILD/tests/usdt" | sed -n 's/ T main$//p')"
	poke "$(nm "$BUILD/tests/usdt" | sed -n 's/ . usdt_test_guarded_semaphore$//p')"
	EOF
	[ -z "$(command -v nm)" ] || echo "FAIL left_at_the_end" >>"$tmp/expected"
fi

(cd "$tmp" && tests/run -j 4 --build "$tmp") >"$tmp/out"
status=$?
grep -E '^(PASS|FAIL|SKIP) ' "$tmp/out" | sed 's/:.*//' | sort >"$tmp/verdicts"
sort "$tmp/expected" | diff -u - "$tmp/verdicts" || { cat "$tmp/out"; exit 1; }
for what in 'a breakpoint' 'a semaphore'; do
	[ "$(id -u)" != 0 ] || [ -z "$(command -v nm)" ] || [ "$(grep -c "left behind: $what" "$tmp/out")" -ge 3 ] ||
		{ echo "nothing is said of $what"; exit 1; }
done
[ "$status" = 1 ] || { echo "failed cases, but exit status $status"; exit 1; }
awk '{ n[$1]++ } END { printf "%d passed, %d failed, %d skipped\n", n["PASS"], n["FAIL"], n["SKIP"] }' "$tmp/expected" |
	diff - "$tmp/out" | grep '^<' && exit 1
exit 0
