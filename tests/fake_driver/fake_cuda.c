// A fake libcuda.so.1 for tests: the functions of the CUDA driver API that cuda_probe uses. Devices are host memory,
// and the CPU does the arithmetic of the probe's kernels in code that is independent of the probe's. The environment
// chooses the failures:
//
//   FAKE_CUDA="key=value,key=value…"
//     devices=N             how many devices (1)
//     driver=N              cuDriverGetVersion (13000)
//     cc=M.m[/M.m…]         compute capability of device 0, 1, …; the last holds for the rest (9.0)
//     name=TEXT             device name ("Fake GPU"), may hold anything but a comma
//     memory=BYTES          memory of a device (8 GiB); cuMemAlloc answers 2 above it
//     FUNCTION=CODE         this function answers CODE (the name without _v2: cuInit=100)
//     cubin=CODE ptx=CODE   cuModuleLoadDataEx answers CODE for machine code, for PTX
//     log=TEXT              what the PTX compiler says with it
//     device=N              FUNCTION, cubin, ptx, wrong and the ends below happen only on device N
//     free=BYTES            what cuMemGetInfo says is free (64 MiB: the memory test shall not take long)
//     peers=none            no device may read another's memory (all may)
//     wrong=KERNEL          one element of KERNEL's result (saxpy, fma, reduce, matmul, fill) has its lowest bit
//     flipped wrong=peer            one word of what cuMemcpyPeer copies is lost; device=N: what arrives at device N
//     wrong=read            a device reads one word of another's memory wrong (device=N: device N does)
//     lost=KERNEL           KERNEL runs and writes nothing
//     order=other           the terms of the matrix product are added in another order
//     hang=FUNCTION         this function never returns
//     segv= bus= abort= kill= exit=FUNCTION   this function ends the process so (exit: with status 0)
//     print=FUNCTION        this function writes to stdout and stderr
//
// Built with -DOMIT_cuLaunchKernel and the like it lacks that function.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int CUresult;
typedef unsigned long long CUdeviceptr;

enum {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500
};

static int initialised;
static int current = -1;                 // the device of the current context
static unsigned long long allocated[64]; // bytes, for each device

// ---- FAKE_CUDA
// -------------------------------------------------------------------------------------------------

// The value of `key` copied to `value`; false when it is not set.
static int setting(const char* key, char* value, size_t room) {
    const char* s = getenv("FAKE_CUDA");
    size_t length = strlen(key);
    while (s != NULL && *s != 0) {
        size_t item = strcspn(s, ",");
        if (item > length && memcmp(s, key, length) == 0 && s[length] == '=') {
            size_t n = item - length - 1;
            if (n >= room) n = room - 1;
            memcpy(value, s + length + 1, n);
            value[n] = 0;
            return 1;
        }
        s += item;
        if (*s == ',') ++s;
    }
    return 0;
}

static long long number(const char* key, long long otherwise) {
    char value[64];
    return setting(key, value, sizeof value) ? atoll(value) : otherwise;
}

static int is(const char* key, const char* wanted) {
    char value[64];
    return setting(key, value, sizeof value) && strcmp(value, wanted) == 0;
}

static int here(int device) { return number("device", device) == device; }

// Every function calls this first. Returns the code that it must answer; 0 means go on.
static CUresult enter(const char* function, int device) {
    if (is("print", function)) {
        printf("{\"event\":\"forged\"} on stdout\n");
        fflush(stdout);
        fprintf(stderr, "on stderr \xff \"quoted\"\n");
    }
    if (!here(device)) return SUCCESS;
    if (is("hang", function))
        for (;;) pause();
    if (is("segv", function)) raise(SIGSEGV);
    if (is("bus", function)) raise(SIGBUS);
    if (is("abort", function)) abort();
    if (is("kill", function)) raise(SIGKILL);
    if (is("exit", function)) exit(0);
    return (CUresult)number(function, SUCCESS);
}

#define ENTER(function, device)                                                                                        \
    do {                                                                                                               \
        CUresult entered = enter(function, device);                                                                    \
        if (entered != SUCCESS) return entered;                                                                        \
    } while (0)
