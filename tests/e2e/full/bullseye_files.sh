#!/usr/bin/env bash
# The installer's program opens no file of the machine's C library, from its start to its end (strace); what it starts
# (Python) is another program. One installation is refused, the other one works.
. "$(dirname "$0")/bullseye.inc"

build new "$python" "$links" six==1.17.0 numpy==2.2.6
build old "$work/python/opt/py39/bin/python3.9" "$wheels39" six==1.17.0 numpy==2.0.2
for name in new old; do
    rm -rf "$target/root/trace"
    mkdir "$target/root/trace"
    enter strace -ff -e trace=execve,open,openat,openat2 -o /root/trace/t sh "/root/$name.run" -b -p "/opt/traced-$name" >"$work/out" 2>&1 || true
    grep -l -- --tinderbox-run "$target"/root/trace/t.* >/dev/null || fail "strace did not see the installer's program"
    # One file a process: the last program that it executed counts; threads and forks of the installer execute none.
    awk 'FNR == 1 { ours = 1 }
        /^execve/ && / = 0$/ { ours = /"\/[^"]*\/installer"/ }
        ours && /^open/ && !/ENOENT/ { print }' "$target"/root/trace/t.* >"$work/opened"
    # The other programs of the same trace (sh, dd) do open the C library: the pattern would find it.
    grep -qh 'libc\.so\.6.*= [0-9]' "$target"/root/trace/t.* || fail "strace saw no program that opens the C library"
    [ "$(wc -l <"$work/opened")" -ge 5 ] || fail "strace shows too little of the installer"
    ! grep -E 'libc[.-]|libm[.-]|libpthread|libdl|librt|libnss|libresolv|ld-linux|ld-2|nsswitch|gconv|locale-archive|/etc/passwd' "$work/opened" ||
        fail "the installer's program opened files of the machine's C library"
    echo "what the program of $name.run opens outside its prefix:"
    grep -oE '"[^"]+"' "$work/opened" | grep '^"/' | grep -v "traced-$name" | sort | uniq -c
done
echo "bullseye: no file of its C library was opened"
