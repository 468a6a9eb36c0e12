# Which of the names given are importable, without importing them: one answer each.
import importlib.util

for name in sys.argv[1:]:
    try:
        spec = importlib.util.find_spec(name)
    except BaseException:
        spec = None
    if spec is not None:
        say(found=name, file=spec.origin or "")
