#!/usr/bin/env bash
# Root installs while HOME is a user's, as sudo may leave it: what is new there is the user's, what is there keeps its mode,
# owner and links, and a link of the user's leads root nowhere.
. "$(dirname "$0")/edges.inc"
[ "$(id -u)" = 0 ] || skip "only root can install for another user"
python3 -c 'import os; os.setgroups([23456]); os.setegid(23456); os.seteuid(12345)' 2>/dev/null ||
    skip "root may not become another user here"
chmod 755 "$work"
conda_channel
quietly "$tinderbox" build --base none --conda tinder-text --channel "$channel" --name env --level fast -o conda.run
home=${work:?}/users
export HOME=$home
echo secret >secret
chmod 600 secret

# fresh_home: an empty $HOME of the user 12345.
fresh_home() {
    rm -rf "${home:?}" "${work:?}/p" "${work:?}/trap"
    mkdir "$home"
    chown 12345:23456 "$home"
}
install_it() { quietly sh conda.run -b -p "$work/p" "$@"; }
uninstall_it() { quietly sh conda.run -b --uninstall -p "$work/p"; }
all_users() {
    [ "$(find "$home" -printf '%U:%G\n' | sort -u)" = 12345:23456 ] || fail "owners: $(find "$home" -printf '%U:%G %p\n')"
}
fresh_home
install_it
[ "$(cat "$home/.conda/environments.txt")" = "$work/p" ] || fail "not registered: $(cat log)"
all_users
uninstall_it
[ ! -s "$home/.conda/environments.txt" ] || fail "still registered"
all_users

fresh_home
mkdir -p "$home/.conda" "$home/dotfiles"
echo /elsewhere >"$home/dotfiles/list"
chmod 600 "$home/dotfiles/list"
ln -s ../dotfiles/list "$home/.conda/environments.txt"
chown -hR 12345:23456 "$home"
install_it
[ "$(sed -n 2p "$home/dotfiles/list")" = "$work/p" ] || fail "not registered through the link: $(cat log)"
uninstall_it
[ "$(cat "$home/dotfiles/list")" = /elsewhere ] || fail "the list: $(cat "$home/dotfiles/list")"
[ -L "$home/.conda/environments.txt" ] && [ "$(stat -c %a:%u "$home/dotfiles/list")" = 600:12345 ] ||
    fail "link, mode or owner of the list is gone"

for link in .conda .conda/environments.txt; do
    fresh_home
    mkdir trap
    if [ $link = .conda ]; then ln -s "$work/trap" "$home/.conda"
    else mkdir "$home/.conda" && ln -s "$work/secret" "$home/.conda/environments.txt"; fi
    chown -hR 12345:23456 "$home"
    install_it
    grep -q "warning: conda will not list this environment" log || { cat log >&2; fail "nothing is said of $link"; }
    [ "$(cat secret)" = secret ] && [ -z "$(ls -A trap)" ] || fail "root followed the user's $link"
    uninstall_it
done

# Root of a user namespace is the user outside, and the machine's root is somebody without a name there.
if setpriv --reuid 12345 --regid 23456 --clear-groups unshare -r true 2>/dev/null; then
    fresh_home
    mkdir "$work/own"
    chown 12345:23456 "$work/own"
    quietly setpriv --reuid 12345 --regid 23456 --clear-groups unshare -r sh conda.run -b -p "$work/own/p"
    [ "$(cat "$home/.conda/environments.txt")" = "$work/own/p" ] || fail "not registered in a user namespace: $(cat log)"
    all_users
else
    echo "skipped in part: no user namespace can be made here"
fi
