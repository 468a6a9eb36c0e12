# source this file from csh or tcsh:  source bin/activate.csh
# `deactivate` puts everything back as it was; it sources this file once more.
# Values are copied with :q outside of `if (…) command`, which reads its command twice.

if ($?_tinderbox_leaving) then
    set _tinderbox_nonomatch = $?nonomatch
    set nonomatch
    foreach _tinderbox_file ("${CONDA_PREFIX}/etc/conda/deactivate.d"/*.csh)
        if (-f $_tinderbox_file:q) then
            source $_tinderbox_file:q
        endif
    end
    if (! $_tinderbox_nonomatch) unset nonomatch
    foreach _tinderbox_name ($_tinderbox_saved)
        eval 'set _tinderbox_known = $?_tinderbox_old_'$_tinderbox_name
        if ($_tinderbox_known) then
            eval 'setenv '$_tinderbox_name' $_tinderbox_old_'$_tinderbox_name':q'
            eval 'unset _tinderbox_old_'$_tinderbox_name
        else
            unsetenv $_tinderbox_name
        endif
    end
    if ($?_tinderbox_prompt) then
        set prompt = $_tinderbox_prompt:q
        unset _tinderbox_prompt
    endif
    unset _tinderbox_leaving _tinderbox_file _tinderbox_name _tinderbox_saved _tinderbox_nonomatch _tinderbox_known
    unalias deactivate
    rehash
else
    if ($?_tinderbox_saved) eval deactivate
    set _tinderbox_saved = ()
    # For a moment setenv only remembers the name of what it is to set.
    alias setenv 'set _tinderbox_saved = ($_tinderbox_saved \!:1)'
    setenv PATH x
    setenv CONDA_PREFIX x
    setenv CONDA_DEFAULT_ENV x
    setenv CONDA_PROMPT_MODIFIER x
    setenv PYTHONHOME x
@VARIABLES@
    unalias setenv
    foreach _tinderbox_name ($_tinderbox_saved)
        eval 'set _tinderbox_known = $?'$_tinderbox_name
        if ($_tinderbox_known) then
            eval 'set _tinderbox_old_'$_tinderbox_name' = $'$_tinderbox_name':q'
        endif
    end
    # Quotes cannot hold a prefix with a quote or an exclamation mark; such a one is found through this open file.
    grep -q "['\!]" << 'TINDERBOX_TEXT'
@PREFIX@
'TINDERBOX_TEXT'
    if ($status == 0) then
        set _tinderbox_file = "`sh -c 'readlink /proc/'$$'/fd/* | grep /bin/activate.csh'`"
        setenv CONDA_PREFIX $_tinderbox_file[$#_tinderbox_file]:h:h:q
    else
        setenv CONDA_PREFIX '@PREFIX@'
    endif
    setenv CONDA_DEFAULT_ENV '@NAME@'
    setenv CONDA_PROMPT_MODIFIER "(${CONDA_DEFAULT_ENV}) "
    setenv PATH "${CONDA_PREFIX}/bin:${PATH}"
    unsetenv PYTHONHOME
@VARIABLES@
    if ($?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT) then
        set _tinderbox_prompt = $prompt:q
        set prompt = "${CONDA_PROMPT_MODIFIER}$prompt:q"
    endif
    alias deactivate 'set _tinderbox_leaving; source "${CONDA_PREFIX}/bin/activate.csh"'
    set _tinderbox_nonomatch = $?nonomatch
    set nonomatch
    foreach _tinderbox_file ("${CONDA_PREFIX}/etc/conda/activate.d"/*.csh)
        if (-f $_tinderbox_file:q) then
            source $_tinderbox_file:q
        endif
    end
    if (! $_tinderbox_nonomatch) unset nonomatch
    unset _tinderbox_file _tinderbox_name _tinderbox_nonomatch _tinderbox_known
    rehash
endif