#define NEEDS_CONTEXT                                                                                                  \
    if (current < 0) return INVALID_CONTEXT

// ---- the functions
// ---------------------------------------------------------------------------------------------

CUresult cuInit(unsigned flags) {
    ENTER("cuInit", -1);
    if (flags != 0) return INVALID_VALUE;
    initialised = 1;
    return SUCCESS;
}

CUresult cuDriverGetVersion(int* version) {
    ENTER("cuDriverGetVersion", -1);
    *version = (int)number("driver", 13000);
    return SUCCESS;
}

static const struct {
    CUresult code;
    const char *name, *text;
} names[] __attribute__((unused)) = {
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "fake: out of memory"},
    {100, "CUDA_ERROR_NO_DEVICE", "fake: no CUDA-capable device is detected"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "fake: no kernel image is available"},
    {500, "CUDA_ERROR_NOT_FOUND", "fake: named symbol not found"},
    {999, "CUDA_ERROR_UNKNOWN", "fake: unknown error"},
};

// Knows only a few codes, as an old driver lacks the newer ones.
#ifndef OMIT_cuGetErrorName
CUresult cuGetErrorName(CUresult code, const char** name) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (names[i].code == code) return *name = names[i].name, SUCCESS;
    return *name = NULL, INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult code, const char** text) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (names[i].code == code) return *text = names[i].text, SUCCESS;
    return *text = NULL, INVALID_VALUE;
}
#endif

static int device_count(void) { return (int)number("devices", 1); }

CUresult cuDeviceGetCount(int* count) {
    ENTER("cuDeviceGetCount", -1);
    if (!initialised) return NOT_INITIALIZED;
    *count = device_count();
    return SUCCESS;
}

CUresult cuDeviceGet(int* device, int ordinal) {
    ENTER("cuDeviceGet", ordinal);
    if (ordinal < 0 || ordinal >= device_count()) return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}

CUresult cuDeviceGetName(char* name, int room, int device) {
    ENTER("cuDeviceGetName", device);
    char text[256] = "Fake GPU";
    setting("name", text, sizeof text);
    snprintf(name, (size_t)room, "%s", text);
    return SUCCESS;
}

#ifdef OMIT_cuDeviceGetUuid_v2
CUresult cuDeviceGetUuid(unsigned char* uuid, int device) {
#else
CUresult cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
#endif
    ENTER("cuDeviceGetUuid", device);
    for (int i = 0; i < 16; ++i) uuid[i] = (unsigned char)(0x10 * device + i);
    return SUCCESS;
}

#ifndef OMIT_cuDeviceGetPCIBusId
CUresult cuDeviceGetPCIBusId(char* bus, int room, int device) {
    ENTER("cuDeviceGetPCIBusId", device);
    snprintf(bus, (size_t)room, "0000:%02X:00.0", 0x3b + device);
    return SUCCESS;
}
#endif

static void capability(int device, int* major, int* minor) {
    char text[128] = "9.0";
    setting("cc", text, sizeof text);
    char* part = text;
    for (char* slash; device > 0 && (slash = strchr(part, '/')) != NULL; --device) part = slash + 1;
    sscanf(part, "%d.%d", major, minor);
}

CUresult cuDeviceGetAttribute(int* value, int which, int device) {
    ENTER("cuDeviceGetAttribute", device);
    int major = 9, minor = 0;
    capability(device, &major, &minor);
    *value = which == 75 ? major : which == 76 ? minor : which == 16 ? 132 : which == 32 ? 1 : 0;
    return SUCCESS;
}

static unsigned long long memory(void) { return (unsigned long long)number("memory", 8LL << 30); }

CUresult cuDeviceTotalMem_v2(size_t* bytes, int device) {
    ENTER("cuDeviceTotalMem", device);
    *bytes = memory();
    return SUCCESS;
}

static int contexts[64];

