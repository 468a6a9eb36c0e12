function(tinderbox_build_nghttp2 source prefix)
    tinderbox_cmake_build("${source}" "${prefix}" -DENABLE_LIB_ONLY=ON -DENABLE_DOC=OFF
        -DENABLE_SHARED_LIB=OFF -DENABLE_STATIC_LIB=ON -DBUILD_STATIC_LIBS=ON)
endfunction()

function(tinderbox_use_nghttp2 prefix)
    tinderbox_archive(nghttp2 "${prefix}" libnghttp2.a)
    set_property(TARGET tb::nghttp2 PROPERTY INTERFACE_COMPILE_DEFINITIONS NGHTTP2_STATICLIB)
endfunction()
