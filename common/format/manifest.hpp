// The manifest: canonical JSON about the contents of a .run and their needs. docs/inside/format.md lists the fields.
// to_json writes it and manifest_from_json reads it; unknown fields are ignored. Functions are thread-safe.
#pragma once

#include "common/base/hash.hpp"
#include "common/base/result.hpp"
#include "common/format/prefix_name.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::format {

struct PackageInfo {
    std::string kind; // "wheel", "conda", "python" (captured interpreter), "prefix" (captured), "generated", "include"
    std::string name, version, build;
    std::string url; // without credentials; "" for a local file
    std::string file_name;
    std::string sha256, md5;                // hex
    std::uint64_t size = 0;                 // of the artifact, bytes
    std::string license;                    // SPDX expression, or the metadata's own text
    std::string redistribution = "unknown"; // class of templates/redistribution.json: free, nvidia, anaconda, unknown
    std::uint64_t installed_size = 0;
    std::uint32_t files = 0;
    bool requested = false;
    std::string requirement;          // the line of the request that names it; "" for a dependency
    PrefixName prefix;                // where it is installed
    std::vector<std::string> imports; // modules that its own test imports
};

struct PythonInfo {
    std::string version;        // "3.11.7"
    std::string implementation; // "cpython"
    std::string executable;     // relative to the environment's prefix: "bin/python3.11"
    std::string site_packages;  // "lib/python3.11/site-packages"
    std::string stdlib;         // "lib/python3.11"
    std::string cache_tag;      // "cpython-311"
    bool gil = true;
};

// One library with device code, as its fatbins describe it (docs/inside/gpu.md).
struct GpuLibrary {
    std::string path, package;
    // "framework": every use of the GPU needs it (libtorch_cuda.so). "part": another library of a framework. "nvidia":
    // a general CUDA library (cuBLAS, cuDNN, …). "other": for special purposes.
    std::string role = "other";
    std::vector<std::string> sass, ptx;         // "sm_80", "sm_90a", "sm_100f"; "compute_90"
    std::vector<std::string> partial;           // of a framework: architectures of linked code, or of a few kernels
    std::map<std::string, std::string> ptx_isa; // "compute_90" → "8.4": its newest PTX version
};

// A sign that an environment has a CUDA version.
struct CudaEvidence {
    int major = 0;
    std::string version; // "12.8", or just "12" when only the major is known
    std::string because; // "nvidia-cuda-runtime-cu12 12.8.90", "lib/…/libtorch_cuda.so needs libcudart.so.12"
};

struct GlibcNeed {
    std::string version, because; // "2.34", and the file that asks for it
};

struct Requirements {
    std::string glibc;         // highest GLIBC_x.y that a file needs: "2.28"; "": no file needs one
    std::string glibc_because; // the file that needs it
    // What files of packages for every platform ask for beyond `glibc`: a machine without it lacks only those files.
    std::optional<GlibcNeed> partial_glibc;
    std::vector<std::string> libraries;      // sonames needed and not in the environment (beyond glibc's own)
    std::optional<int> cuda_major;           // 11, 12, 13; nothing when the environment has no CUDA
    std::string cuda_runtime;                // "12.8"
    std::vector<CudaEvidence> cuda_evidence; // strongest first: the first one decides
    std::string driver_floor;                // "525.60.13": for machine code
    // The CUDA of a framework's PTX and the oldest driver that compiles it. "" = no PTX, or not known.
    std::string ptx_cuda, ptx_driver_floor;
    std::vector<GpuLibrary> gpu_libraries;
    std::string gpu_weakest;             // the framework or CUDA library that has code for the fewest GPUs
    std::vector<std::string> frameworks; // import names to check: "torch", …
};

struct InstallInfo {
    std::uint64_t bytes = 0; // installed, rounded up to 4 KiB a file
    std::uint64_t apparent_bytes = 0;
    std::uint64_t inodes = 0;
    std::uint32_t longest_prefix = 0;   // 0 = no limit
    std::string longest_prefix_because; // the file with the shortest placeholder
};

