# Goes before the scripts that look at installed metadata. Runs on Python 3.6 and later, whose importlib.metadata is
# younger.
import re


def normalized(name):
    return re.sub("[-_.]+", "-", name).lower()


def find_metadata():
    """Maps a normalized name to (the directory that it is installed in, the path of its .dist-info or .egg-info)."""
    found = {}
    for place in sys.path:
        try:
            entries = sorted(os.listdir(place))
        except OSError:  # a zip file, or nothing
            continue
        for entry in entries:
            stem, suffix = os.path.splitext(entry)
            if suffix not in (".dist-info", ".egg-info"):
                continue
            name = re.match(r"(.+?)-\d", stem)
            found.setdefault(normalized(name.group(1) if name else stem.split("-")[0]),
                             (place, os.path.join(place, entry)))
    return found


def read(directory, name):
    """None when there is no such file."""
    try:
        with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None
