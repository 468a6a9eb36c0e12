# Says which frameworks can be imported, which packages to import, and which frameworks each of these needs, as the
# installed metadata has it. `asked` is defined before; goes after metadata.py. Imports none of them.
import importlib.util

for framework in asked["frameworks"]:
    try:
        spec = importlib.util.find_spec(framework)
    except BaseException:
        spec = None
    if spec is not None:
        say(found=framework, file=spec.origin or "")


conda_meta = os.path.join(sys.prefix, "conda-meta")


def conda_records():
    """Maps a name to its record in conda-meta: NAME-VERSION-BUILD.json."""
    if not os.path.isdir(conda_meta):
        return {}
    return {normalized(entry.rsplit("-", 2)[0]): entry for entry in os.listdir(conda_meta)
            if entry.endswith(".json") and entry.count("-") >= 2}


conda, wheels, known = conda_records(), find_metadata(), {}


def requirements(package):
    """Names that the package's metadata requires, extras left out."""
    if package not in known:
        names = set()
        if package in wheels:
            header = re.split(r"\r?\n\r?\n", read(wheels[package][1], "METADATA") or "")[0]
            for line in re.findall(r"(?im)^Requires-Dist:\s*(.*)$", header):
                name = re.match(r"[A-Za-z0-9._-]+", line)
                if name and not re.search(r"\bextra\s*==", line):
                    names.add(normalized(name.group()))
        if package in conda:
            try:
                names.update(normalized(spec.split()[0]) for spec in json.loads(read(conda_meta, conda[package]) or "")["depends"])
            except (KeyError, IndexError, TypeError, ValueError, AttributeError):
                pass
        known[package] = names
    return known[package]


def reached(package):
    """All that the package needs, itself included."""
    out, waiting = set(), [package]
    while waiting:
        name = waiting.pop()
        if name not in out:
            out.add(name)
            waiting.extend(requirements(name))
    return out


packages = {name: reached(normalized(name)) for name in asked["packages"]}
if asked["roots"]:
    # What no other package needs; of packages that need each other the first.
    needed = {name: any(normalized(name) in packages[other] for other in packages if other != name) for name in packages}
    covered = set().union(*(packages[name] for name in packages if not needed[name]))
    for name in asked["packages"]:
        if needed[name] and normalized(name) not in covered:
            needed[name] = False
            covered |= packages[name]
    packages = {name: reach for name, reach in packages.items() if not needed[name]}
for name in packages:
    say(package=name, needs=[framework for framework, distributions in sorted(asked["frameworks"].items())
                             if packages[name].intersection(distributions)])
