// Reading a channel's repodata.json as a stream: conda-forge's has 700 MB, and none of it has to be in memory at once.
//
// The JSON reader is our own because of that size: the document is never whole in memory, strings are not copied, and
// no exception is thrown for half a million records. It accepts the JSON of RFC 8259. A field of an unexpected type
// makes only its record unusable, not the index. docs/building/solve.md has the figures.
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

// Calls `take` for every record of packages and packages.conda; its views are valid during the call. Records in
// "removed" are taken, too, as conda does. Errors: those of the stream; kind network, "it is not valid repodata.json: …
// at byte N".
Result<RepodataHead> read_repodata(const ByteStream& stream, const std::function<Status(const PackageRecord&)>& take,
                                   const RepodataLimits& limits = {});

} // namespace tinderbox::conda
