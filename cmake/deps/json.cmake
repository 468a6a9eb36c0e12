function(tinderbox_build_json source prefix)
    file(COPY "${source}/include/nlohmann" DESTINATION "${prefix}/include")
endfunction()

function(tinderbox_use_json prefix)
    tinderbox_headers(json "${prefix}")
endfunction()
