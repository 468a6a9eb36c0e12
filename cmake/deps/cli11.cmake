function(tinderbox_build_cli11 source prefix)
    file(COPY "${source}/include/CLI" DESTINATION "${prefix}/include")
endfunction()

function(tinderbox_use_cli11 prefix)
    tinderbox_headers(cli11 "${prefix}")
endfunction()
