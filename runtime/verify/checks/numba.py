# numba always compiles for the CPU, and many packages need only that: its presence does not say that CUDA must work. So
# a missing NVVM is reported, but is no failure; is_available() is False then.


def load():
    global numba, numpy
    import numba
    import numpy
    compiler = first(lambda: __import__("numba.cuda.cudadrv.nvvm", fromlist=["nvvm"]).is_available())
    say(version=numba.__version__, file=numba.__file__, built_for="CUDA" if compiler else "",
        without="the environment has no NVVM, which numba.cuda compiles with")
    return numba.__version__


def on_cpu():
    @numba.njit
    def total(values):
        out = 0.0
        for value in values:
            out += value
        return out

    must_be(total(numpy.ones(1000)), 1000.0, "the sum of 1000 ones")


def usable():
    global cuda
    from numba import cuda
    return bool(cuda.is_available())


def available():
    try:
        answer = usable()
    except ImportError as e:
        say(available=False, said=str(e)[:500])
        return "False"
    say(available=answer)
    if not answer:
        error = first(lambda: cuda.cuda_error())
        if error:
            say(said=str(error)[:500])
    return str(answer)


def kernel():
    name = cuda.get_current_device().name

    @cuda.jit
    def add_one(values):
        i = cuda.grid(1)
        if i < values.size:
            values[i] += 1

    values = cuda.to_device(numpy.zeros(1000, dtype=numpy.float32))
    add_one[4, 256](values)
    must_be(float(values.copy_to_host().sum()), 1000.0, "the sum of 1000 ones")
    say(device=name.decode() if isinstance(name, bytes) else name)


step("import numba", load)
step("a function compiled for the CPU", on_cpu)
step("numba.cuda.is_available()", available, gpu=True)
if first(usable):
    step("a kernel compiled and run on the GPU", kernel, gpu=True)
