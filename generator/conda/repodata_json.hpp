// Reading a channel's repodata.json as a stream: conda-forge's has 700 MB, and none of it has to be in memory at once.
//
// The JSON reader is our own because of that size: a document that never is whole in memory, strings that are not
// copied, and no exception for each of half a million records. It takes what RFC 8259 allows; what it does not
// understand of a record (a field of another type) makes that one record unusable, not the index.
// docs/building/solve.md has the figures.
//
// Spec: CEP 36 (repodata.json), CEP 15 (base_url), CEP 16 (shards carry the same records).
#pragma once

#include "common/base/result.hpp"
#include "generator/conda/record.hpp"

#include <functional>
#include <span>

namespace tinderbox::conda {

// Gives the next bytes, 0 at the end.
using ByteStream = std::function<Result<std::size_t>(std::span<char>)>;

struct RepodataHead {
    std::string base_url; // info.base_url, "" when there is none
    std::uint64_t records = 0,
                  skipped = 0; // skipped: without a name, version or build, or with a field of a wrong type
};

// Limits of what a server may send: an index beyond them is refused, kind network.
struct RepodataLimits {
    std::uint64_t bytes = 6ull << 30; // of JSON
    std::uint64_t records = 8'000'000;
    std::size_t record_bytes = 4u << 20; // of one record
};

// Calls `take` for every record of packages and packages.conda; its views are valid during the call. A record that is
// in "removed" is not told apart: conda does not do so either. Errors: of the stream; kind network, "it is not valid
// repodata.json: … at byte N".
Result<RepodataHead> read_repodata(const ByteStream& stream, const std::function<Status(const PackageRecord&)>& take,
                                   const RepodataLimits& limits = {});

} // namespace tinderbox::conda
