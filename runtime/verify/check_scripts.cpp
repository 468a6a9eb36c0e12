#include "runtime/verify/check_scripts.hpp"

#include <cstddef>

// .incbin is found through the same -I as the headers.
#define TINDERBOX_CHECK(name)                                                                                          \
    asm(".pushsection .rodata\n"                                                                                       \
        ".global tinderbox_check_" #name "_begin\n"                                                                    \
        ".global tinderbox_check_" #name "_end\n"                                                                      \
        "tinderbox_check_" #name "_begin:\n"                                                                           \
        ".incbin \"runtime/verify/checks/" #name ".py\"\n"                                                             \
        "tinderbox_check_" #name "_end:\n"                                                                             \
        ".byte 0\n"                                                                                                    \
        ".popsection\n");                                                                                              \
    extern "C" const char tinderbox_check_##name##_begin[], tinderbox_check_##name##_end[];                            \
    namespace tinderbox::verify::scripts {                                                                             \
    std::string_view name() {                                                                                          \
        return {tinderbox_check_##name##_begin,                                                                        \
                static_cast<std::size_t>(tinderbox_check_##name##_end - tinderbox_check_##name##_begin)};              \
    }                                                                                                                  \
    }

TINDERBOX_CHECK(answer)
TINDERBOX_CHECK(prelude)
TINDERBOX_CHECK(start)
TINDERBOX_CHECK(imports)
TINDERBOX_CHECK(metadata)
TINDERBOX_CHECK(plan)
TINDERBOX_CHECK(shell)
TINDERBOX_CHECK(watch)
TINDERBOX_CHECK(torch)
TINDERBOX_CHECK(jax)
TINDERBOX_CHECK(cupy)
TINDERBOX_CHECK(tensorflow)
TINDERBOX_CHECK(numba)
