#!/usr/bin/env bash
# A directory of an installed prefix that became a link to somebody's files: what lies behind it is never compared,
# restored, compiled, removed or counted as installed.
. "$(dirname "$0")/../second_machine.inc"
tree() { (cd "$1" && find . -printf '%p %y %m %l %T@ %s\n' | LC_ALL=C sort); }
library=$(cd first && echo lib/python3.*)
cp -a first other # the same files at another path
# fresh COMPONENT: $work/env, installed, whose COMPONENT is a link to the same directory of $work/other.
fresh() {
    rm -rf env && cp -al "$work/installed" env # links to the same files: nothing here may write into one
    [ -e "env/$1" ] || fail "no $1"
    rm -rf "env/$1" && ln -s "$work/other/$1" "env/$1"
}
quietly run -p "$work/env" && mv env installed
before=$(tree other)
unhurt() { [ "$(tree other)" = "$before" ] || fail "$1: $(diff <(echo "$before") <(tree other) | head -3)"; }

tried=0
for component in lib "$library/site-packages" "$library/json" "$library/__pycache__"; do
    for what in --uninstall "--uninstall --purge" --integrity --repair --replace; do
        [ "$what" != --replace ] || [ "$component" = lib ] || continue # a whole installation
        fresh "$component"
        run -p "$work/env" $what >said 2>&1 || true
        unhurt "$what with $component linked"
        case $what in
        --integrity) grep -q "env/" said || fail "--integrity does not see the link $component" ;;
        "--uninstall --purge") [ ! -e env ] && [ ! -L env ] || fail "--purge left $(ls -A env)" ;;
        --uninstall) [ -L "env/$component" ] || fail "--uninstall removed the user's link $component" ;;
        esac
        tried=$((tried + 1))
    done
done
# A link in the prefix's own place leads to the user's directory: it is entered, and stays.
rm -rf env && mv installed real && ln -s real env
run -p "$work/env" --uninstall >said 2>&1 || true
unhurt "a linked prefix"
echo "$tried removals, repairs and comparisons with a linked directory: 0 touched the other tree"
