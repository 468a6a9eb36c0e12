// Names from outside that become a directory, a word of a shell script, a prompt or a line of a list. Readers of
// requests, locks, packages, command lines and manifests ask here, so that generator and runtime have one rule.
// Paths of members have theirs in member_path.hpp. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace tinderbox {

// Bytes of a name that becomes a directory. The longest component that is made of one is
// ".NAME.tinderbox-stage-0123456789abcdef", and no component has more than 255 bytes (NAME_MAX).
inline constexpr std::size_t name_limit = 200;

// All return an error of kind usage without a place: what is wrong, and what to write instead.

// Of an environment: a directory below envs/, a line of conda's list, text of activation scripts and of the prompt,
// where bash expands "$(…)". ASCII letters, digits and any of "._-+@=,~", or visible characters beyond ASCII; the first
// one is a letter, a digit or '_'.
Status check_environment_name(std::string_view name);

// Of an installer: NAME of NAME.run and of the prefix $HOME/NAME, which can hold no '"', '\\' or ':'.
Status check_installer_name(std::string_view name);

// Of an environment variable, as POSIX has it: letters, digits and '_', no digit first.
Status check_variable_name(std::string_view name);

// Of a variable's value: any text of one line. Activation scripts are read line by line, and '\x01' stands for the
// prefix in them.
Status check_variable_value(std::string_view name, std::string_view value);
// Both.
Status check_variable(std::string_view name, std::string_view value);

} // namespace tinderbox
