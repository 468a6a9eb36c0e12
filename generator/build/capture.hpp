// Pass "capture": an interpreter or a prefix of this machine becomes an artifact (--python-from, --from-prefix).
#pragma once

#include "common/base/reporter.hpp"
#include "generator/build/options.hpp"
#include "generator/build/request.hpp"
#include "generator/capture/capture.hpp"
#include "generator/lock/make_lock.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::build {

struct Captured {
    std::unique_ptr<capture::CapturedArtifact> artifact; // null: nothing was captured, or it has been packed
    lock::CapturedSource source;                         // kind "": nothing was captured

    bool any() const { return !source.kind.empty(); }
    // The metadata of its Python, and the size of its files in bytes; both before it is packed.
    nlohmann::json python() const;
    std::uint64_t bytes() const;
};

// Sets the option that captures `source` again, unless one of the two is set.
void capture_again(const lock::CapturedSource& source, std::string& python_from, std::string& from_prefix);

// Describes the captured interpreter to the solve and the builder of wheels. Valid until it is packed.
void describe_python(const Captured& captured, lock::LockOptions& options);

// Errors: usage (both options; other contents than those in the lock), storage.
Result<Captured> capture(const Options& options, const Requested& requested, Reporter& reporter);

} // namespace tinderbox::build
