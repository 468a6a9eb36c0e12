// A hook for tests between the installer and the file system: fails the n-th call, shortens writes, observes syncs.
// Production code passes a null pointer.
#pragma once

#include <cstddef>
#include <string_view>

namespace tinderbox::io {

class Faults {
  public:
    enum class Call { make_directory, open, write, link, sync, rename, record };
    virtual ~Faults() = default;
    // The errno that the call fails with; 0: the call is made. Called from several threads.
    virtual int before(Call call, std::string_view path) = 0;
    // The number of bytes, of `size`, that the next write takes.
    virtual std::size_t shorten(std::size_t size) { return size; }
};

inline int fault(Faults* faults, Faults::Call call, std::string_view path) {
    return faults ? faults->before(call, path) : 0;
}

} // namespace tinderbox::io
