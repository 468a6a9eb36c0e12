import importlib.util
import os

# Otherwise the first use takes three quarters of the GPU's memory.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def load():
    global jax, numpy
    import jax
    import jax.numpy as numpy
    plugins = [n for n in ("jax_cuda13_plugin", "jax_cuda12_plugin", "jax_cuda11_plugin", "jaxlib.cuda")
               if first(lambda: importlib.util.find_spec(n)) is not None]
    say(version=jax.__version__, file=jax.__file__, built_for=plugins[0] if plugins else "")
    return jax.__version__


def on_cpu():
    with jax.default_device(jax.devices("cpu")[0]):
        must_be(float(numpy.ones(1000).sum()), 1000.0, "the sum of 1000 ones")


def gpus():
    try:
        return jax.devices("gpu")
    except RuntimeError as e:
        say(said=str(e)[:500])
        return []


def available():
    say(available=bool(gpus()))
    return str(bool(gpus()))


def device_sum():
    say(device=gpus()[0].device_kind)
    with jax.default_device(gpus()[0]):
        must_be(float(numpy.ones(1000).sum()), 1000.0, "the sum of 1000 ones")


def matmul(kind):
    with jax.default_device(gpus()[0]):
        a = numpy.ones((64, 64), dtype=kind)
        must_be(float((a @ a).astype(numpy.float32).sum()), 64.0 * 64 * 64, "the sum of a matrix product")


def convolution():
    with jax.default_device(gpus()[0]):
        y = jax.lax.conv(numpy.ones((1, 3, 8, 8)), numpy.ones((4, 3, 3, 3)), (1, 1), "VALID")
        must_be(float(y.sum()), 27.0 * 4 * 36, "the sum of a convolution")


step("import jax", load)
step("a sum on the CPU", on_cpu)
step("jax.devices('gpu')", available, gpu=True)
if gpus():
    step("a sum on the GPU", device_sum, gpu=True)
    step("a convolution on the GPU", convolution, gpu=True)
    step("a matrix product in bfloat16", lambda: matmul(numpy.bfloat16), gpu=True)
