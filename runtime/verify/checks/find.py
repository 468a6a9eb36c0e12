# Prints one answer for each given name that can be imported. It imports none of them.
import importlib.util

for name in sys.argv[1:]:
    try:
        spec = importlib.util.find_spec(name)
    except BaseException:
        spec = None
    if spec is not None:
        say(found=name, file=spec.origin or "")
