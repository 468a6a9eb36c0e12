# Imports what each distribution offers. An argument is NAME, or NAME=MODULE,MODULE for the imports that a package
# declares itself (conda's tests). `frameworks`, defined before, are checks to run afterwards. Goes after metadata.py.
import importlib
import mmap
import time
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES

# What projects put beside their modules by mistake. Importing it may run tests, and users do not need it.
beside = re.compile(r"(tests?|docs?|examples?|benchmarks?|samples?|demos?|conftest|setup|noxfile)$|test_|.*_tests?$")


def declared_names(metadata):
    """The names of Import-Name (PEP 794) without those that are private; None when the metadata does not say."""
    header = re.split(r"\r?\n\r?\n", metadata)[0]
    fields = re.findall(r"(?im)^(Import-Name|Import-Namespace):(.*)$", header)
    if not fields:
        return None
    values = [[part.strip() for part in value.split(";")] for field, value in fields if field.lower() == "import-name"]
    return [value[0] for value in values if value[0] and "private" not in value[1:]]


def module_of(part, suffixes):
    """The module whose file this is: "a" for "a.abi3.so"; None for a file without one of the suffixes."""
    for suffix in sorted(suffixes, key=len, reverse=True):
        if part.endswith(suffix):
            return part[:-len(suffix)]
    return None


def is_extension(path, name):
    """False for a shared library that only ctypes loads."""
    try:
        words = name.encode("ascii")
        symbols = (b"PyInit_" + words, b"PyModExport_" + words)
    except UnicodeEncodeError:
        symbols = (b"PyInitU_", b"PyModExportU_")
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(symbol) >= 0 for symbol in symbols)
    except (OSError, ValueError):
        return True  # the import will tell


def installed_names(place, record):
    """Two sets of top-level names: the modules among the installed files, and all others that files belong to."""
    modules, others = set(), set()
    for line in record.splitlines():
        parts = re.match(r'"?([^",]*)', line).group(1).split("/")
        if parts[0] in ("", "..", "__pycache__") or parts[0].endswith((".dist-info", ".egg-info", ".data")):
            continue
        if len(parts) > 1:
            whole = len(parts) == 2 and module_of(parts[1], SOURCE_SUFFIXES + BYTECODE_SUFFIXES + EXTENSION_SUFFIXES)
            (modules if whole == "__init__" else others).add(parts[0])
            continue
        name = module_of(parts[0], SOURCE_SUFFIXES + BYTECODE_SUFFIXES)
        if name is None:
            name = module_of(parts[0], EXTENSION_SUFFIXES)
            if name is not None and not name.isidentifier():
                continue  # an extension module of another Python: "a.cpython-39-x86_64-linux-gnu.so"
            if name is not None and not is_extension(os.path.join(place, parts[0]), name):
                others.add(name + ".so")
                continue
        if name is not None:
            modules.add(name)
    return modules, others


def offered(package, place, metadata):
    """The modules to import, and those names that are only told. `package` is normalized."""
    names = declared_names(read(metadata, "METADATA") or "")
    if names is not None:
        return names, []
    record = read(metadata, "RECORD")
    modules, others = installed_names(place, record or "")
    top_level = read(metadata, "top_level.txt")
    names = sorted(modules)
    if top_level is not None:
        names = [name.strip() for name in top_level.splitlines()]
        # Names that no file belongs to; with a .pth the files are elsewhere (an editable installation).
        if record and ".pth," not in record:
            names = [name for name in names if name in modules or (name in others and name + ".so" not in others)]
    names = [name for name in names if name.isidentifier() and not name.startswith("_")]
    left_out = [name for name in names if beside.match(name) and normalized(name) != package]
    left_out += sorted(name for name in others if name.endswith(".so"))
    return [name for name in names if name not in left_out], left_out


def attempt(package, module):
    say(begin=module, package=package)
    try:
        file = getattr(importlib.import_module(module), "__file__", None)
        say(done=module, package=package, file=file if isinstance(file, str) else "")
    except BaseException as e:
        say(failed=module, package=package, error=("%s: %s" % (type(e).__name__, e))[:2000])


installed = find_metadata()
for word in sys.argv[1:]:
    package, _, modules = word.partition("=")
    modules = modules.split(",") if modules else []
    key = normalized(package)
    if not modules and key in installed:
        modules, left_out = offered(key, *installed[key])
        for name in left_out:
            say(left_out=name, package=package)
    for module in modules:
        attempt(package, module)

# The checks of frameworks that these packages import: here the framework is loaded already.
for name, text in frameworks.items():
    say(framework=name)
    began = time.monotonic()
    exec(compile(text, "<the check of %s>" % name, "exec"), {"json": json, "os": os, "sys": sys, "say": say, "end": end})
    say(framework_done=name, seconds=round(time.monotonic() - began, 3))
