# source this file from csh or tcsh:  source bin/activate.csh
# `deactivate` puts everything back as it was; it sources this file once more.
# (A prefix with a single quote in it cannot be written down for csh: use another shell there.)

if ($?_tinderbox_leaving) then
    set _tinderbox_nonomatch = $?nonomatch
    set nonomatch
    foreach _tinderbox_file ("${CONDA_PREFIX}/etc/conda/deactivate.d"/*.csh)
        if (-f "$_tinderbox_file") source "$_tinderbox_file"
    end
    if (! $_tinderbox_nonomatch) unset nonomatch
    foreach _tinderbox_name ($_tinderbox_saved)
        eval 'if ($?_tinderbox_old_'$_tinderbox_name') eval '"'"'setenv '$_tinderbox_name' "$_tinderbox_old_'$_tinderbox_name':q"'"'"''
        eval 'if (! $?_tinderbox_old_'$_tinderbox_name') unsetenv '$_tinderbox_name
        eval 'unset _tinderbox_old_'$_tinderbox_name
    end
    if ($?_tinderbox_prompt) then
        set prompt = "$_tinderbox_prompt:q"
        unset _tinderbox_prompt
    endif
    unset _tinderbox_leaving _tinderbox_file _tinderbox_name _tinderbox_saved _tinderbox_nonomatch
    unalias deactivate
    rehash
else
    if ($?_tinderbox_saved) eval deactivate
    set _tinderbox_saved = ()
    # For a moment setenv only remembers the old value of what it is to set.
    alias setenv 'if ($?\!:1) eval '"'"'set _tinderbox_old_\!:1 = "$\!:1:q"'"'"'; set _tinderbox_saved = ($_tinderbox_saved \!:1)'
    setenv PATH x
    setenv CONDA_PREFIX x
    setenv CONDA_DEFAULT_ENV x
    setenv CONDA_PROMPT_MODIFIER x
    setenv PYTHONHOME x
@VARIABLES@
    unalias setenv
    setenv CONDA_PREFIX '@PREFIX@'
    setenv CONDA_DEFAULT_ENV '@NAME@'
    setenv CONDA_PROMPT_MODIFIER "(${CONDA_DEFAULT_ENV}) "
    setenv PATH "${CONDA_PREFIX}/bin:${PATH}"
    unsetenv PYTHONHOME
@VARIABLES@
    if ($?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT) then
        set _tinderbox_prompt = "$prompt:q"
        set prompt = "${CONDA_PROMPT_MODIFIER}$prompt:q"
    endif
    alias deactivate 'set _tinderbox_leaving; source "${CONDA_PREFIX}/bin/activate.csh"'
    set _tinderbox_nonomatch = $?nonomatch
    set nonomatch
    foreach _tinderbox_file ("${CONDA_PREFIX}/etc/conda/activate.d"/*.csh)
        if (-f "$_tinderbox_file") source "$_tinderbox_file"
    end
    if (! $_tinderbox_nonomatch) unset nonomatch
    unset _tinderbox_file _tinderbox_nonomatch
    rehash
endif
