import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")


def load():
    global tf
    import tensorflow as tf
    built = first(lambda: dict(tf.sysconfig.get_build_info())) or {}
    cuda = str(built.get("cuda_version", "")) or ("CUDA" if first(lambda: tf.test.is_built_with_cuda()) else "")
    say(version=tf.__version__, file=tf.__file__, built_for=cuda)
    return tf.__version__


def on_cpu():
    with tf.device("/CPU:0"):
        must_be(float(tf.reduce_sum(tf.ones([1000]))), 1000.0, "the sum of 1000 ones")


def gpus():
    return tf.config.list_physical_devices("GPU")


def available():
    for gpu in gpus():
        # Otherwise the first use takes all of the GPU's memory.
        tf.config.experimental.set_memory_growth(gpu, True)
    say(available=bool(gpus()))
    return str(bool(gpus()))


def device_sum():
    details = first(lambda: tf.config.experimental.get_device_details(gpus()[0])) or {}
    say(device=details.get("device_name", gpus()[0].name))
    with tf.device("/GPU:0"):
        must_be(float(tf.reduce_sum(tf.ones([1000]))), 1000.0, "the sum of 1000 ones")


def convolution():
    with tf.device("/GPU:0"):
        y = tf.nn.conv2d(tf.ones([1, 8, 8, 3]), tf.ones([3, 3, 3, 4]), strides=1, padding="VALID")
        must_be(float(tf.reduce_sum(y)), 27.0 * 4 * 36, "the sum of a convolution")


def matmul():
    with tf.device("/GPU:0"):
        a = tf.ones([64, 64], dtype=tf.bfloat16)
        must_be(float(tf.reduce_sum(tf.cast(tf.matmul(a, a), tf.float32))), 64.0 * 64 * 64, "the sum of a matrix product")


step("import tensorflow", load)
step("tf.config.list_physical_devices('GPU')", available, gpu=True)
step("a sum on the CPU", on_cpu)
if gpus():
    step("a sum on the GPU", device_sum, gpu=True)
    step("a convolution on the GPU", convolution, gpu=True)
    step("a matrix product in bfloat16", matmul, gpu=True)
