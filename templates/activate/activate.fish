# source this file from fish:  source bin/activate.fish
# `deactivate` puts everything back as it was.

# A virtual environment, or another environment like this one, is left first; a conda environment stays below.
if functions -q deactivate
    deactivate
end

# fish has no text that may hold any character, so the prefix is found through this file.
set -g _tinderbox_prefix (command sh -c 'cd "$1/.." && pwd' sh (status dirname))
set -g _tinderbox_saved

function _tinderbox_save --argument-names name
    if set -q $name
        set -g _tinderbox_old_$name $$name
    else
        set -e _tinderbox_old_$name
    end
    set -g _tinderbox_saved $_tinderbox_saved $name
end

function _tinderbox_source --argument-names directory
    for file in $directory/*.fish
        source $file
    end
end

function _tinderbox_variables
@VARIABLES@
end

function _tinderbox_status --argument-names code
    return $code
end

function deactivate
    _tinderbox_source $CONDA_PREFIX/etc/conda/deactivate.d
    for name in $_tinderbox_saved
        set -l old _tinderbox_old_$name
        if set -q $old
            set -gx $name $$old
            set -e $old
        else
            set -e $name
        end
    end
    if functions -q _tinderbox_fish_prompt
        functions -e fish_prompt
        functions -c _tinderbox_fish_prompt fish_prompt
        functions -e _tinderbox_fish_prompt
    end
    set -e _tinderbox_saved
    set -e _tinderbox_prefix
    functions -e deactivate _tinderbox_save _tinderbox_source _tinderbox_variables _tinderbox_status
end

for name in PATH CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_PROMPT_MODIFIER PYTHONHOME
    _tinderbox_save $name
end
set -gx PATH $_tinderbox_prefix/bin $PATH
set -gx CONDA_PREFIX $_tinderbox_prefix
set -gx CONDA_DEFAULT_ENV '@NAME@'
set -gx CONDA_PROMPT_MODIFIER "($CONDA_DEFAULT_ENV) "
set -e PYTHONHOME

for line in (functions _tinderbox_variables | string match -r '^\s*set -gx \S+')
    _tinderbox_save (string split -r -m1 ' ' $line)[2]
end
_tinderbox_variables

if functions -q fish_prompt; and not set -q VIRTUAL_ENV_DISABLE_PROMPT
    functions -c fish_prompt _tinderbox_fish_prompt
    function fish_prompt
        set -l code $status
        printf '%s' $CONDA_PROMPT_MODIFIER
        _tinderbox_status $code
        _tinderbox_fish_prompt
    end
end

_tinderbox_source $CONDA_PREFIX/etc/conda/activate.d
