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

// A name, version or build as it may stand in a file name: no '/', white space, control character or leading
// '.'.
bool is_identifier(std::string_view text);

// "linux-64", "noarch", … – what conda calls a subdir.
bool is_subdir(std::string_view text);

// "python-3.11-0.conda is a package for osx-arm64, the environment is for linux-64; …". `subdir` is
// index.json's.
Status check_platform(std::string_view package, std::string_view subdir, std::string_view platform);

// The record's "channel": the URL of the package without its file name, "https://…/conda-forge/linux-64", decoded as
// conda writes it (the record's "url" stays as it was given).
std::string channel_url(std::string_view package_url);

// As a match spec writes it: the same, but Anaconda's own channels keep their names, "pkgs/main".
std::string spec_channel(std::string_view package_url);

// As the history writes it: "conda-forge/linux-64::NAME-VERSION-BUILD"; a channel that conda has no short
// name for goes by its URL, Anaconda's pkgs/main, pkgs/r and pkgs/msys2 by "defaults". `package_url` may be
// "": then `channel`.
std::string dist_string(std::string_view package_url, std::string_view channel, std::string_view subdir,
                        std::string_view dist);

} // namespace tinderbox::conda
