def load():
    global cupy
    import cupy
    say(version=cupy.__version__, file=cupy.__file__,
        built_for=str(first(lambda: cupy.cuda.get_local_runtime_version(), lambda: cupy.cuda.runtime.runtimeGetVersion()) or "CUDA"))
    return cupy.__version__


def available():
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as e:
        say(available=False, said=str(e)[:500])
        return "False"
    say(available=count > 0)
    return str(count > 0)


def usable():
    return bool(first(lambda: cupy.cuda.runtime.getDeviceCount()))


def device_sum():
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"]
    say(device=name.decode() if isinstance(name, bytes) else name)
    must_be(int(cupy.arange(1000).sum()), 499500, "the sum of 0 to 999")


def matmul():
    a = cupy.ones((64, 64), dtype=cupy.float32)
    must_be(float((a @ a).sum()), 64.0 * 64 * 64, "the sum of a matrix product")


step("import cupy", load)
step("cupy.cuda.runtime.getDeviceCount()", available, gpu=True)
if usable():
    step("a kernel compiled and run on the GPU", device_sum, gpu=True)
    step("a matrix product in float32", matmul, gpu=True)
