# Third-party libraries: pinned in cmake/dependencies.json, fetched once, built once as static
# libraries into a cache outside the tree, and offered as the targets tb::NAME.
#
#   $TINDERBOX_CACHE, else $XDG_CACHE_HOME/tinderbox, else ~/.cache/tinderbox
#       downloads/                the tarballs, by their own names, each checked by SHA-256
#       deps/NAME-VERSION-KEY/    include/, lib/, LICENCE and the stamp .complete
#       deps/logs/                what each build printed
#
# KEY is a hash of everything that decides the result: the pinned tarball, the recipe (cmake/deps/NAME.cmake and a
# directory of that name), the compiler, and the keys of the libraries that it uses. So presets share
# one build, and a changed recipe rebuilds its library and those that depend on it. Several configures may run at once:
# each library is built under a file lock, which the kernel releases when its owner dies. A build counts only with its
# stamp.
#
# BuildDependencies.cmake builds what is missing. A recipe defines
#   set(NAME_uses …)                             names of other dependencies (optional)
#   function(tinderbox_build_NAME source prefix) builds and installs (header-only: copies)
#   function(tinderbox_use_NAME prefix)          defines the tb:: targets

include(ProcessorCount)
include(DebianMirror)

if(DEFINED ENV{TINDERBOX_CACHE})
    set(tinderbox_cache "$ENV{TINDERBOX_CACHE}")
elseif(DEFINED ENV{XDG_CACHE_HOME})
    set(tinderbox_cache "$ENV{XDG_CACHE_HOME}/tinderbox")
else()
    set(tinderbox_cache "$ENV{HOME}/.cache/tinderbox")
endif()
cmake_path(ABSOLUTE_PATH tinderbox_cache BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" NORMALIZE)

# --- for recipes -----------------------------------------------------------------------------

# Defines tb::NAME for one static library; further arguments are targets that it needs.
function(tinderbox_archive name prefix archive)
    add_library(tb::${name} STATIC IMPORTED)
    set_target_properties(tb::${name} PROPERTIES
        IMPORTED_LOCATION "${prefix}/lib/${archive}"
        INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include"
        INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()

# Defines tb::NAME for a header-only library.
function(tinderbox_headers name prefix)
    add_library(tb::${name} INTERFACE IMPORTED)
    set_target_properties(tb::${name} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${prefix}/include")
endfunction()

ProcessorCount(tinderbox_jobs)
if(DEFINED ENV{TINDERBOX_JOBS})
    set(tinderbox_jobs "$ENV{TINDERBOX_JOBS}")
elseif(tinderbox_jobs LESS 1)
    set(tinderbox_jobs 1)
endif()

set(tinderbox_pin_file "${CMAKE_CURRENT_LIST_DIR}/dependencies.json")
file(READ "${tinderbox_pin_file}" pins)
set(toolchain "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_SYSTEM_PROCESSOR} ${CMAKE_CXX_COMPILER}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${tinderbox_pin_file}")

set(tinderbox_dependency_names "")
set(missing "")
string(JSON count LENGTH "${pins}" dependencies)
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
    string(JSON pin GET "${pins}" dependencies ${i})
    string(JSON name GET "${pin}" name)
    string(JSON version GET "${pin}" version)
    string(JSON linked GET "${pin}" linked)
    if(NOT linked AND NOT TINDERBOX_TESTS)
        continue() # a library of the tests
    endif()
    set(${name}_uses "")
    include("${CMAKE_CURRENT_LIST_DIR}/deps/${name}.cmake")

    # BuildDependencies.cmake is not part of the key. Raise this number when a change of it must rebuild everything.
    string(JSON hash GET "${pin}" sources 0 sha256)
    set(inputs "1;${toolchain};${version};${hash}")
    file(GLOB_RECURSE recipe "${CMAKE_CURRENT_LIST_DIR}/deps/${name}.cmake" "${CMAKE_CURRENT_LIST_DIR}/deps/${name}/*")
    list(SORT recipe)
    foreach(file IN LISTS recipe)
        file(READ "${file}" text)
        list(APPEND inputs "${text}")
    endforeach()
    foreach(used IN LISTS ${name}_uses)
        list(APPEND inputs "${tinderbox_dependency_${used}_prefix}")
    endforeach()
    string(SHA256 key "${inputs}")
    string(SUBSTRING "${key}" 0 12 key)

    list(APPEND tinderbox_dependency_names ${name})
    set(tinderbox_dependency_${name}_version "${version}")
    foreach(field title licence linked)
        string(JSON tinderbox_dependency_${name}_${field} GET "${pin}" ${field})
    endforeach()
    set(tinderbox_dependency_${name}_pin "${pin}")
    set(tinderbox_dependency_${name}_prefix "${tinderbox_cache}/deps/${name}-${version}-${key}")
    if(NOT EXISTS "${tinderbox_dependency_${name}_prefix}/.complete")
        list(APPEND missing ${name})
    endif()
endforeach()

if(missing)
    list(JOIN missing ", " text)
    message(STATUS "Building dependencies into ${tinderbox_cache}/deps: ${text}")
    tinderbox_find_debian_mirrors(tinderbox_debian_mirrors)
    set(state "")
    foreach(variable IN ITEMS missing tinderbox_cache tinderbox_jobs tinderbox_debian_mirrors CMAKE_SOURCE_DIR CMAKE_C_COMPILER
            CMAKE_CXX_COMPILER CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER CMAKE_MAKE_PROGRAM)
        string(APPEND state "set(${variable} [==[${${variable}}]==])\n")
    endforeach()
    foreach(name IN LISTS tinderbox_dependency_names)
        foreach(field version prefix pin)
            string(APPEND state "set(tinderbox_dependency_${name}_${field} [==[${tinderbox_dependency_${name}_${field}}]==])\n")
        endforeach()
    endforeach()
    set(state_file "${CMAKE_BINARY_DIR}/dependencies.cmake")
    file(WRITE "${state_file}" "${state}")
    file(REMOVE_RECURSE "${state_file}.begun")
    set(build COMMAND "${CMAKE_COMMAND}" "-Dstate=${state_file}" -P "${CMAKE_CURRENT_LIST_DIR}/BuildDependencies.cmake")
    set(builds ${build})
    if(tinderbox_jobs GREATER 1)
        list(APPEND builds ${build}) # commands of one call run at the same time
    endif()
    execute_process(${builds} RESULTS_VARIABLE results)
    foreach(result IN LISTS results)
        if(NOT result EQUAL 0)
            message(FATAL_ERROR "a dependency could not be built; the lines above say why")
        endif()
    endforeach()
endif()
foreach(name IN LISTS tinderbox_dependency_names)
    cmake_language(CALL tinderbox_use_${name} "${tinderbox_dependency_${name}_prefix}")
endforeach()
