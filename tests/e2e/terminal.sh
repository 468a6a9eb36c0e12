#!/usr/bin/env bash
# Messages wrap at words on a terminal. In a pipe and in the log each is one line, and the log has everything that was said.
. "$(dirname "$0")/common.inc"
small_wheels
make_run "$work/lab.run" six==1.17.0
cd "$work"
on_terminal() { "$python" "$root/tests/tools/on_terminal.py" "$@"; }
long() { "$python" -c 'import sys; [print(l) for l in open(sys.argv[2], encoding="utf-8").read().split("\n") if len(l) > int(sys.argv[1])]' "$@"; }

missing=$work/a-directory/whose-name/is-longer/than-a-line/of-the-terminal/can-be/requirements.txt
on_terminal 60 "$tinderbox" build "$missing" -o x.run >shown && fail "a missing SPEC was built"
grep -qF "$missing" shown || fail "a path was broken: $(cat shown)"
[ "$(wc -l <shown)" -gt 1 ] || fail "the message was not broken: $(cat shown)"
tail -n +2 shown | grep -v '^       ' && fail "no hanging indent: $(cat shown)"
"$tinderbox" build "$missing" -o x.run 2>piped && fail "a missing SPEC was built"
[ "$(wc -l <piped)" = 1 ] || fail "a message in a pipe was broken: $(cat piped)"
[ "$(tr -s '\n ' ' ' <shown)" = "$(tr -s '\n ' ' ' <piped)" ] || fail "the terminal says something else: $(cat shown)"

# The report on a terminal, its lines in the log unbroken; redrawn progress with its last state.
on_terminal 60 sh lab.run -b -p "$work/a directory with blanks in its name/env" --log log.txt >shown || fail "not installed: $(cat shown)"
grep -qP '\x1b' log.txt && fail "the log has what only a terminal understands"
[ -n "$(long 75 log.txt)" ] || fail "the log's lines are broken: $(cat log.txt)"
[ -z "$(tr '\r' '\n' <shown | sed 's/\x1b\[K//; /^  activate/,$d' >lines; long 60 lines)" ] || fail "a line is too long: $(long 60 lines)"
for words in "installing lab into" "lab: installed in" "Verification"; do grep -qF "$words" log.txt || fail "'$words' is not in the log"; done
on_terminal 60 sh lab.run -b -p "$work/env" --verify-file --log verify.txt >shown || fail "damaged: $(cat shown)"
grep -qE '^ *checking 100 %' verify.txt || fail "no progress in the log: $(cat verify.txt)"
sh lab.run --verify-file --quiet --log quiet.txt
grep -qE '100 %' quiet.txt || fail "with --quiet the log lacks the progress: $(cat quiet.txt)"

# What the header says before the program starts.
for form in "--log first.txt" "--log=first.txt"; do
    rm -f first.txt
    head -c 100000 lab.run >cut.run
    status=0
    sh cut.run -b -p "$work/x" $form 2>said || status=$?
    [ "$status" = 4 ] || fail "exit $status: $(cat said)"
    cmp said first.txt || fail "the log has '$(cat first.txt)', and the header says '$(cat said)'"
done
