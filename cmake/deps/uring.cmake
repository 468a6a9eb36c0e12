function(tinderbox_build_uring source prefix)
    # Its configure script writes the headers; its makefile would ask for make.
    tinderbox_run(DIRECTORY "${source}" COMMAND sh ./configure "--cc=${CMAKE_C_COMPILER}" "--cxx=${CMAKE_CXX_COMPILER}")
    tinderbox_cmake_build("${CMAKE_SOURCE_DIR}/cmake/deps/uring" "${prefix}" "-DSOURCE=${source}")
endfunction()

function(tinderbox_use_uring prefix)
    tinderbox_archive(uring "${prefix}" liburing.a)
endfunction()
