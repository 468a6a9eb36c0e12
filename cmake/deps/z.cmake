function(tinderbox_build_z source prefix)
    # zlib's own CMake file always builds the shared library and the examples too.
    tinderbox_cmake_build("${CMAKE_SOURCE_DIR}/cmake/deps/z" "${prefix}" "-DSOURCE=${source}")
endfunction()

function(tinderbox_use_z prefix)
    tinderbox_archive(z "${prefix}" libz.a)
endfunction()
