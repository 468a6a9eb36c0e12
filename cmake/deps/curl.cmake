set(curl_uses mbedtls cares nghttp2 z zstd)

function(tinderbox_build_curl source prefix)
    foreach(used IN LISTS curl_uses)
        set(${used} "${tinderbox_dependency_${used}_prefix}")
    endforeach()
    # HTTP and HTTPS only. The certificates to trust are found at run time (generator/fetch), and
    # ~ is $HOME: getpwuid would want the shared libraries of the machine's own glibc.
    tinderbox_cmake_build("${source}" "${prefix}"
        -DHTTP_ONLY=ON -DBUILD_CURL_EXE=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF
        -DENABLE_CURL_MANUAL=OFF -DCURL_USE_PKGCONFIG=OFF -DCURL_USE_LIBPSL=OFF -DUSE_LIBIDN2=OFF
        -DCURL_USE_LIBSSH2=OFF -DCURL_BROTLI=OFF -DCURL_DISABLE_ALTSVC=ON -DCURL_DISABLE_WEBSOCKETS=ON
        -DCURL_DISABLE_IPFS=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none -DCURL_DISABLE_INSTALL=OFF
        -DHAVE_GETPWUID_R=OFF -DHAVE_GETPWUID=OFF
        -DCURL_USE_OPENSSL=OFF -DCURL_USE_MBEDTLS=ON "-DMBEDTLS_INCLUDE_DIR=${mbedtls}/include"
        "-DMBEDTLS_LIBRARY=${mbedtls}/lib/libmbedtls.a" "-DMBEDX509_LIBRARY=${mbedtls}/lib/libmbedx509.a"
        "-DMBEDCRYPTO_LIBRARY=${mbedtls}/lib/libmbedcrypto.a"
        -DENABLE_ARES=ON "-DCARES_INCLUDE_DIR=${cares}/include" "-DCARES_LIBRARY=${cares}/lib/libcares.a"
        -DUSE_NGHTTP2=ON "-DNGHTTP2_INCLUDE_DIR=${nghttp2}/include" "-DNGHTTP2_LIBRARY=${nghttp2}/lib/libnghttp2.a"
        -DCURL_ZLIB=ON "-DZLIB_INCLUDE_DIR=${z}/include" "-DZLIB_LIBRARY=${z}/lib/libz.a"
        -DCURL_ZSTD=ON "-DZSTD_INCLUDE_DIR=${zstd}/include" "-DZSTD_LIBRARY=${zstd}/lib/libzstd.a")
endfunction()

function(tinderbox_use_curl prefix)
    tinderbox_archive(curl "${prefix}" libcurl.a tb::mbedtls tb::cares tb::nghttp2 tb::z tb::zstd Threads::Threads)
    set_property(TARGET tb::curl PROPERTY INTERFACE_COMPILE_DEFINITIONS CURL_STATICLIB)
endfunction()
