// Names of conda packages, channels and platforms: pure text.
//
// Spec: CEP 26 (identifiers), conda's channel.py for what a channel is called in records and in the history.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace tinderbox::conda {

struct FileName {
    std::string name, version, build;
    std::string extension;    // ".conda" or ".tar.bz2"
    std::string dist() const; // "NAME-VERSION-BUILD": of conda-meta/DIST.json, pkgs/DIST
};

bool is_package_file_name(std::string_view file_name); // by its extension

// "numpy-2.1.0-py311h1_0.conda": the last two dashes separate. Error (usage) without a context.
Result<FileName> parse_file_name(std::string_view file_name);

// Whether the text may be a name, version or build in a file name: no '/', white space, control character or leading
// '.'.
bool is_identifier(std::string_view text);

// "linux-64", "noarch", …: a subdir in conda's terms.
bool is_subdir(std::string_view text);

// Whether a NAME.run can be for the platform.
bool has_installers(std::string_view subdir);

// "python-3.11-0.conda is a package for osx-arm64, the environment is for linux-64; …". `subdir` is
// index.json's.
Status check_platform(std::string_view package, std::string_view subdir, std::string_view platform);

// The record's "channel": the package's URL without its file name, "https://…/conda-forge/linux-64", decoded as conda
// writes it. (The record's "url" stays as given.)
std::string channel_url(std::string_view package_url);

// The same for a match spec: Anaconda's own channels keep their names, "pkgs/main".
std::string spec_channel(std::string_view package_url);

// The same for the history: "conda-forge/linux-64::NAME-VERSION-BUILD". A channel without a short name in conda is
// written as its URL; Anaconda's pkgs/main, pkgs/r and pkgs/msys2 are "defaults". `package_url` may be "": then
// `channel` counts.
// "": then `channel`.
std::string dist_string(std::string_view package_url, std::string_view channel, std::string_view subdir,
                        std::string_view dist);

} // namespace tinderbox::conda
