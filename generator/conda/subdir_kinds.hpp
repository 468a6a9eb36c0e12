// The three kinds of subdirectories: with a whole index, with shards, or missing. Not for use outside generator/conda.
#pragma once

#include "generator/conda/repodata_index.hpp"
#include "generator/conda/shards.hpp"
#include "generator/conda/subdir.hpp"

namespace tinderbox::conda {

// `base_url`: where the packages lie; "" = beside the index.
std::unique_ptr<Subdir> indexed_subdir(const Channel& channel, const std::string& subdir, RepodataIndex index,
                                       std::string base_url);
// `shards_url`: the directory of the shards, with '/' at its end. The fetcher has to outlive the result.
std::unique_ptr<Subdir> sharded_subdir(const Channel& channel, const std::string& subdir, ShardIndex index,
                                       std::string shards_url, std::string base_url, fetch::Fetcher& fetcher);
std::unique_ptr<Subdir> missing_subdir(const Channel& channel, const std::string& subdir);

} // namespace tinderbox::conda
