// The machine as files. Preflight reads everything through this class, so that it can judge another machine's /proc,
// /sys and /dev below TINDERBOX_SYSROOT=DIR (tests, and trees that users send in). Const members are thread-safe.
#pragma once

#include "common/base/file.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::machine {

class SystemRoot {
  public:
    explicit SystemRoot(std::string root = {}) : root_(std::move(root)) {
        while (root_.ends_with('/')) root_.pop_back();
    }
    static SystemRoot from_environment(); // TINDERBOX_SYSROOT, else the machine itself

    bool is_host() const { return root_.empty(); }
    fs::path at(std::string_view absolute) const { return fs::path(root_ + std::string(absolute)); }

    bool exists(std::string_view absolute) const; // follows links
    // The first `limit` bytes; nullopt when it cannot be read. (/proc and /sys files have no size.)
    std::optional<std::string> text(std::string_view absolute, std::size_t limit = 1u << 20) const;
    // Names in a directory, sorted; empty for a missing directory.
    std::vector<std::string> entries(std::string_view absolute) const;
    // The last component of a symlink's target; "" for any other file.
    std::string link_name(std::string_view absolute) const;
    // Follows a chain of symlinks, absolute ones inside this root. "" when the end does not exist.
    std::string resolve(std::string_view absolute) const;
    // errno of opening it, 0 when it opens. O_NONBLOCK: a device never makes preflight wait.
    int open_errno(std::string_view absolute) const;

    // Whether the file exists and this user may not read and write it. It is not opened: opening a GPU's node would
    // wake the GPU, which takes seconds.
    bool denied(std::string_view absolute) const;

  private:
    std::string root_;
};

} // namespace tinderbox::machine
