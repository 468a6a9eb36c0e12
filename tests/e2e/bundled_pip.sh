#!/usr/bin/env bash
# --python-from brings the pip that `python -m venv` would install, as an installed wheel; --no-pip leaves it out.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
"$python" -c 'import ensurepip' 2>/dev/null || skip "$python has no ensurepip"
from=(--python-from "$python" --no-index --find-links "$links")
version=$("$python" -c 'import ensurepip; print(ensurepip.version())')
quietly "$tinderbox" build --pip six==1.17.0 "${from[@]}" -o with.run
quietly "${offline[@]}" sh with.run -b -p "$work/with"
expect 0 "pip $version from $work/with/lib" with/bin/pip --version
expect 0 "pip $version from $work/with/lib" with/bin/python -m pip --version
quietly with/bin/pip check
quietly with/bin/pip install --no-index --find-links "$links" markupsafe==3.0.3

# The same files as in a venv, but for bytecode and for who installed it. (A RECORD names bytecode.)
quietly "$python" -m venv venv
list() { (cd "$1"/lib/python3*/site-packages && find pip pip-* -type f ! -name '*.pyc' ! -name RECORD ! -name INSTALLER ! -name REQUESTED | LC_ALL=C sort | xargs -d '\n' sha256sum); }
diff <(list with) <(list venv) || fail "pip's files differ from those of a venv"

quietly "$tinderbox" build --pip six==1.17.0 "${from[@]}" --no-pip -o without.run
quietly "${offline[@]}" sh without.run -b -p "$work/without"
[ ! -e without/bin/pip ] || fail "--no-pip has a pip"

expect 0 'ensurepip of the captured Python' "$tinderbox" build --pip six==1.17.0 "${from[@]}" --plan
quietly "$tinderbox" lock --pip six==1.17.0 "${from[@]}" -o pip.lock
quietly "$tinderbox" build pip.lock -o again.run
[ "$(sh again.run --list | grep -c '^pip ')" = 1 ] || fail "the lock has no pip"
quietly "$tinderbox" lock --pip six==1.17.0 "${from[@]}" --format requirements -o list.txt
! grep -q '^pip' list.txt || fail "another tool's list names this machine's file: $(cat list.txt)"
# A pip that was asked for takes its place.
cp "$(find "$("$python" -c 'import ensurepip, os; print(os.path.dirname(ensurepip.__file__))')" /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | head -n 1)" .
quietly "$tinderbox" build --pip ./pip-*.whl --pip six==1.17.0 "${from[@]}" --plan --json
! grep -q ensurepip log || fail "two pips: $(cat log)"
