set(solv_uses z)

function(tinderbox_build_solv source prefix)
    # Only the solver and what reads a conda repodata.json; the tools are not built.
    set(z "${tinderbox_dependency_z_prefix}")
    tinderbox_cmake_build("${source}" "${prefix}"
        -DDISABLE_SHARED=ON -DENABLE_STATIC=ON -DENABLE_CONDA=ON -DMULTI_SEMANTICS=ON -DWITHOUT_COOKIEOPEN=ON
        "-DZLIB_INCLUDE_DIR=${z}/include" "-DZLIB_LIBRARY=${z}/lib/libz.a")
endfunction()

function(tinderbox_use_solv prefix)
    tinderbox_archive(solv_core "${prefix}" libsolv.a)
    tinderbox_archive(solv "${prefix}" libsolvext.a tb::solv_core)
endfunction()
