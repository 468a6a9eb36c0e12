# Runs torch.rand(5, 3) and torch.cuda.is_available(). is_available() runs no kernel, so operations that every training
# needs follow where it is true.
import warnings


def load():
    global torch
    import torch
    say(version=torch.__version__, file=torch.__file__, built_for=torch.version.cuda or "")
    return torch.__version__


def rand():
    shape = tuple(torch.rand(5, 3).shape)
    if shape != (5, 3):
        raise RuntimeError("torch.rand(5, 3) has the shape %r" % (shape,))


def available():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        answer = torch.cuda.is_available()
    say(available=answer, said=" ".join(str(w.message) for w in said)[:500])
    return str(answer)


def convolution(device):
    x = torch.ones(1, 3, 8, 8, device=device)
    w = torch.ones(4, 3, 3, 3, device=device)
    y = torch.nn.functional.conv2d(x, w)
    must_be(tuple(y.shape), (1, 4, 6, 6), "the shape of a convolution")
    must_be(y.sum().item(), 27.0 * 4 * 36, "the sum of a convolution")


def gpu_convolution():
    convolution("cuda")
    if torch.backends.cudnn.is_available():
        return "cuDNN %s" % torch.backends.cudnn.version()
    return "without cuDNN"


def device_sum():
    say(device=torch.cuda.get_device_name(0))
    must_be(torch.ones(1000, device="cuda").sum().item(), 1000.0, "the sum of 1000 ones")


def matmul(kind):
    a = torch.ones(64, 64, device="cuda", dtype=kind)
    product = torch.matmul(a, a)
    must_be(product.float().sum().item(), 64.0 * 64 * 64, "the sum of a matrix product")


def bf16():
    if not first(lambda: torch.cuda.is_bf16_supported()):
        return "this GPU has no bfloat16"
    matmul(torch.bfloat16)


def nccl():
    version = first(lambda: ".".join(str(n) for n in torch.cuda.nccl.version()))
    if version is None:
        return "this torch is built without NCCL"
    say(nccl=version)
    count = torch.cuda.device_count()
    if count > 1:
        parts = [torch.full((1000,), float(i + 1), device="cuda:%d" % i) for i in range(count)]
        torch.cuda.nccl.all_reduce(parts)
        for i, part in enumerate(parts):
            must_be(part.sum().item(), 1000.0 * count * (count + 1) / 2, "NCCL's all_reduce on GPU %d" % i)
        return "NCCL %s, all_reduce over %d GPUs" % (version, count)
    return "NCCL %s" % version


step("import torch", load)
step("torch.rand(5, 3)", rand)
step("torch.cuda.is_available()", available, gpu=True)
if torch.cuda.is_available():
    step("a sum on the GPU", device_sum, gpu=True)
    step("a convolution on the GPU", gpu_convolution, gpu=True)
    step("a matrix product in float32", lambda: matmul(torch.float32), gpu=True)
    step("a matrix product in bfloat16", bf16, gpu=True)
    step("NCCL", nccl, gpu=True)
else:
    step("a convolution on the CPU", lambda: convolution("cpu"))
