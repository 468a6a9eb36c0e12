function(tinderbox_build_cares source prefix)
    # curl asks for ports by number. libc's look-up of service names would want the shared
    # libraries of the machine's own glibc, so it is taken out instead of only never called.
    foreach(name addrinfo nameinfo)
        set(file "${source}/src/lib/ares_get${name}.c")
        file(READ "${file}" text)
        string(REGEX REPLACE "sep = getservby(name|port)\\([a-z]+, proto\\)" "sep = NULL" text "${text}")
        file(WRITE "${file}" "${text}")
    endforeach()
    tinderbox_cmake_build("${source}" "${prefix}" -DCARES_STATIC=ON -DCARES_SHARED=OFF -DCARES_BUILD_TOOLS=OFF
        -DCARES_BUILD_TESTS=OFF -DCARES_BUILD_CONTAINER_TESTS=OFF
        -DHAVE_GETSERVBYPORT_R=OFF -DHAVE_GETSERVBYNAME_R=OFF)
endfunction()

function(tinderbox_use_cares prefix)
    tinderbox_archive(cares "${prefix}" libcares.a)
    set_property(TARGET tb::cares PROPERTY INTERFACE_COMPILE_DEFINITIONS CARES_STATICLIB)
endfunction()
