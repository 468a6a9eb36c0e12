#include "workload.h"

#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct WorkKernel work_kernels[WORK_KERNELS] = {
    // Outputs start as NaN bits, so that a word that a kernel does not write is wrong. tb_reduce adds to its output and
    // starts from 0.
    {"saxpy", "tb_saxpy", WORK_ELEMENTS, 0xFFFFFFFFU, {WORK_GRID, 1}, {WORK_BLOCK, 1}},
    {"fma", "tb_fma", WORK_ELEMENTS, 0xFFFFFFFFU, {WORK_GRID, 1}, {WORK_BLOCK, 1}},
    {"reduce", "tb_reduce", 1 + WORK_BINS, 0, {WORK_GRID, 1}, {WORK_BLOCK, 1}},
    {"matmul",
     "tb_matmul",
     WORK_ROWS* WORK_COLS,
     0xFFFFFFFFU,
     {(WORK_COLS + WORK_TILE - 1) / WORK_TILE, (WORK_ROWS + WORK_TILE - 1) / WORK_TILE},
     {WORK_TILE, WORK_TILE}},
};
const uint32_t memory_inverts[MEMORY_PATTERNS] = {0, 0xFFFFFFFFU};

static uint32_t mix(uint32_t v) {
    v ^= v >> 16;
    v *= 0x7feb352dU;
    v ^= v >> 15;
    v *= 0x846ca68bU;
    v ^= v >> 16;
    return v;
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// All factors are multiples of 2^-23 below 2; all summands are multiples of 2^-23 below 4 in magnitude. So a product is
// a multiple of 2^-46 below 4 and a sum one below 8: at most 49 bits, exact in a double. Rounding that double once
// gives the fused result, without libm and without an FMA unit in this CPU. No value comes near the denormals, so a
// flush-to-zero mode of the CPU changes nothing.
static float with_fraction(uint32_t hash) { return 1.0f + (float)(hash & 0x7FFFFF) * 0x1p-23f; }

static void fill_inputs(struct Work* work) {
    work->a = 1.0f + 1969287.0f * 0x1p-23f; // an odd significand, so that products need all 48 bits
    for (uint32_t i = 0; i < WORK_ELEMENTS; ++i) {
        uint32_t h = mix(i + 0x9E3779B9U);
        work->x[i] = with_fraction(h);
        float y = with_fraction(mix(h));
        // Negative in half of the elements: there the leading bits cancel, and an extra rounding shows.
        work->y[i] = (h >> 31) != 0 ? y : -y;
    }
}

// The matrices. Factors are multiples of 2^-11 below 2, so products are multiples of 2^-22 below 4. A running sum is
// rounded to 24 bits and stays a multiple of 2^-22 below 2^10. So sum + product has at most 33 bits and is exact in a
// double; its conversion is the one rounding of a fused multiply-add. The sums need more than 24 bits, so they are
// really rounded and their order matters.
static float with_short_fraction(uint32_t hash) {
    float magnitude = 1.0f + (float)(hash & 0x7FF) * 0x1p-11f;
    return (hash >> 31) != 0 ? magnitude : -magnitude;
}

static void fill_matrices(struct Work* work) {
    for (uint32_t i = 0; i < WORK_ROWS * WORK_INNER; ++i)
        work->x[WORK_ELEMENTS + i] = with_short_fraction(mix(i ^ 0x85EBCA6BU));
    for (uint32_t i = 0; i < WORK_ROWS * WORK_INNER; ++i)
        work->y[WORK_ELEMENTS + i] = with_short_fraction(mix(i ^ 0xC2B2AE35U));
}

static void want_product(struct Work* work, uint32_t* wanted) {
    const float *a = work->x + WORK_ELEMENTS, *b = work->y + WORK_ELEMENTS;
    for (size_t row = 0; row < WORK_ROWS; ++row) {
        // Computes a row of sums at a time: adds each term to all sums before the next term. Each sum keeps the
        // kernel's order, and both matrices are read in the order of their memory.
        float sums[WORK_COLS] = {0};
        for (size_t k = 0; k < WORK_INNER; ++k) {
            double factor = a[row * WORK_INNER + k];
            for (size_t col = 0; col < WORK_COLS; ++col)
                sums[col] = (float)((double)sums[col] + factor * (double)b[k * WORK_COLS + col]);
        }
        memcpy(wanted + row * WORK_COLS, sums, sizeof sums);
    }
}

static void fill_wanted(struct Work* work) {
    uint32_t* sums = work->wanted[2];
    for (size_t i = 0; i < WORK_ELEMENTS; ++i) {
        double product = (double)work->a * (double)work->x[i];
        float rounded_product = (float)product;
        float twice_rounded = (float)((double)rounded_product + (double)work->y[i]);
        float once_rounded = (float)(product + (double)work->y[i]);
        work->wanted[0][i] = bits_of(twice_rounded);
        work->wanted[1][i] = bits_of(once_rounded);
        uint32_t v = mix(bits_of(work->x[i]));
        sums[0] += v;
        sums[1 + (v & (WORK_BINS - 1))] += 1;
    }
    want_product(work, work->wanted[3]);
}

void work_arguments(const struct Work* work, int kernel, uint64_t x, uint64_t y, uint64_t out,
                    struct WorkArguments* arguments) {
    struct WorkArguments* p = arguments;
    const bool matrices = kernel == 3;
    *p = (struct WorkArguments){.x = x,
                                .y = y,
                                .out = out,
                                .a = work->a,
                                .n = WORK_ELEMENTS,
                                .rows = WORK_ROWS,
                                .cols = WORK_COLS,
                                .inner = WORK_INNER};
    if (matrices) {
        p->x += WORK_ELEMENTS * sizeof(float);
        p->y += WORK_ELEMENTS * sizeof(float);
    }
    void* const vectors[6] = {&p->x, &p->y, &p->out, &p->a, &p->n};
    void* const reduction[6] = {&p->x, &p->out, &p->n};
    void* const product[6] = {&p->x, &p->y, &p->out, &p->rows, &p->cols, &p->inner};
    memcpy(p->pointers, matrices ? product : kernel == 2 ? reduction : vectors, sizeof p->pointers);
}

uint32_t memory_word(uint64_t number, uint32_t seed, uint32_t invert) {
    return mix((uint32_t)number ^ seed) ^ (uint32_t)(number >> 32) ^ invert;
}

bool work_prepare(struct Work* work, int stage) {
    work->x = malloc(WORK_INPUTS * sizeof(float));
    work->y = malloc(WORK_INPUTS * sizeof(float));
    work->got = malloc(WORK_ELEMENTS * sizeof(uint32_t));
    bool all = work->x != NULL && work->y != NULL && work->got != NULL;
    for (int k = 0; k < WORK_KERNELS; ++k) {
        work->wanted[k] = calloc(work_kernels[k].outputs, sizeof(uint32_t));
        all = all && work->wanted[k] != NULL;
    }
    if (!all) {
        event_begin("error");
        event_integer("stage", stage);
        event_text("call", "malloc");
        event_text("name", "OUT_OF_HOST_MEMORY");
        event_text("message", "not enough memory for the test's inputs");
        event_end();
        return false;
    }
    fill_inputs(work);
    fill_matrices(work);
    fill_wanted(work);
    return true;
}

static void event_word(const char* key, uint32_t value) {
    char text[16];
    snprintf(text, sizeof text, "0x%08x", (unsigned)value);
    event_text(key, text);
}

bool work_compare(const struct Work* work, int kernel, int stage, int device, const char* image, double ms) {
    const struct WorkKernel* k = &work_kernels[kernel];
    size_t wrong = 0, first = 0;
    for (size_t i = 0; i < k->outputs; ++i) {
        if (work->got[i] == work->wanted[kernel][i]) continue;
        if (wrong++ == 0) first = i;
    }
    event_begin("kernel");
    event_integer("stage", stage);
    event_integer("device", device);
    event_text("kernel", k->name);
    event_text("image", image);
    event_flag("ok", wrong == 0);
    event_decimal("ms", ms);
    event_integer("outputs", (long long)k->outputs);
    event_integer("wrong", (long long)wrong);
    if (wrong != 0) {
        event_integer("first_wrong", (long long)first);
        event_word("expected", work->wanted[kernel][first]);
        event_word("got", work->got[first]);
    }
    event_end();
    return wrong == 0;
}
