# Builds the third-party libraries that are missing; run by Dependencies.cmake as `cmake -D state=FILE -P`, in several
# processes at once. Most of a library's time goes into its configure step, which uses one core.
#
# FILE sets what decides a build (compiler, pins, prefixes, recipes' names). Each process takes the next library whose own
# dependencies are there and that nobody else builds, until all are there.

include("${state}")
set(tinderbox_recipes "${CMAKE_CURRENT_LIST_DIR}/deps")
set(tinderbox_begun "${state}.begun") # a file for each library that one of these processes has begun

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

# `out`: whether the library is there now; false = another process builds it, "failed" = and could not.
function(tinderbox_build_dependency name out)
    set(version "${tinderbox_dependency_${name}_version}")
    set(pin "${tinderbox_dependency_${name}_pin}")
    set(prefix "${tinderbox_dependency_${name}_prefix}")
    set(${out} TRUE PARENT_SCOPE)
    set(tinderbox_work "${tinderbox_cache}/deps/work/${name}")
    set(tinderbox_log "${tinderbox_cache}/deps/logs/${name}-${version}.log")
    file(LOCK "${tinderbox_cache}/deps/${name}.lock" GUARD FUNCTION TIMEOUT 0 RESULT_VARIABLE locked)
    if(NOT locked EQUAL 0)
        set(${out} FALSE PARENT_SCOPE)
        return()
    endif()
    if(EXISTS "${prefix}/.complete")
        return()
    endif()
    if(EXISTS "${tinderbox_begun}/${name}")
        set(${out} "failed" PARENT_SCOPE)
        return()
    endif()
    file(WRITE "${tinderbox_begun}/${name}" "")
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
    message(NOTICE "--   ${name} ${version}: built in ${seconds} s") # on standard error: the output is another's input
endfunction()

# Whether all that the library uses is there.
function(tinderbox_can_be_built name out)
    set(${out} TRUE PARENT_SCOPE)
    foreach(used IN LISTS ${name}_uses)
        if(NOT EXISTS "${tinderbox_dependency_${used}_prefix}/.complete")
            set(${out} FALSE PARENT_SCOPE)
        endif()
    endforeach()
endfunction()

foreach(name IN LISTS missing)
    include("${tinderbox_recipes}/${name}.cmake")
endforeach()
while(missing)
    set(begun FALSE)
    foreach(name IN LISTS missing)
        tinderbox_can_be_built(${name} ready)
        if(ready)
            tinderbox_build_dependency(${name} there)
            if(there STREQUAL "failed")
                return() # the other process has said why
            endif()
            if(there)
                list(REMOVE_ITEM missing ${name})
                set(begun TRUE)
                break() # what came before in the list may have become possible
            endif()
        endif()
    endforeach()
    if(NOT begun)
        execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 0.3)
    endif()
endwhile()
