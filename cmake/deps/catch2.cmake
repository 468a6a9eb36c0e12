function(tinderbox_build_catch2 source prefix)
    tinderbox_cmake_build("${source}" "${prefix}" -DCATCH_INSTALL_DOCS=OFF -DCATCH_INSTALL_EXTRAS=OFF
        -DCMAKE_CXX_STANDARD=20)
endfunction()

function(tinderbox_use_catch2 prefix)
    tinderbox_archive(catch2_core "${prefix}" libCatch2.a)
    tinderbox_archive(catch2 "${prefix}" libCatch2Main.a tb::catch2_core)
endfunction()
