# tinderbox_module(layer name uses…): the directory layer/name as the static library layer_name (an INTERFACE library
# while it has headers only). `uses` names modules of the same layer or of common without their layer, and libraries as
# tb::NAME. A module comes after those that it uses.
function(tinderbox_module layer name)
    set(target ${layer}_${name})
    set_property(GLOBAL APPEND PROPERTY tinderbox_${layer}_modules ${target})
    set(libraries "")
    foreach(used IN LISTS ARGN)
        if(used MATCHES "::" AND TARGET ${used})
            list(APPEND libraries ${used})
        elseif(TARGET ${layer}_${used})
            list(APPEND libraries ${layer}_${used})
        elseif(TARGET common_${used})
            list(APPEND libraries common_${used})
        else()
            message(FATAL_ERROR "${target} uses '${used}', which is neither a module above it nor a dependency")
        endif()
    endforeach()
    set(directory "${CMAKE_SOURCE_DIR}/${layer}/${name}")
    file(GLOB sources CONFIGURE_DEPENDS "${directory}/*.cpp")
    if(sources)
        add_library(${target} STATIC ${sources})
        target_link_libraries(${target} PUBLIC ${libraries} tinderbox_options)
    else()
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE ${libraries} tinderbox_options)
    endif()
endfunction()

# tinderbox_program(name main.cpp layer): a program from one main file and all modules of a layer. Beside it:
# name.stripped, which is embedded or released, and name.debug.
function(tinderbox_program name main layer)
    if(NOT EXISTS "${CMAKE_SOURCE_DIR}/${main}")
        return()
    endif()
    get_property(modules GLOBAL PROPERTY tinderbox_${layer}_modules)
    # The main file may use a module of common that no module of the layer uses (the stub: common/sign).
    get_property(common_modules GLOBAL PROPERTY tinderbox_common_modules)
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${modules} ${common_modules} tinderbox_options)
    if(TINDERBOX_STATIC)
        target_link_options(${name} PRIVATE -static)
    endif()
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND "${CMAKE_OBJCOPY}" --only-keep-debug $<TARGET_FILE:${name}> ${name}.debug
        COMMAND "${CMAKE_OBJCOPY}" --strip-all --remove-section=.comment $<TARGET_FILE:${name}> ${name}.stripped
        BYPRODUCTS "${CMAKE_BINARY_DIR}/${name}.stripped" "${CMAKE_BINARY_DIR}/${name}.debug"
        WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" VERBATIM)
endfunction()
