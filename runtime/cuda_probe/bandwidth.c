// Stage 1: measures copies between host and device and inside the device. The figures are for the report; a slow copy
// is no failure.
#include "events.h"
#include "stage1.h"

#include <stdlib.h>
#include <string.h>

enum { COPY_MAX = 64 << 20, COPY_MIN = 1 << 20, COPY_ROUNDS = 16 };
static const double copy_budget_ms = 120; // for each of three directions

struct Copy {
    const char* direction;
    CUdeviceptr to, from;
    void* host;
};

static CUresult copy_once(const struct Copy* c, size_t bytes) {
    if (c->to == 0) return CALL(cuMemcpyDtoH, c->host, c->from, bytes);
    if (c->from == 0) return CALL(cuMemcpyHtoD, c->to, c->host, bytes);
    CUresult code = CALL(cuMemcpyDtoD, c->to, c->from, bytes);
    return code != DRIVER_SUCCESS ? code : CALL(cuCtxSynchronize);
}

static bool measure(int device, const struct Copy* c, size_t bytes, bool pinned) {
    CUresult code = copy_once(c, bytes); // the first copy also touches the pages and wakes the link up
    double before = now_ms(), spent = 0;
    int rounds = 0;
    while (code == DRIVER_SUCCESS && rounds < COPY_ROUNDS && spent < copy_budget_ms) {
        code = copy_once(c, bytes);
        spent = now_ms() - before;
        ++rounds;
    }
    if (code != DRIVER_SUCCESS) {
        driver_note(device, c->direction, code, "the bandwidth could not be measured");
        return false;
    }
    event_begin("bandwidth");
    event_integer("stage", 1);
    event_integer("device", device);
    event_text("direction", c->direction);
    event_integer("bytes", (long long)bytes);
    event_integer("rounds", rounds);
    event_decimal("ms", spent);
    event_decimal("gb_per_s", spent > 0 ? (double)bytes * rounds / spent / 1e6 : 0);
    if (c->host != NULL) event_flag("pinned", pinned);
    event_end();
    return true;
}

static void* host_memory(size_t bytes, bool* pinned) {
    void* memory = NULL;
    *pinned = driver.cuMemAllocHost != NULL && CALL(cuMemAllocHost, &memory, bytes) == DRIVER_SUCCESS;
    if (!*pinned) memory = malloc(bytes); // copies are slower then; the event says so
    if (memory != NULL) memset(memory, 0x5A, bytes);
    return memory;
}

void measure_copies(int device) {
    CUdeviceptr a = 0, b = 0;
    size_t bytes = COPY_MAX;
    // Other programs may use nearly all of the memory: halve the size until it fits.
    for (; bytes >= COPY_MIN; bytes /= 2) {
        if (CALL(cuMemAlloc, &a, bytes) == DRIVER_SUCCESS) {
            if (CALL(cuMemAlloc, &b, bytes) == DRIVER_SUCCESS) break;
            CALL(cuMemFree, a);
        }
        a = b = 0;
    }
    if (a == 0) return;
    bool pinned = false;
    void* host = host_memory(bytes, &pinned);
    if (host != NULL) {
        const struct Copy copies[] = {
            {"host_to_device", a, 0, host}, {"device_to_host", 0, a, host}, {"device_to_device", b, a, NULL}};
        bool ok = true;
        for (int i = 0; i < 3 && ok; ++i) ok = measure(device, &copies[i], bytes, pinned);
        if (pinned && driver.cuMemFreeHost != NULL) CALL(cuMemFreeHost, host);
        if (!pinned) free(host);
    }
    CALL(cuMemFree, b);
    CALL(cuMemFree, a);
}
