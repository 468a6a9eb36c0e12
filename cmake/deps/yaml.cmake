function(tinderbox_build_yaml source prefix)
    tinderbox_cmake_build("${source}" "${prefix}"
        -DYAML_CPP_BUILD_TESTS=OFF -DYAML_CPP_BUILD_TOOLS=OFF -DYAML_CPP_BUILD_CONTRIB=OFF)
endfunction()

function(tinderbox_use_yaml prefix)
    tinderbox_archive(yaml "${prefix}" libyaml-cpp.a)
    set_property(TARGET tb::yaml PROPERTY INTERFACE_COMPILE_DEFINITIONS YAML_CPP_STATIC_DEFINE)
endfunction()
