function(tinderbox_build_bz2 source prefix)
    # bzip2 has a makefile only, without -fPIC in it.
    tinderbox_cmake_build("${CMAKE_SOURCE_DIR}/cmake/deps/bz2" "${prefix}" "-DSOURCE=${source}")
endfunction()

function(tinderbox_use_bz2 prefix)
    tinderbox_archive(bz2 "${prefix}" libbz2.a)
endfunction()
