function(tinderbox_build_zstd source prefix)
    # Threads inside one frame are not used: parcels are compressed in parallel block by block.
    tinderbox_cmake_build("${source}/build/cmake" "${prefix}"
        -DZSTD_BUILD_PROGRAMS=OFF -DZSTD_BUILD_SHARED=OFF -DZSTD_BUILD_STATIC=ON -DZSTD_LEGACY_SUPPORT=OFF
        -DZSTD_MULTITHREAD_SUPPORT=OFF)
endfunction()

function(tinderbox_use_zstd prefix)
    tinderbox_archive(zstd "${prefix}" libzstd.a)
endfunction()
