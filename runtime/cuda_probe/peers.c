// Stage 1, several devices: sends data from each device to each other, and reads across where the driver allows it. A
// broken path between two devices gives wrong data without an error, or hangs; usual causes are an IOMMU or a PCI
// switch with access control. Tests of one GPU never show it; training on several GPUs fails.
#include "events.h"
#include "stage1.h"

#include <stdio.h>
#include <string.h>

enum {
    PEER_BYTES = 16 << 20,
    PEER_WORDS = PEER_BYTES / 4,
    PEER_ROUNDS = 8,
    MAX_DEVICES = 64,
    ALREADY_ENABLED = 704,
};
static const double peer_budget_ms = 40;

struct Peer {
    CUdevice handle;
    CUcontext context; // NULL: this device is left out
    CUmodule module;
    struct MemoryKernels kernels;
    CUdeviceptr source, target;
};

static void close_peer(struct Peer* p) {
    if (p->context == NULL) return;
    CALL(cuCtxSetCurrent, p->context);
    if (p->target != 0) CALL(cuMemFree, p->target);
    if (p->source != 0) CALL(cuMemFree, p->source);
    if (p->kernels.result != 0) CALL(cuMemFree, p->kernels.result);
    if (p->module != NULL) CALL(cuModuleUnload, p->module);
    CALL(cuCtxSetCurrent, NULL);
    CALL(cuDevicePrimaryCtxRelease, p->handle);
    p->context = NULL;
}

// Every device passed alone a moment ago. A failure now means that memory is short, so its pairs are left out.
static bool open_peer(int index, const void* image, struct Peer* p) {
    memset(p, 0, sizeof *p);
    if (CALL(cuDeviceGet, &p->handle, index) != DRIVER_SUCCESS) return false;
    CUresult code = CALL(cuDevicePrimaryCtxRetain, &p->context, p->handle);
    if (code != DRIVER_SUCCESS) p->context = NULL;
    if (code == DRIVER_SUCCESS) code = CALL(cuCtxSetCurrent, p->context);
    if (code == DRIVER_SUCCESS) code = CALL(cuModuleLoadDataEx, &p->module, image, 0, NULL, NULL);
    if (code == DRIVER_SUCCESS) code = CALL(cuMemAlloc, &p->source, PEER_BYTES);
    if (code == DRIVER_SUCCESS) code = CALL(cuMemAlloc, &p->target, PEER_BYTES);
    if (code == DRIVER_SUCCESS && memory_kernels(index, p->module, &p->kernels)) return true;
    if (code != DRIVER_SUCCESS) driver_note(index, "peers", code, "this device takes no part in the test of pairs");
    close_peer(p);
    return false;
}

struct Pair {
    int from, to; // `to` receives the data of `from`, or reads it
    struct Peer *source, *target;
    bool access;       // `to` may read the memory of `from` directly
    double gb_per_s;   // of copies
    uint64_t wrong[2]; // words: copied wrong or read wrong
};

static uint32_t seed_of(const struct Pair* pair) {
    return 0x632BE5ABU + (uint32_t)(pair->from * MAX_DEVICES + pair->to);
}

static bool copy_across(struct Pair* pair) {
    struct Peer *s = pair->source, *t = pair->target;
    // Clear the target and fill the source: data of an earlier pair must not pass as this pair's.
    if (!CHECKED(pair->to, cuCtxSetCurrent, t->context) ||
        !CHECKED(pair->to, cuMemsetD32, t->target, 0xA5A5A5A5U, PEER_WORDS) || !CHECKED(pair->to, cuCtxSynchronize) ||
        !CHECKED(pair->from, cuCtxSetCurrent, s->context) ||
        !memory_fill(pair->from, &s->kernels, s->source, PEER_WORDS, 0, seed_of(pair), 0) ||
        !CHECKED(pair->from, cuCtxSynchronize)) {
        return false;
    }
    double before = now_ms(), spent = 0;
    int rounds = 0;
    while (rounds < PEER_ROUNDS && spent < peer_budget_ms) {
        if (!CHECKED(pair->to, cuMemcpyPeer, t->target, t->context, s->source, s->context, PEER_BYTES)) return false;
        // The call may return before the copy is complete.
        if (!CHECKED(pair->to, cuCtxSetCurrent, t->context) || !CHECKED(pair->to, cuCtxSynchronize)) return false;
        if (rounds++ == 0) {
            before = now_ms(); // the first copy sets the path up and is not measured
            continue;
        }
        spent = now_ms() - before;
    }
    pair->gb_per_s = spent > 0 ? (double)PEER_BYTES * (rounds - 1) / spent / 1e6 : 0;
    return memory_check(pair->to, &t->kernels, t->target, PEER_WORDS, 0, seed_of(pair), 0, pair->wrong);
}

// `to` runs the check on the memory of `from`.
static bool read_across(struct Pair* pair) {
    struct Peer *s = pair->source, *t = pair->target;
    if (driver.cuCtxEnablePeerAccess == NULL || driver.cuCtxDisablePeerAccess == NULL) return true;
    CUresult code = CALL(cuCtxEnablePeerAccess, s->context, 0);
    if (code != DRIVER_SUCCESS && code != ALREADY_ENABLED) {
        pair->access = false;
        driver_note(pair->to, "cuCtxEnablePeerAccess", code, "direct access was promised and not given");
        return true;
    }
    bool ok = memory_check(pair->to, &t->kernels, s->source, PEER_WORDS, 0, seed_of(pair), 0, pair->wrong);
    if (code == DRIVER_SUCCESS) CALL(cuCtxDisablePeerAccess, s->context);
    return ok;
}

static bool run_pair(struct Pair* pair) {
    int can = 0;
    if (driver.cuDeviceCanAccessPeer != NULL &&
        CALL(cuDeviceCanAccessPeer, &can, pair->target->handle, pair->source->handle) == DRIVER_SUCCESS) {
        pair->access = can != 0;
    }
    pair->wrong[1] = UINT64_MAX;
    bool ok = copy_across(pair) && (!pair->access || read_across(pair));
    event_begin("peer");
    event_integer("stage", 1);
    event_integer("device", pair->to);
    event_integer("from", pair->from);
    event_flag("ok", ok && pair->wrong[0] == 0);
    event_flag("access", pair->access);
    event_integer("bytes", PEER_BYTES);
    event_decimal("gb_per_s", pair->gb_per_s);
    event_integer("wrong", (long long)pair->wrong[0]);
    event_end();
    return ok && pair->wrong[0] == 0;
}

bool test_peers(int count, const void* const* images) {
    static struct Peer peers[MAX_DEVICES];
    int good = 0;
    for (int i = 0; i < count; ++i) good += images[i] != NULL;
    if (good < 2 || driver.cuMemcpyPeer == NULL) return true;
    bool ok = true, all_right = true;
    for (int i = 0; i < count; ++i) {
        progress->device = i;
        if (images[i] != NULL) open_peer(i, images[i], &peers[i]);
    }
    for (int to = 0; ok && to < count; ++to) {
        for (int from = 0; ok && from < count; ++from) {
            if (from == to || peers[from].context == NULL || peers[to].context == NULL) continue;
            progress->device = to;
            struct Pair pair = {.from = from, .to = to, .source = &peers[from], .target = &peers[to]};
            // After wrong data the next pair is tested; after an error of the driver no test can run.
            bool passed = run_pair(&pair);
            ok = passed || pair.wrong[0] != 0;
            all_right = all_right && passed;
        }
    }
    for (int i = 0; i < count; ++i) close_peer(&peers[i]);
    return all_right;
}