// The sizes of an installation's parts. Each counts only what it adds to the parts before it: a hard link counts once.
struct InstallParts {
    InstallInfo env, base, packages; // the environment alone; the base beside it; the base's package cache
};

// A script of a package. Scripts run in the order of their list; pre-unlink scripts run in the opposite order.
struct ScriptInfo {
    std::string package, version, build_number, path;
    PrefixName prefix;                // as PackageInfo::prefix
    std::string action = "post-link"; // or "pre-unlink"
};

struct FurtherEnvironment { // of an installer with extra_envs: PREFIX/envs/NAME
    std::string name;
    std::optional<PythonInfo> python;
};

// The conda at PREFIX, when the environment lies in its envs/ (docs/building/base.md).
struct BaseInfo {
    std::string kind;                   // "miniconda", "miniforge", "file"
    std::string name, version;          // as its installer calls itself: "Miniconda3", "py311_25.3.1-1"
    std::string url, file_name, sha256; // of that installer
    std::uint64_t size = 0;
    std::string license;                          // the text it shows before installing
    bool keeps_packages = false;                  // leaves its package cache without -k
    bool initialises = false;                     // runs conda init without being asked
    bool registers = true;                        // in ~/.conda/environments.txt
    std::string pre_install, post_install;        // scripts, "" when there is none
    std::map<std::string, std::string> variables; // of those scripts
    std::optional<PythonInfo> python;
    std::vector<FurtherEnvironment> environments;
};

// Keys of construct.yaml about the installer itself (docs/building/specs.md).
struct InstallerInfo {
    std::string version;
    std::string license;                          // the text to accept, "" when there is none
    std::string pre_install, post_install;        // scripts of the environment, "" when there is none
    std::map<std::string, std::string> variables; // of those scripts, beside those of every installer
};

// An installer that holds only what the environments of earlier ones lack.
struct EarlierInstaller {
    std::string name, manifest_sha256; // hex
};
struct UpdateInfo {
    std::vector<EarlierInstaller> onto; // it can be installed where one of them is
    // What the installation writes: the files that this one brings, rounded up to 4 KiB each. The others become second
    // names of files that are there.
    std::uint64_t bytes = 0;
    std::uint64_t inherited_files = 0, inherited_bytes = 0; // of the environment, not in this file
};

struct Manifest {
    std::string name;          // NAME of NAME.run
    std::string env_name;      // the environment's name
    std::string platform;      // "linux-64", "linux-aarch64"
    std::string base = "none"; // or the kind and version of base_installer: "miniforge 26.3.2-3"
    std::string tinderbox_version;
    std::int64_t source_mtime = 0; // seconds since 1970
    std::string bytecode;          // "build", "install", "none"
    std::string level;             // "fast", "default", "max"
    std::optional<PythonInfo> python;
    std::vector<PackageInfo> packages;
    std::vector<std::string> request;             // lines of the request, without credentials
    std::vector<std::string> notices;             // notices of the build for the person who installs
    std::map<std::string, std::string> variables; // environment variables on activation
    std::vector<ScriptInfo> scripts;
    Requirements requires_;
    InstallInfo install; // of all parts that are installed by default
    InstallParts parts;
    std::optional<BaseInfo> base_installer; // present exactly when base is not "none"
    std::optional<InstallerInfo> installer; // present exactly when a construct.yaml was the request
    std::optional<UpdateInfo> update;
    std::vector<std::string> probes; // "cuda_probe_12"
};

nlohmann::json to_json(const Manifest& manifest);
Result<Manifest> manifest_from_json(const nlohmann::json& json); // kind damaged

// Every name and path of it that becomes a directory, a word of a shell or a variable is one (common/base/names.hpp,
// member_path.hpp). manifest_from_json() asks it, and so does the linker. Kind usage.
Status check_names(const Manifest& manifest);

// Sorted keys, two-space indentation, "\n" at the end, UTF-8: the same value gives the same bytes.
std::string canonical_json(const nlohmann::json& json);

} // namespace tinderbox::format
