// The options of `build` and of `lock`, with parsed values where the text alone is enough.
#pragma once

#include "generator/conda/config.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/parcel.hpp"
#include "generator/pip/index.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::build {

struct Options {
    std::vector<std::string> specs, conda, pip, include;
    std::string output; // NAME.run, or the lock; "" = not named
    std::string env_name;
    std::string base, python, python_from, from_prefix;
    std::string platform = "linux-64", target_glibc, target_driver;
    std::vector<std::string> target_gpus;
    std::vector<std::string> targets; // files that describe machines
    std::vector<std::string> channels, extra_index_urls, find_links, insecure_hosts;
    std::vector<std::string> virtuals;
    std::string cuda;
    std::optional<conda::ChannelPriority> channel_priority; // nothing: conda's configuration decides
    std::string index_url;
    pip::IndexStrategy index_strategy = pip::IndexStrategy::first_index;
    bool no_index = false, pre = false, allow_sdist = false, offline = false, strict = false, redistributable = false;
    bool with_project = false, no_project = false; // a SPEC's own project: built, or left out
    bool pip_only = false;                         // of lock
    bool no_pip = false;                           // leaves out the pip that a captured interpreter brings
    parcel::Level level = parcel::Level::standard;
    lock::Bytecode bytecode = lock::Bytecode::build;
    std::vector<std::string> onto; // earlier installers that an update is for
    std::string sign;              // path of a private key
    std::uint64_t split = 0;       // bytes that a volume stays below; 0 = one file
    unsigned jobs = 0;             // threads; 0 = all cores
};

} // namespace tinderbox::build
