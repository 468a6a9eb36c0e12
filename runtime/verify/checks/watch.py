# Goes before what imports packages. Notes which variables and which modules the packages ask for: of the user's shell
# only those can change anything. Runs on Python 3.6 and later.
read_variables = set()
missing_modules = set()


class WatchedVariables(type(os.environ)):
    """os.environ, which notes each name that is read. Names that code finds by a loop are not noted."""

    def __getitem__(self, name):
        read_variables.add(name)
        return super().__getitem__(name)


class MissingModules:
    """The last finder: what it is asked for, no other has found."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is None:
            missing_modules.add(name)


os.environ.__class__ = WatchedVariables
sys.meta_path.append(MissingModules)


def startup_files():
    """Of the modules that Python imports by itself."""
    files = [getattr(sys.modules.get(name), "__file__", None) for name in ("sitecustomize", "usercustomize")]
    return [file for file in files if isinstance(file, str)]


def places(spec):
    """Where a module comes from: its file, or the directories of a namespace."""
    if spec is None:
        return []
    if spec.origin in (None, "namespace"):
        return list(spec.submodule_search_locations or [])
    return [spec.origin]


def asked_modules():
    """NAME=PLACE of each top-level module that was imported from this prefix, NAME= of those that no finder has."""
    for name in missing_modules:
        yield name + "="
    for name, module in list(sys.modules.items()):
        if "." in name:
            continue
        try:
            found = places(module.__spec__)
        except Exception:  # what is no module
            continue
        if found and all(isinstance(place, str) and place.startswith(sys.prefix + os.sep) for place in found):
            yield name + "=" + os.pathsep.join(found)


end_of_answers = end


def end(status=0, _asked=asked_modules, _read=read_variables, _started=startup_files(), _end=end_of_answers):
    say(startup=_started, read=sorted(name for name in _read if isinstance(name, str) and len(name) < 200)[:2000],
        modules=sorted(text for text in _asked() if len(text) < 500)[:2000])
    _end(status)