CUresult cuDevicePrimaryCtxRetain(void** context, int device) {
    ENTER("cuDevicePrimaryCtxRetain", device);
    contexts[device] = device;
    *context = &contexts[device];
    return SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(int device) {
    ENTER("cuDevicePrimaryCtxRelease", device);
    // A context that still holds memory is a leak in the probe; the tests look for this message.
    if (allocated[device] != 0) fprintf(stderr, "fake driver: %llu bytes never freed\n", allocated[device]);
    allocated[device] = 0;
    return SUCCESS;
}

CUresult cuCtxSetCurrent(void* context) {
    int device = context == NULL ? -1 : *(int*)context;
    ENTER("cuCtxSetCurrent", device);
    current = device;
    return SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    ENTER("cuCtxSynchronize", current);
    NEEDS_CONTEXT;
    return SUCCESS;
}

CUresult cuMemGetInfo_v2(size_t* available, size_t* total) {
    ENTER("cuMemGetInfo", current);
    NEEDS_CONTEXT;
    *total = memory();
    *available = memory() - allocated[current];
    unsigned long long free_bytes = (unsigned long long)number("free", 64LL << 20);
    if (*available > free_bytes) *available = free_bytes;
    return SUCCESS;
}

// The size and the device are stored before the block.
CUresult cuMemAlloc_v2(CUdeviceptr* pointer, size_t bytes) {
    ENTER("cuMemAlloc", current);
    NEEDS_CONTEXT;
    if (allocated[current] + bytes > memory()) return OUT_OF_MEMORY;
    uint64_t* block = malloc(bytes + 64);
    if (block == NULL) return OUT_OF_MEMORY;
    block[0] = bytes;
    block[1] = (uint64_t)current;
    allocated[current] += bytes;
    *pointer = (CUdeviceptr)(uintptr_t)(block + 8);
    return SUCCESS;
}

CUresult cuMemFree_v2(CUdeviceptr pointer) {
    ENTER("cuMemFree", current);
    uint64_t* block = (uint64_t*)(uintptr_t)pointer - 8;
    allocated[block[1]] -= block[0];
    free(block);
    return SUCCESS;
}

CUresult cuMemAllocHost_v2(void** memory_out, size_t bytes) {
    ENTER("cuMemAllocHost", current);
    *memory_out = malloc(bytes);
    return *memory_out == NULL ? OUT_OF_MEMORY : SUCCESS;
}

CUresult cuMemFreeHost(void* block) {
    ENTER("cuMemFreeHost", current);
    free(block);
    return SUCCESS;
}

static void* at(CUdeviceptr pointer) { return (void*)(uintptr_t)pointer; }

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
    ENTER("cuMemcpyHtoD", current);
    NEEDS_CONTEXT;
    memcpy(at(to), from, bytes);
    return SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
    ENTER("cuMemcpyDtoH", current);
    NEEDS_CONTEXT;
    memcpy(to, at(from), bytes);
    return SUCCESS;
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    ENTER("cuMemcpyDtoD", current);
    NEEDS_CONTEXT;
    memcpy(at(to), at(from), bytes);
    return SUCCESS;
}

CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t count) {
    ENTER("cuMemsetD32", current);
    NEEDS_CONTEXT;
    for (size_t i = 0; i < count; ++i) ((unsigned*)at(to))[i] = value;
    return SUCCESS;
}

// ---- modules and kernels
// ---------------------------------------------------------------------------------------

// Machine code must be a cubin for the device: ELF, machine 190 (EM_CUDA), and an architecture of the device's major.
static int fits(const unsigned char* elf, int device) {
    int major = 0, minor = 0;
    capability(device, &major, &minor);
    unsigned flags;
    memcpy(&flags, elf + 48, sizeof flags);
    // Old cubins have the architecture in the low byte of e_flags; those in CUDA 13's newer form have it in the second
    // byte.
    unsigned low = flags & 0xFF, second = flags >> 8 & 0xFF;
    return elf[18] == 190 && ((int)low / 10 == major || (int)second / 10 == major);
}

