function(tinderbox_build_fmt source prefix)
    tinderbox_cmake_build("${source}" "${prefix}" -DFMT_DOC=OFF -DFMT_TEST=OFF)
endfunction()

function(tinderbox_use_fmt prefix)
    tinderbox_archive(fmt "${prefix}" libfmt.a)
endfunction()
