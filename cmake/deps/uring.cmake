function(tinderbox_build_uring source prefix)
    # Its configure script writes the headers, and calls make only to learn the version; its
    # makefile would build shared libraries too. So make is not needed.
    string(REPLACE "." ";" version "${tinderbox_dependency_uring_version}")
    list(GET version 0 major)
    list(GET version 1 minor)
    file(READ "${source}/configure" text)
    foreach(part MAJOR=${major} MINOR=${minor})
        string(REGEX REPLACE "=.*" "" name "${part}")
        string(REGEX REPLACE "VERSION_${name}=[^\n]*" "VERSION_${part}" text "${text}")
    endforeach()
    file(WRITE "${source}/configure" "${text}")
    tinderbox_run(DIRECTORY "${source}" COMMAND sh ./configure --use-libc "--cc=${CMAKE_C_COMPILER}" "--cxx=${CMAKE_CXX_COMPILER}")
    tinderbox_cmake_build("${CMAKE_SOURCE_DIR}/cmake/deps/uring" "${prefix}" "-DSOURCE=${source}")
endfunction()

function(tinderbox_use_uring prefix)
    tinderbox_archive(uring "${prefix}" liburing.a)
endfunction()
