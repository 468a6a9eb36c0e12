// Root at work in a user's home (sudo keeps HOME): what is done there is done with that user's rights. So new files are
// the user's, and a link that the user has put there leads root nowhere that the user could not go.
#pragma once

#include "common/base/result.hpp"

#include <sys/types.h>

#include <filesystem>
#include <vector>

namespace tinderbox::install {

// While the object lives, this thread's access to files is that of the user who may change where `path` leads: the
// owner of the first directory on the way to it that is not root's. No effect unless root calls, or where all
// directories are root's. Not for threads that are started meanwhile, nor for programs.
class AsOwner {
  public:
    // Kind storage: root may not become the owner here (a container without that user).
    static Result<AsOwner> of(const std::filesystem::path& path);
    AsOwner(AsOwner&& other) noexcept;
    AsOwner& operator=(AsOwner&&) = delete;
    ~AsOwner();

  private:
    AsOwner() = default;
    bool active_ = false;
    gid_t group_ = 0;
    std::vector<gid_t> groups_; // root's, to return to
};

} // namespace tinderbox::install
