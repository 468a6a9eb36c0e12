// A machine as one small JSON document, to be carried to the machine that builds: NAME.run --describe and doctor
// --describe write it, build --target reads it. docs/inside/machine.md describes the members, machine.schema.json is
// their schema. Nothing in it tells whose machine it is: no names of hosts and users, no paths, no PCI addresses, no
// serial numbers. Functions are thread-safe.
#pragma once

#include "common/machine/file_system.hpp"
#include "common/machine/gpu_verdict.hpp"
#include "common/machine/host.hpp"
#include "common/machine/machine.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::machine {

// The member tinderbox_machine. Members are added under the same number, and none changes its meaning.
inline constexpr int description_version = 1;

struct Description {
    MachineFacts machine; // without shared libraries
    HostFacts host;       // the name only where a person asked for it
    Distribution distribution;
    GpuFacts gpu;                         // its paths stand for the library that was found
    std::optional<FileSystemFacts> place; // where an environment is to be installed, or is
};

// Reads files only: NVIDIA's driver is not opened. `environment` as of read_gpu_facts().
Description describe_machine(const SystemRoot& root, const std::map<std::string, std::string>& environment);

// What a prefix holds. Build passes over it; a later update is made against it.
struct InstalledDescription {
    struct File {
        std::string path;   // below the prefix
        char kind = 'f';    // f file, l link, c compiled at the target
        std::string sha256; // hex, of the content or of the link's target
        std::uint64_t size = 0;
    };
    const format::Manifest& manifest; // not owned
    std::string manifest_sha256;      // hex, of the installer
    std::string stage;                // how far the installation came: "verified"
    std::string list_sha256;          // hex, of PREFIX/.tinderbox/installed
    std::uint64_t files = 0;          // files and links in it
    std::vector<File> list;           // empty: not asked for
};

nlohmann::json to_json(const Description& description);
nlohmann::json to_json(const InstalledDescription& installed); // the member "installed"
// The document as it is printed: one line.
std::string description_text(const nlohmann::json& document);

// Kind usage: what is wrong with the text, and what to write instead. `where` names it.
Result<Description> parse_description(std::string_view text, const std::string& where);
// `path`: a file, or "-" for standard input (common/base/input_file.hpp). Kind usage.
Result<Description> read_description(const std::string& path);

// conda's name of the processor and system: "linux-64", "linux-aarch64".
std::string platform_of(const MachineFacts& machine);

// The findings about the described place alone; none where no place is described.
std::vector<Finding> judge_place(const Description& description, const format::InstallInfo& needs,
                                 const NamesCollide& names_collide = {});

// The findings that preflight would have there: about machine, place and GPU, in this order. Shared libraries are not
// in a description, so an environment that needs some has a warning. `needs`: the room of the installation; nothing
// where it is not known yet.
std::vector<Finding> judge_description(const Description& description, const format::Manifest& manifest,
                                       const std::optional<format::InstallInfo>& needs = {},
                                       const NamesCollide& names_collide = {});

} // namespace tinderbox::machine
