// The options of `build` (and of `lock`): what was asked for, as written.
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/spec/request.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tinderbox {

struct BuildOptions {
    std::vector<std::string> specs, conda, pip, include;
    std::string output, env_name;
    std::string base, python, python_from, from_prefix;
    std::string platform = "linux-64", target_glibc, target_driver;
    std::vector<std::string> target_gpus;
    std::vector<std::string> channels, extra_index_urls, find_links, insecure_hosts;
    std::vector<std::string> virtuals;
    std::string cuda, channel_priority;
    std::string index_url, index_strategy = "first-index";
    bool no_index = false, pre = false, allow_sdist = false, offline = false, strict = false, redistributable = false,
         plan = false, json = false;
    bool pip_only = false; // of lock
    std::string level = "default", bytecode = "build";
    std::string sign;        // private key
    std::uint64_t split = 0; // bytes that a volume stays below; 0 = one file
    unsigned jobs = 0;
};

void add_options(CLI::App& command, BuildOptions& options);

// SPECs and command-line words, merged into one request.
Result<Request> request_of(const BuildOptions& options);

} // namespace tinderbox
