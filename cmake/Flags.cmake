# Warnings, sanitizers and linking, each as an INTERFACE target. Our own code links these targets; third-party code
# never does.

find_package(Threads REQUIRED)

add_library(tinderbox_warnings INTERFACE)
target_compile_options(tinderbox_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wno-missing-field-initializers
    $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Woverloaded-virtual -Wextra-semi -Wnull-dereference -Wimplicit-fallthrough -Wformat=2 -Wundef -Wvla>)
# g++ 12 reports these two inside inlined code of libstdc++.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tinderbox_warnings INTERFACE
        $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict -Wno-null-dereference -Wno-maybe-uninitialized>)
endif()
# The file of a batch is not a main file for g++, which takes its unnamed namespaces for a header's.
if(TINDERBOX_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(tinderbox_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()

add_library(tinderbox_sanitizers INTERFACE)
if(TINDERBOX_SANITIZE)
    target_compile_options(tinderbox_sanitizers INTERFACE
        -fsanitize=${TINDERBOX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tinderbox_sanitizers INTERFACE -fsanitize=${TINDERBOX_SANITIZE})
endif()

# libFuzzer counts what an input reaches in all code; only the fuzz targets get its main program.
if(TINDERBOX_LIBFUZZER)
    target_compile_options(tinderbox_sanitizers INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=fuzzer-no-link>)
endif()

# A compiler sees one translation unit. Only the linker sees two definitions of a name that differ.
add_library(tinderbox_odr INTERFACE)
if(TINDERBOX_ODR)
    target_compile_options(tinderbox_odr INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-flto -Wodr -Werror=odr>)
    target_link_options(tinderbox_odr INTERFACE -flto=auto -Wodr -Werror=odr)
endif()

# All code is position-dependent: a static program has no loader that would move it. With some toolchains -static
# together with PIE brings back an INTERP.
add_library(tinderbox_options INTERFACE)
target_link_libraries(tinderbox_options INTERFACE tinderbox_warnings tinderbox_sanitizers tinderbox_odr)
target_include_directories(tinderbox_options INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")
# No path of the build machine may reach a binary: two clones build the same bytes.
target_compile_options(tinderbox_options INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=> -ffunction-sections -fdata-sections)
target_link_options(tinderbox_options INTERFACE -Wl,--gc-sections)
if(TINDERBOX_STATIC)
    target_compile_options(tinderbox_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-fno-pie>)
    target_link_options(tinderbox_options INTERFACE -no-pie)
endif()
