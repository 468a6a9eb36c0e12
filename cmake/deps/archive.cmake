set(archive_uses z bz2 zstd)

function(tinderbox_build_archive source prefix)
    foreach(used IN LISTS archive_uses)
        set(${used} "${tinderbox_dependency_${used}_prefix}")
    endforeach()
    # Reading tar through bzip2, zstd and zlib; names stay the bytes they are (no iconv).
    tinderbox_cmake_build("${source}" "${prefix}"
        -DENABLE_TEST=OFF -DENABLE_INSTALL=ON -DENABLE_TAR=OFF -DENABLE_CPIO=OFF -DENABLE_CAT=OFF -DENABLE_UNZIP=OFF
        -DENABLE_OPENSSL=OFF -DENABLE_MBEDTLS=OFF -DENABLE_NETTLE=OFF -DENABLE_LIBB2=OFF -DENABLE_LZ4=OFF
        -DENABLE_LZO=OFF -DENABLE_LZMA=OFF -DENABLE_LIBXML2=OFF -DENABLE_EXPAT=OFF -DENABLE_PCREPOSIX=OFF
        -DENABLE_PCRE2POSIX=OFF -DENABLE_LIBGCC=OFF -DENABLE_ICONV=OFF -DENABLE_ACL=OFF -DENABLE_XATTR=OFF
        -DENABLE_CNG=OFF -DENABLE_WERROR=OFF -DPOSIX_REGEX_LIB=NONE
        -DENABLE_ZLIB=ON "-DZLIB_INCLUDE_DIR=${z}/include" "-DZLIB_LIBRARY=${z}/lib/libz.a"
        -DENABLE_BZip2=ON "-DBZIP2_INCLUDE_DIR=${bz2}/include" "-DBZIP2_LIBRARIES=${bz2}/lib/libbz2.a"
        "-DBZIP2_LIBRARY_RELEASE=${bz2}/lib/libbz2.a"
        -DENABLE_ZSTD=ON "-DZSTD_INCLUDE_DIR=${zstd}/include" "-DZSTD_LIBRARY=${zstd}/lib/libzstd.a")
endfunction()

function(tinderbox_use_archive prefix)
    tinderbox_archive(archive "${prefix}" libarchive.a tb::z tb::bz2 tb::zstd)
    set_property(TARGET tb::archive PROPERTY INTERFACE_COMPILE_DEFINITIONS LIBARCHIVE_STATIC)
endfunction()
