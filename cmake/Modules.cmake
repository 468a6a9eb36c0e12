# tinderbox_module(layer name uses…): the directory layer/name as the static library layer_name
# (an INTERFACE library while it has headers only). A directory that is not there, and a used
# module that is not there, is passed over, so that the table can name the whole design.
function(tinderbox_module layer name)
    set(target ${layer}_${name})
    set_property(GLOBAL APPEND PROPERTY tinderbox_${layer}_modules ${target})
    set(directory "${CMAKE_SOURCE_DIR}/${layer}/${name}")
    file(GLOB sources CONFIGURE_DEPENDS "${directory}/*.cpp")
    file(GLOB headers CONFIGURE_DEPENDS "${directory}/*.hpp")
    if(NOT sources AND NOT headers)
        # Stands in for the module, so that those above it still get what lies below it.
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE ${ARGN} tinderbox_options)
    elseif(sources)
        add_library(${target} STATIC ${sources})
        target_link_libraries(${target} PUBLIC ${ARGN} tinderbox_options)
    else()
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE ${ARGN} tinderbox_options)
    endif()
endfunction()

# A name in the table that is no module and no dependency is a spelling mistake: say so here,
# because the linker would only say "cannot find -lname".
function(tinderbox_modules_done)
    foreach(layer common generator runtime)
        get_property(targets GLOBAL PROPERTY tinderbox_${layer}_modules)
        foreach(target IN LISTS targets)
            get_target_property(used ${target} INTERFACE_LINK_LIBRARIES)
            foreach(library IN LISTS used)
                if(NOT library MATCHES "^\\$<" AND NOT TARGET ${library})
                    message(FATAL_ERROR "${target} uses ${library}, which is neither a module nor a dependency")
                endif()
            endforeach()
        endforeach()
    endforeach()
endfunction()

# tinderbox_program(name main.cpp layer): a program out of one main file and a whole layer, and
# beside it name.stripped (what is carried or handed out) and name.debug.
function(tinderbox_program name main layer)
    if(NOT EXISTS "${CMAKE_SOURCE_DIR}/${main}")
        return()
    endif()
    get_property(modules GLOBAL PROPERTY tinderbox_${layer}_modules)
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE ${modules} tinderbox_options)
    if(TINDERBOX_STATIC)
        target_link_options(${name} PRIVATE -static)
    endif()
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND "${CMAKE_OBJCOPY}" --only-keep-debug $<TARGET_FILE:${name}> ${name}.debug
        COMMAND "${CMAKE_OBJCOPY}" --strip-all --remove-section=.comment $<TARGET_FILE:${name}> ${name}.stripped
        BYPRODUCTS "${CMAKE_BINARY_DIR}/${name}.stripped" "${CMAKE_BINARY_DIR}/${name}.debug"
        WORKING_DIRECTORY "${CMAKE_BINARY_DIR}" VERBATIM)
endfunction()
