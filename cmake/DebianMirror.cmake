# Finds the base URLs of the Debian mirrors in this machine's apt configuration, each with a slash at its end. They are
# read when CMake runs and written nowhere, so a machine behind its own mirror needs no change to the tree. All suites
# share one pool, so the mirror of any Debian suite will do.
function(tinderbox_find_debian_mirrors out)
    set(urls "")
    find_program(apt_get apt-get)
    if(apt_get)
        execute_process(COMMAND "${apt_get}" indextargets --format "$(REPO_URI)"
            OUTPUT_VARIABLE text ERROR_QUIET)
        string(REGEX MATCHALL "https?://[^ \n]+" urls "${text}")
    endif()
    # apt-get lists mirrors only after the first apt-get update.
    file(GLOB lists /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources)
    foreach(file IN LISTS lists)
        file(STRINGS "${file}" lines REGEX "^ *(deb|URIs:|deb-src) .*https?://")
        foreach(line IN LISTS lines)
            string(REGEX MATCHALL "https?://[^] ]+" found "${line}")
            list(APPEND urls ${found})
        endforeach()
    endforeach()
    set(mirrors "")
    foreach(url IN LISTS urls)
        string(REGEX REPLACE "/+$" "" url "${url}")
        # Repositories for security and of third parties do not hold Debian's own pool.
        if(url MATCHES "/debian$")
            list(APPEND mirrors "${url}/")
        endif()
    endforeach()
    list(REMOVE_DUPLICATES mirrors)
    set(${out} "${mirrors}" PARENT_SCOPE)
endfunction()
