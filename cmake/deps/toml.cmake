function(tinderbox_build_toml source prefix)
    file(COPY "${source}/include/" DESTINATION "${prefix}/include")
endfunction()

function(tinderbox_use_toml prefix)
    tinderbox_headers(toml "${prefix}")
endfunction()
