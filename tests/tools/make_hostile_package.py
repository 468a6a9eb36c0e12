"""make_hostile_package.py conda|wheel [PATH=MODE | PATH->TARGET | PATH]…: bad-1.0-0.tar.bz2 or bad-1.0-py3-none-any.whl with these members.

Escapes as in Python ("\\n", "\\x01"). `License: TEXT` among them sets the licence.
"""
import io, json, stat, sys, tarfile, zipfile

kind, members, licence = sys.argv[1], [], "MIT"
for argument in sys.argv[2:]:
    argument = argument.encode().decode("unicode_escape")
    if argument.startswith("License: "):
        licence = argument[9:]
        continue
    path, _, target = argument.partition("->")
    path, _, mode = path.partition("=")
    members.append((path, target, int(mode or "644", 8)))

if kind == "wheel":
    with zipfile.ZipFile("bad-1.0-py3-none-any.whl", "w") as out:
        def add(name, text, mode=0o644):
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | mode) << 16
            out.writestr(info, text)
        names = [path for path, _, _ in members] + ["bad.py"]
        add("bad.py", "")
        for path, _, mode in members:
            add(path, "x\n", mode)
        add("bad-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: bad\nVersion: 1.0\nLicense: {licence}\n")
        add("bad-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        add("bad-1.0.dist-info/RECORD", "".join(f"{name},,\n" for name in names))
    raise SystemExit

with tarfile.open("bad-1.0-0.tar.bz2", "w:bz2") as tar:
    def add(name, data=b"", **more):
        member = tarfile.TarInfo(name)
        member.size = len(data)
        for key, value in more.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(data))
    add("info/index.json", json.dumps({"name": "bad", "version": "1.0", "build": "0", "build_number": 0, "depends": [],
                                       "subdir": "linux-64", "license": licence}).encode())
    add("info/paths.json", json.dumps({"paths_version": 1, "paths": [
        {"_path": path, "path_type": "softlink" if target else "hardlink"} for path, target, _ in members]}).encode())
    for path, target, mode in members:
        if target:
            add(path, type=tarfile.SYMTYPE, linkname=target, mode=0o777)
        else:
            add(path, b"x\n", mode=mode)
