// Match specs: the query language of conda, as people write it and as packages' depends and constrains use it.
//
//   python=3.9   numpy >=1.8,<2.0a0   blas * openblas   pytorch::pytorch=1.12=*cuda*   conda-forge/linux-64::zlib
//   name[version='>=1', build=py*, build_number='>=2', md5=…, sha256=…, subdir=…, channel=…, url=…, fn=…, license=…]
//
// Spec: conda/models/match_spec.py (_parse_spec_str), CEP 29. "=1.2" is "1.2.*"; "==1.2" and "1.2" are exactly 1.2;
// "=1.2=build" is exactly 1.2; a field in brackets wins. tests/unit/conda/match_spec_test.cpp compares with conda's own
// parser and rattler's.
#pragma once

#include "generator/conda/version_spec.hpp"

#include <optional>

namespace tinderbox::conda {

// A candidate for matches(). Its views point into the index.
struct RecordView {
    std::string_view name, build;
    const VersionOrder* version = nullptr;
    std::uint64_t build_number = 0;
    std::string_view channel, subdir; // channel: base URL without credentials, for instance https://HOST/conda-forge
    std::string_view file_name, license, md5, sha256;
    std::vector<std::string_view> track_features;
};

struct MatchSpec {
    std::string text; // as written, trimmed, without a comment
    std::string name; // lower case
    std::optional<VersionSpec> version;
    std::optional<TextPattern> build;
    std::optional<VersionSpec> build_number;
    std::string channel; // as written: a name, a URL; "" any
    std::string subdir;  // "" any
    std::string url, file_name, md5, sha256, license;
    std::vector<std::string> track_features;

    // The texts of version and build without blanks: the meaning ("=1.2" → "1.2.*"), and the version as written.
    std::string version_text, build_text, version_written;

    // Error (kind usage) without a context: the mistake and the right form.
    static Result<MatchSpec> parse(std::string_view text);
    // `channels` are the base URLs that `channel` stands for.
    bool matches(const RecordView& candidate, const std::vector<std::string>& channels = {}) const;
    // True for a spec of only a name, a version and a build: it depends on no other field of a record.
    bool plain() const;
};

// The name a dependency begins with, without parsing the rest: "python >=3.9" → "python".
std::string_view dependency_name(std::string_view dependency);

} // namespace tinderbox::conda