CUresult cuModuleLoadDataEx(void** module, const void* image, unsigned count, const int* options, void** values) {
    ENTER("cuModuleLoadDataEx", current);
    NEEDS_CONTEXT;
    int elf = memcmp(image, "\177ELF", 4) == 0;
    if (elf && !fits(image, current)) return 209;
    if (!elf && strstr(image, ".target sm_35") == NULL) return 218;
    CUresult code = here(current) ? (CUresult)number(elf ? "cubin" : "ptx", SUCCESS) : SUCCESS;
    char log[256];
    if (code != SUCCESS && setting("log", log, sizeof log)) {
        char* buffer = NULL;
        size_t room = 0;
        for (unsigned i = 0; i < count; ++i) {
            if (options[i] == 5) buffer = values[i];
            if (options[i] == 6) room = (size_t)values[i];
        }
        if (buffer != NULL) snprintf(buffer, room, "%s", log);
    }
    *module = elf ? (void*)"cubin" : (void*)image;
    return code;
}

CUresult cuModuleUnload(void* module) {
    ENTER("cuModuleUnload", current);
    return module == NULL ? INVALID_VALUE : SUCCESS;
}

// ---- peers

__attribute__((unused)) static struct Link {
    int from, to; // the memory of `from` is accessible from `to`
} links[4096];
static int link_count;

#ifndef OMIT_peers

CUresult cuDeviceCanAccessPeer(int* can, int device, int peer) {
    ENTER("cuDeviceCanAccessPeer", device);
    *can = device != peer && !is("peers", "none");
    return SUCCESS;
}

CUresult cuCtxEnablePeerAccess(void* context, unsigned flags) {
    ENTER("cuCtxEnablePeerAccess", current);
    NEEDS_CONTEXT;
    if (flags != 0) return INVALID_VALUE;
    if (is("peers", "none")) return 217;
    links[link_count++] = (struct Link){*(int*)context, current};
    return SUCCESS;
}

CUresult cuCtxDisablePeerAccess(void* context) {
    ENTER("cuCtxDisablePeerAccess", current);
    for (int i = 0; i < link_count; ++i)
        if (links[i].from == *(int*)context && links[i].to == current) {
            links[i] = links[--link_count];
            return SUCCESS;
        }
    return 705; // not enabled
}

CUresult cuMemcpyPeer(CUdeviceptr to, void* to_context, CUdeviceptr from, void* from_context, size_t bytes) {
    int target = *(int*)to_context;
    ENTER("cuMemcpyPeer", target);
    if (target == *(int*)from_context) return INVALID_VALUE;
    memcpy(at(to), at(from), bytes);
    if (here(target) && is("wrong", "peer")) ((uint32_t*)at(to))[bytes / 4 - 3] = 0;
    return SUCCESS;
}

#endif

// ---- the kernels' arithmetic

static const char* const kernels[] = {"tb_saxpy", "tb_fma", "tb_reduce", "tb_matmul", "tb_fill", "tb_check"};
enum { SAXPY, FMA, REDUCE, MATMUL, FILL, CHECK, KERNELS };

CUresult cuModuleGetFunction(void** function, void* module, const char* name) {
    ENTER("cuModuleGetFunction", current);
    (void)module;
    for (int i = 0; i < KERNELS; ++i)
        if (strcmp(kernels[i], name) == 0) return *function = (void*)&kernels[i], SUCCESS;
    return NOT_FOUND;
}

static uint32_t scramble(uint32_t h) {
    h = (h ^ h >> 16) * 2146121005U;
    h = (h ^ h >> 15) * 2221713035U;
    return h ^ h >> 16;
}

static uint64_t u64_of(void** p, int i) { return *(uint64_t*)p[i]; }
static uint32_t u32_of(void** p, int i) { return *(uint32_t*)p[i]; }

static void run_vector(int kernel, unsigned threads, void** p) {
    const float *x = at(u64_of(p, 0)), *y = at(u64_of(p, 1));
    float* out = at(u64_of(p, 2));
    float a = *(float*)p[3];
    for (unsigned i = 0; i < threads && i < u32_of(p, 4); ++i) {
        volatile float product = a * x[i]; // volatile: rounded here, not fused with the addition
        out[i] = kernel == SAXPY ? product + y[i] : __builtin_fmaf(a, x[i], y[i]);
    }
}

