// Pass "fetch": every artifact of the lock becomes a file of this machine, its hash checked.
#pragma once

#include "generator/build/base.hpp"
#include "generator/build/capture.hpp"

namespace tinderbox::build {

// Moved only before its first use, because the passes after it keep pointers into it.
struct Downloads {
    lock::Lock lock;                   // with the SHA-256 and size of every artifact
    std::vector<fetch::Fetched> files; // one an artifact of the lock
    std::optional<Base> base;
};

// Uses the hosts and certificates that options, request, lock, and the configurations of pip and conda allow. The
// fetcher keeps a pointer to `reporter`.
Result<std::unique_ptr<fetch::Fetcher>> open_fetcher(const Options& options, const Requested& requested,
                                                     Reporter& reporter);

// Wheels of source archives are made again. Errors: as of fetch::Fetcher::fetch, lock::rebuild_wheel, read_base.
Result<Downloads> fetch(const Options& options, const Requested& requested, const Captured& captured, lock::Lock lock,
                        fetch::Fetcher& fetcher, Reporter& reporter);

// Only the files whose SHA-256 the lock lacks; fills it in.
Status fetch_unknown(lock::Lock& lock, fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
