# The base URLs of the Debian mirrors this machine's apt is configured for, each with a slash at
# its end. Read at run time and written nowhere: a machine behind a mirror of its own needs no change
# to the tree. A pool is shared by all suites, so any Debian suite in the configuration will do.
function(tinderbox_find_debian_mirrors out)
    set(urls "")
    find_program(apt_get apt-get)
    if(apt_get)
        execute_process(COMMAND "${apt_get}" indextargets --format "$(REPO_URI)"
            OUTPUT_VARIABLE text ERROR_QUIET)
        string(REGEX MATCHALL "https?://[^ \n]+" urls "${text}")
    endif()
    # apt-get lists nothing before the first apt-get update.
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
        # Security and third-party repositories have no pool of Debian's own releases.
        if(url MATCHES "/debian$")
            list(APPEND mirrors "${url}/")
        endif()
    endforeach()
    list(REMOVE_DUPLICATES mirrors)
    set(${out} "${mirrors}" PARENT_SCOPE)
endfunction()
