// Parses the shell header of constructor's installers as text: its fields, the offsets of its payloads, and the files
// that it writes at PREFIX. It executes and expands nothing. It recognises lines by the forms in constructor's
// templates (docs/building/base.md lists them by version).
#pragma once

#include "common/base/result.hpp"
#include "generator/archive/file_source.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

// The longest header that is looked at, in bytes; real ones have 20 to 60 KiB, most of it the licence.
inline constexpr std::size_t constructor_header_limit = 4u << 20;

struct ConstructorHeader {
    char era = 0; // 'A' … 'D'
    std::string name, version, platform, md5, constructor_version;
    std::uint64_t size = 0;        // of the header: where the payloads begin
    std::uint64_t end = 0;         // where the last payload ends: the size of the whole file
    archive::FileRange executable; // the conda executable, size 0 in era A
    struct Internal {              // a file that belongs to the executable
        std::string path;
        archive::FileRange range;
        bool executable = false;
    };
    std::vector<Internal> internal;
    archive::FileRange tar;
    std::string executable_name;            // below PREFIX, "" when the header removes it in the end
    std::string executable_link;            // another name of it
    std::vector<std::string> install_order; // era A: NAME-VERSION-BUILD
    std::string license;
    std::string condarc; // with '\x01' for PREFIX
    bool has_condarc = false;
    std::string minimum_glibc;
    std::map<std::string, std::string> variables;
    bool keeps_packages = false, initialises = false, nonadmin = false, makes_envs = false, registers = false;
    bool installs_environments = false; // those listed below pkgs/envs, into PREFIX/envs (constructor ≥ 3.4)
    std::vector<std::string> warnings;
};

// Whether `head` begins as constructor's headers do: a shell script with NAME, VER and PLAT in its first comment.
bool is_constructor_header(std::string_view head);

// `head`: the first constructor_header_limit bytes of the file, or all of it; `file_size`: its size. Errors (usage),
// beginning with `name`: truncated (with both sizes, when the header has one), for another system, damaged.
Result<ConstructorHeader> parse_constructor_header(std::string_view head, std::uint64_t file_size,
                                                   const std::string& name);

// Describes a file that is no constructor installer, in a sentence without its name: "it is an HTML page, …".
std::string describe_no_installer(std::string_view head, std::uint64_t file_size);

} // namespace tinderbox::conda
