# Goes after watch.py and runs with the variables of the user's shell. Says what Python would take from elsewhere than in a
# clean environment: of the modules that the arguments name (NAME=PLACE), and when it starts. It imports none of them.
# Runs on Python 3.6 and later.
import importlib.util
import site

say(version="%d.%d.%d" % sys.version_info[:3])
for file in startup_files():
    say(startup=file)
if site.ENABLE_USER_SITE:
    user_site = site.getusersitepackages()
    try:
        entries = sorted(os.listdir(user_site))
    except OSError:
        entries = []
    for entry in entries:
        if entry.endswith(".pth"):
            say(startup=os.path.join(user_site, entry))
for word in sys.argv[1:]:
    name, _, place = word.partition("=")
    try:
        found = os.pathsep.join(places(importlib.util.find_spec(name)))
    except BaseException as error:  # a finder of the user's that fails
        found = "%s: %s" % (type(error).__name__, error)
    if found not in ("", place):
        say(module=name, elsewhere=found)
