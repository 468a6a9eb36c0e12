// Removes what was installed and unregisters it. Files that the user added or changed stay unless `purge`.
#pragma once

#include "common/base/stopwatch.hpp"
#include "runtime/install/progress.hpp"
#include "runtime/place/trust.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tinderbox::install {

struct UninstallOptions {
    bool purge = false;
    bool skip_scripts = false; // -s: the packages' pre-unlink scripts
    place::Trust trust = place::Trust::now();
    TreeWork work = {};
    // Asked before anything is removed, when something is the user's: true removes that, too.
    std::function<bool(const std::vector<std::string>& kept)> purge_them;
    // Called when it is sure that the removal begins: here the caller undoes changes outside of the prefix.
    std::function<void()> begin;
};

struct UninstallSummary {
    std::uint64_t removed = 0;     // files
    std::vector<std::string> kept; // relative paths, sorted; "DIR/" for a directory that is the user's with all in it
    std::vector<std::string> warnings; // one sentence each: scripts that failed or have something to say
    StageTimes seconds;                // compare, scripts, remove
};

// `path`: the root of the installed tree. Kind storage: nothing is there, it is not this user's, another installer is
// at work, the root cannot be written (then nothing is removed), or some files could not be removed (then it can be
// repeated). Kind interrupted: before anything is removed, or so that it can be repeated. One thread calls.
Result<UninstallSummary> uninstall(const fs::path& path, const UninstallOptions& options = {});

} // namespace tinderbox::install
