say(prefix=sys.prefix, version="%d.%d.%d" % sys.version_info[:3])
