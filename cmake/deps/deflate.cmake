function(tinderbox_build_deflate source prefix)
    tinderbox_cmake_build("${source}" "${prefix}"
        -DLIBDEFLATE_BUILD_SHARED_LIB=OFF -DLIBDEFLATE_BUILD_GZIP=OFF)
endfunction()

function(tinderbox_use_deflate prefix)
    tinderbox_archive(deflate "${prefix}" libdeflate.a)
endfunction()
