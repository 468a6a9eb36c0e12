// Sharded repodata (CEP 16). Used by subdir.cpp only.
#pragma once

#include "generator/conda/subdir.hpp"

#include <map>

namespace tinderbox::conda {

struct ShardIndex {
    std::string base_url, shards_base_url;     // as written, "" = beside the index
    std::map<std::string, std::string> shards; // name → SHA-256 (raw bytes) of its shard
};

// Of the decompressed bytes. Errors: kind network, without a context.
Result<ShardIndex> parse_shard_index(ByteView bytes);
Result<NamedRecords> parse_shard(ByteView bytes, const std::string& name);

// zstd, at most `limit` bytes of output. Errors: kind network.
Result<Bytes> decompress_zstd(ByteView bytes, std::uint64_t limit);

} // namespace tinderbox::conda
