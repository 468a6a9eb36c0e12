// The umask of an installation's own making. The caller's has no say in a prefix: root often has 077, and then other
// users could neither read nor check what is compiled and written after the files are in place.
#pragma once

#include <sys/stat.h>

namespace tinderbox::install {

// While it lives, for the whole process and the programs that it starts; nothing else may create files meanwhile.
class Umask {
  public:
    explicit Umask(mode_t mask) : before_(::umask(mask)) {}
    ~Umask() { ::umask(before_); }
    Umask(const Umask&) = delete;
    Umask& operator=(const Umask&) = delete;

  private:
    mode_t before_;
};

inline constexpr mode_t exact_modes = 0; // files are created with the modes that they are to have
// Of programs that write into the prefix: the interpreter that compiles, the packages' scripts.
constexpr mode_t umask_of_programs(bool private_modes) { return private_modes ? 077 : 022; }

} // namespace tinderbox::install
