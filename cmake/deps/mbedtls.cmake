function(tinderbox_build_mbedtls source prefix)
    # Threads share the PSA key store, so it needs its mutexes; its own sockets would bring in
    # getaddrinfo, which a static program cannot use.
    set(config "${source}/include/mbedtls/mbedtls_config.h")
    file(READ "${config}" text)
    string(REPLACE "//#define MBEDTLS_THREADING_C" "#define MBEDTLS_THREADING_C" text "${text}")
    string(REPLACE "//#define MBEDTLS_THREADING_PTHREAD" "#define MBEDTLS_THREADING_PTHREAD" text "${text}")
    string(REPLACE "#define MBEDTLS_NET_C" "//#define MBEDTLS_NET_C" text "${text}")
    file(WRITE "${config}" "${text}")
    tinderbox_cmake_build("${source}" "${prefix}"
        -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DGEN_FILES=OFF -DMBEDTLS_FATAL_WARNINGS=OFF)
endfunction()

function(tinderbox_use_mbedtls prefix)
    tinderbox_archive(mbedcrypto "${prefix}" libmbedcrypto.a Threads::Threads)
    tinderbox_archive(mbedx509 "${prefix}" libmbedx509.a tb::mbedcrypto)
    tinderbox_archive(mbedtls "${prefix}" libmbedtls.a tb::mbedx509)
endfunction()
