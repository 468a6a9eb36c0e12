function(tinderbox_build_cares source prefix)
    # Service names are never looked up (ports are numbers), and libc's lookups would want the
    # shared libraries of the machine's own glibc.
    tinderbox_cmake_build("${source}" "${prefix}" -DCARES_STATIC=ON -DCARES_SHARED=OFF -DCARES_BUILD_TOOLS=OFF
        -DCARES_BUILD_TESTS=OFF -DCARES_BUILD_CONTAINER_TESTS=OFF
        -DHAVE_GETSERVBYPORT_R=OFF -DHAVE_GETSERVBYNAME_R=OFF)
endfunction()

function(tinderbox_use_cares prefix)
    tinderbox_archive(cares "${prefix}" libcares.a)
    set_property(TARGET tb::cares PROPERTY INTERFACE_COMPILE_DEFINITIONS CARES_STATICLIB)
endfunction()
