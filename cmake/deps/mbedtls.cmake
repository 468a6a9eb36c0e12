function(tinderbox_build_mbedtls source prefix)
    tinderbox_cmake_build("${source}" "${prefix}"
        -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DMBEDTLS_FATAL_WARNINGS=OFF)
endfunction()

function(tinderbox_use_mbedtls prefix)
    tinderbox_archive(mbedcrypto "${prefix}" libmbedcrypto.a tb::mbedtls_curve tb::mbedtls_p256m)
    tinderbox_archive(mbedx509 "${prefix}" libmbedx509.a tb::mbedcrypto)
    tinderbox_archive(mbedtls "${prefix}" libmbedtls.a tb::mbedx509)
    tinderbox_archive(mbedtls_curve "${prefix}" libeverest.a)
    tinderbox_archive(mbedtls_p256m "${prefix}" libp256m.a)
endfunction()