static void run_reduce(unsigned threads, void** p) {
    const float* x = at(u64_of(p, 0));
    uint32_t* sums = at(u64_of(p, 1));
    for (unsigned i = 0; i < threads && i < u32_of(p, 2); ++i) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        bits = scramble(bits);
        sums[0] += bits;
        sums[1 + bits % 256]++;
    }
}

static void run_matmul(unsigned gx, unsigned gy, void** p) {
    const float *a = at(u64_of(p, 0)), *b = at(u64_of(p, 1));
    float* out = at(u64_of(p, 2));
    unsigned rows = u32_of(p, 3), cols = u32_of(p, 4), inner = u32_of(p, 5);
    int backwards = is("order", "other");
    for (unsigned r = 0; r < rows && r < gy * 16; ++r)
        for (unsigned c = 0; c < cols && c < gx * 16; ++c) {
            float sum = 0;
            for (unsigned i = 0; i < inner; ++i) {
                unsigned k = backwards ? inner - 1 - i : i;
                sum = __builtin_fmaf(a[r * inner + k], b[k * cols + c], sum);
            }
            out[r * cols + c] = sum;
        }
}

static uint32_t pattern(uint64_t number, uint32_t seed, uint32_t invert) {
    return scramble((uint32_t)(number & 0xFFFFFFFFU) ^ seed) ^ (uint32_t)(number >> 32) ^ invert;
}

static void run_fill(void** p) {
    uint32_t* out = at(u64_of(p, 0));
    for (uint64_t i = 0; i < u64_of(p, 1); ++i) out[i] = pattern(u64_of(p, 2) + i, u32_of(p, 3), u32_of(p, 4));
}

static void run_check(void** p) {
    const uint32_t* in = at(u64_of(p, 0));
    uint64_t* result = at(u64_of(p, 5));
    for (uint64_t i = 0; i < u64_of(p, 1); ++i) {
        uint64_t number = u64_of(p, 2) + i;
        if (in[i] == pattern(number, u32_of(p, 3), u32_of(p, 4))) continue;
        result[0] += 1;
        if (number < result[1]) result[1] = number;
    }
}

__attribute__((unused)) static void run_kernel(int kernel, unsigned gx, unsigned gy, unsigned threads, void** p) {
    switch (kernel) {
    case REDUCE:
        return run_reduce(threads, p);
    case MATMUL:
        return run_matmul(gx, gy, p);
    case FILL:
        return run_fill(p);
    case CHECK:
        return run_check(p);
    default:
        return run_vector(kernel, threads, p);
    }
}

#ifndef OMIT_cuLaunchKernel
CUresult cuLaunchKernel(void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, void* stream, void** parameters, void** extra) {
    ENTER("cuLaunchKernel", current);
    NEEDS_CONTEXT;
    (void)shared, (void)stream, (void)extra;
    int kernel = (int)((const char* const*)function - kernels);
    int flat = kernel != MATMUL;
    if (gz != 1 || bz != 1 || (flat && (gy != 1 || by != 1)) || (!flat && (bx != 16 || by != 16)) ||
        (kernel == REDUCE && bx != 256)) {
        return INVALID_VALUE;
    }
    const char* name = kernels[kernel] + strlen("tb_");
    if (here(current) && is("lost", name)) return SUCCESS;
    run_kernel(kernel, gx, gy, gx * bx, parameters);
    // The last element of the two vectors; a word in the middle of the matrix and of the memory.
    static const uint32_t wrong_word[] = {1000002, 1000002, 7, 16000, 123457};
    if (here(current) && is("wrong", name)) {
        int output = kernel == REDUCE ? 1 : kernel == FILL ? 0 : 2;
        ((uint32_t*)at(u64_of(parameters, output)))[wrong_word[kernel]] ^= 1;
    }
    if (kernel == CHECK && link_count > 0 && here(current) && is("wrong", "read"))
        ((uint64_t*)at(u64_of(parameters, 5)))[0] += 1;
    return SUCCESS;
}
#endif
