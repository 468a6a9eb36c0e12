#!/usr/bin/env bash
# A machine describes itself, and the build elsewhere decides for it: what it may take, and whether it would run there.
. "$(dirname "$0")/gpu.inc"
cd "$work"

# described NAME…: NAME.json describes the fixture's tree.
described() {
    local name
    for name in "$@"; do
        python3 "$root/tests/tools/expand_machine.py" "$root/tests/fixtures/machines/$name.machine" "trees/$name" >variables
        mapfile -t variables <variables
        env "${variables[@]}" TINDERBOX_SYSROOT="$work/trees/$name" "$tinderbox" doctor --describe -p "$work" >"$name.json"
        [ "$(wc -c <"$name.json")" -le 2953 ] || fail "$name.json is too long for a QR code"
    done
}
# change FROM TO STATEMENT: writes TO, which is FROM with one change to the document `m`.
change() { python3 -c "import json, sys; m = json.load(open(sys.argv[1])); $3; json.dump(m, open(sys.argv[2], 'w'))" "$1" "$2"; }
described hpc-8-gpus desktop two-generations server-driver-470 laptop-nouveau docker-no-gpu jetson-orin server-compat

mkdir one two
# A plan and a build for machines that can run it; the same bytes whatever the machine is called.
expect 0 "nvidia-nvjpeg-cu12" build --plan --target hpc-8-gpus.json --target desktop.json
expect 0 "hpc-8-gpus.json: 8 × A100 SXM4 80GB, driver 535.161.07 of CUDA 12.2" build --target hpc-8-gpus.json -o one/lab.run
grep -qF "a description does not tell which ones its machine has" out || fail "no word about the shared libraries"
cp desktop.json second.json
expect 0 "desktop.json: GeForce RTX 3090" build --target second.json --target desktop.json --target hpc-8-gpus.json -o two/lab.run
grep -qF "second.json: GeForce RTX 3090" out || fail "the second machine was not judged"
cmp one/lab.run two/lab.run || fail "the machine is in the installer"
expect 0 "libcuda answers with CUDA 12.2 (cuda-compat is in use)" build --target server-compat.json -o x.run
expect 0 "docker-no-gpu.json: GPU: not verified: this is a container" build --target docker-no-gpu.json -o x.run
expect 0 "/dev/stdin: GeForce RTX 3090" build --target /dev/stdin -o x.run <desktop.json
expect 0 "-: GeForce RTX 3090" build --target - -o x.run <desktop.json
rm x.run

# Machines that cannot: every sentence names its file, and nothing is written.
expect 3 "server-driver-470.json: driver 470" build --target hpc-8-gpus.json --target server-driver-470.json -o x.run
expect 3 "laptop-nouveau.json:" build --plan --target laptop-nouveau.json
grep -qF "is driven by nouveau, which has no CUDA" out || fail "nouveau is not named"
expect 3 "JetPack" build --target jetson-orin.json -o x.run
change desktop.json old.json 'm["libc"]["version"] = "2.17"'
expect 3 "old.json: the environment needs glibc" build --target old.json -o x.run
expect 3 "old.json: the environment needs glibc" build --target old.json --target-glibc 2.36 -o x.run
change desktop.json musl.json 'm["libc"] = {"kind": "musl"}'
expect 3 "musl.json: the environment needs glibc" build --target musl.json -o x.run
change desktop.json full.json 'm["place"] = {"free_bytes": 1000000, "free_inodes": 5}'
expect 3 "full.json:" build --target full.json -o x.run
grep -qF "files and directories are needed in the described place, room is for 5" out || fail "the inodes are not judged"
expect 3 "are needed in the described place, 1.00 MB are free" build --plan --target full.json
# No GPU of two has code for a GPU of the two generations' older one: a warning, as there.
expect 0 "two-generations.json" build --target two-generations.json -o y.run
[ ! -e x.run ] || fail "a refused build left a file"

# The lock has what was assumed, and nothing about whose machine it was.
expect 0 "locked" "$tinderbox" lock --python-from "$python" --no-index --find-links "$links" --pip nvidia-nvjpeg-cu12==12.4.0.76 \
    --target hpc-8-gpus.json -o hpc.lock
python3 - <<'END'
import json
lock, machine = json.load(open("hpc.lock")), json.load(open("hpc-8-gpus.json"))
assert lock["target_glibc"] == machine["libc"]["version"], lock["target_glibc"]
assert "A100" not in json.dumps(lock) and "Red Hat" not in json.dumps(lock), lock
END
expect 3 "server-driver-470.json: driver 470" "$tinderbox" build hpc.lock --target server-driver-470.json -o x.run
expect 0 '"target_glibc": "2.40"' "$tinderbox" build --plan --json --python-from "$python" --no-index --find-links "$links" \
    --pip nvidia-nvjpeg-cu12==12.4.0.76 --target hpc-8-gpus.json --target-glibc 2.40

# What is no description.
refused() { expect 2 "$1" build --plan --target "$2"; }
: >empty.json
refused "empty.json: it is empty; describe the machine again" empty.json
refused "--target: '$work' is a directory" "$work"
mkfifo pipe
refused "pipe" pipe
echo "glibc 2.35" >text.json
refused "text.json:1: it is not valid JSON" text.json
"$tinderbox" doctor --json >doctor.json || true
refused "it is what doctor --json prints" doctor.json
refused "it is a lock" hpc.lock
change desktop.json new.json 'm["tinderbox_machine"] = 2'
refused "it has version 2 of the format" new.json
change desktop.json gpus.json 'm["gpus"] = m["gpus"] * 100000'
refused "'gpus' are more than 1024" gpus.json
change desktop.json colour.json 'm["gpus"][0]["name"] = "\x1b[31mred"'
refused "'name' is not one short line of visible text" colour.json
! grep -q $'\x1b' out || fail "a control character was printed"
change desktop.json arm.json 'm["processor"] = {"architecture": "aarch64"}'
refused "describes a machine with aarch64, and this build is for linux-64; add --platform linux-aarch64" arm.json
expect 2 "build once for each" build --plan --target desktop.json --target arm.json
