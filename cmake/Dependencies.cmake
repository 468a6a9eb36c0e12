# Third-party libraries: pinned in cmake/dependencies.json, fetched once, built once as static
# libraries into a cache outside the tree, and offered as the targets tb::NAME.
#
#   $TINDERBOX_CACHE, else $XDG_CACHE_HOME/tinderbox, else ~/.cache/tinderbox
#       downloads/                the tarballs, by their own names, each checked by SHA-256
#       deps/NAME-VERSION-KEY/    include/, lib/, LICENCE and the stamp .complete
#       deps/logs/                what each build printed
#
# KEY is a hash of everything that decides the result: the pinned tarball, the recipe (cmake/deps/NAME.cmake and a
# directory of that name), the compiler, the helpers below, and the keys of the libraries that it uses. So presets share
# one build, and a changed recipe rebuilds its library and those that depend on it. Several configures may run at once:
# each library is built under a file lock, which the kernel releases when its owner dies. A build counts only with its
# stamp.
#
# A recipe defines
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

# --- helpers for recipes ---------------------------------------------------------------------

# Runs one command with its output in the log. On failure it shows the end of the log and stops.
function(tinderbox_run)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "DIRECTORY" "COMMAND")
    execute_process(COMMAND ${arg_COMMAND} WORKING_DIRECTORY "${arg_DIRECTORY}"
        RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    file(APPEND "${tinderbox_log}" "${output}\n")
    if(NOT result EQUAL 0)
        string(LENGTH "${output}" length)
        if(length GREATER 4000)
            math(EXPR begin "${length} - 4000")
            string(SUBSTRING "${output}" ${begin} -1 output)
        endif()
        message(FATAL_ERROR "building a dependency failed; the end of ${tinderbox_log}:\n${output}")
    endif()
endfunction()

# Configures, builds and installs a CMake project; further arguments go to its configure step.
function(tinderbox_cmake_build source prefix)
    set(build "${tinderbox_work}/build")
    set(flags "-O2 -fPIC -ffunction-sections -fdata-sections -w -ffile-prefix-map=${tinderbox_work}/=")
    tinderbox_run(DIRECTORY "${tinderbox_work}" COMMAND "${CMAKE_COMMAND}" -S "${source}" -B "${build}" -G Ninja
        "-DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM}"
        "-DCMAKE_C_COMPILER=${CMAKE_C_COMPILER}" "-DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}"
        "-DCMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER}"
        "-DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}"
        -DCMAKE_BUILD_TYPE=Release "-DCMAKE_C_FLAGS=${flags}" "-DCMAKE_CXX_FLAGS=${flags}"
        -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG -DCMAKE_CXX_FLAGS_RELEASE=-DNDEBUG
        -DCMAKE_POLICY_DEFAULT_CMP0074=NEW -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
        "-DCMAKE_INSTALL_PREFIX=${prefix}" -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF
        ${ARGN})
    tinderbox_run(DIRECTORY "${build}" COMMAND "${CMAKE_COMMAND}" --build . -j ${tinderbox_jobs} --target install)
endfunction()

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

# --- fetching --------------------------------------------------------------------------------

# Downloads the tarball of one pin unless it is there. Sources are tried in order, the machine's Debian mirror first: a
# machine that has one may reach nothing else.
function(tinderbox_download pin out)
    string(JSON count LENGTH "${pin}" sources)
    math(EXPR last "${count} - 1")
    set(tried "")
    set(urls "")
    foreach(i RANGE ${last})
        string(JSON source GET "${pin}" sources ${i})
        string(JSON hash GET "${source}" sha256)
        string(JSON pool ERROR_VARIABLE missing GET "${source}" debian)
        if(NOT missing)
            foreach(mirror IN LISTS tinderbox_debian_mirrors)
                list(APPEND urls "${hash} ${mirror}${pool}")
            endforeach()
            cmake_path(GET pool FILENAME file)
        else()
            string(JSON url GET "${source}" url)
            list(APPEND urls "${hash} ${url}")
            string(JSON file GET "${source}" file)
        endif()
        # A file from an earlier run counts, whatever source it came from.
        set(path "${tinderbox_cache}/downloads/${file}")
        if(EXISTS "${path}")
            file(SHA256 "${path}" found)
            if(found STREQUAL hash)
                set(${out} "${path}" PARENT_SCOPE)
                return()
            endif()
            file(REMOVE "${path}")
        endif()
        set(file_${hash} "${path}")
    endforeach()
    foreach(entry IN LISTS urls)
        string(REGEX MATCH "^([0-9a-f]+) (.*)$" matched "${entry}")
        set(hash "${CMAKE_MATCH_1}")
        set(url "${CMAKE_MATCH_2}")
        set(path "${file_${hash}}")
        file(DOWNLOAD "${url}" "${path}.part" STATUS status INACTIVITY_TIMEOUT 30 TLS_VERIFY ON)
        list(GET status 0 code)
        if(code EQUAL 0)
            file(SHA256 "${path}.part" found)
            if(found STREQUAL hash)
                file(RENAME "${path}.part" "${path}")
                set(${out} "${path}" PARENT_SCOPE)
                return()
            endif()
            set(status "0;its SHA-256 is ${found}, not ${hash}")
        endif()
        file(REMOVE "${path}.part")
        list(GET status 1 reason)
        string(APPEND tried "\n  ${url}: ${reason}")
    endforeach()
    message(FATAL_ERROR "a dependency cannot be downloaded; tried:${tried}\n"
        "Put the file into ${tinderbox_cache}/downloads by hand, or configure a Debian mirror or a proxy.")
endfunction()

# --- building --------------------------------------------------------------------------------

function(tinderbox_build_dependency name version pin prefix)
    set(tinderbox_work "${tinderbox_cache}/deps/work/${name}")
    set(tinderbox_log "${tinderbox_cache}/deps/logs/${name}-${version}.log")
    file(LOCK "${tinderbox_cache}/deps/${name}.lock" GUARD FUNCTION TIMEOUT 0 RESULT_VARIABLE locked)
    if(NOT locked EQUAL 0)
        message(STATUS "  ${name} ${version}: another configure is building it, waiting")
        file(LOCK "${tinderbox_cache}/deps/${name}.lock" GUARD FUNCTION TIMEOUT 1800)
    endif()
    if(EXISTS "${prefix}/.complete")
        return()
    endif()
    string(TIMESTAMP begin "%s")
    file(REMOVE_RECURSE "${prefix}" "${tinderbox_work}")
    file(MAKE_DIRECTORY "${prefix}/include" "${tinderbox_work}/source")
    tinderbox_download("${pin}" tarball)
    file(WRITE "${tinderbox_log}" "${name} ${version} from ${tarball}\n")
    file(ARCHIVE_EXTRACT INPUT "${tarball}" DESTINATION "${tinderbox_work}/source")
    file(GLOB top LIST_DIRECTORIES true "${tinderbox_work}/source/*")
    list(LENGTH top count)
    if(NOT count EQUAL 1)
        message(FATAL_ERROR "${tarball} does not hold exactly one directory")
    endif()
    cmake_language(CALL tinderbox_build_${name} "${top}" "${prefix}")
    string(JSON licence GET "${pin}" licence_file)
    configure_file("${top}/${licence}" "${prefix}/LICENCE" COPYONLY)
    file(WRITE "${prefix}/.complete" "")
    file(REMOVE_RECURSE "${tinderbox_work}")
    string(TIMESTAMP end "%s")
    math(EXPR seconds "${end} - ${begin}")
    message(STATUS "  ${name} ${version}: built in ${seconds} s")
endfunction()

ProcessorCount(tinderbox_jobs)
if(DEFINED ENV{TINDERBOX_JOBS})
    set(tinderbox_jobs "$ENV{TINDERBOX_JOBS}")
elseif(tinderbox_jobs LESS 1)
    set(tinderbox_jobs 1)
endif()

set(tinderbox_pin_file "${CMAKE_CURRENT_LIST_DIR}/dependencies.json")
file(READ "${tinderbox_pin_file}" pins)
file(READ "${CMAKE_CURRENT_LIST_FILE}" helpers)
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
    set(${name}_uses "")
    include("${CMAKE_CURRENT_LIST_DIR}/deps/${name}.cmake")

    # The build helpers above are not part of the key. Raise this number when a change to them must rebuild everything.
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
    foreach(name IN LISTS missing)
        tinderbox_build_dependency(${name} "${tinderbox_dependency_${name}_version}"
            "${tinderbox_dependency_${name}_pin}" "${tinderbox_dependency_${name}_prefix}")
    endforeach()
endif()
foreach(name IN LISTS tinderbox_dependency_names)
    cmake_language(CALL tinderbox_use_${name} "${tinderbox_dependency_${name}_prefix}")
endforeach()
