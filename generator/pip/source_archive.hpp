// Source archives (sdists) for --allow-sdist: reads their metadata and builds wheels from them.
//
// An installer carries wheels only. Where a project has no fitting wheel, the environment's own Python can build one
// here, isolated as in PEP 517: a fresh virtual environment, pip in it, and the build's requirements from the request's
// own indexes. That runs the archive's code on this machine, so the user must ask for it.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/archive/endings.hpp"
#include "generator/pip/index.hpp"
#include "generator/pip/target.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace tinderbox::pip {

inline bool is_source_archive(const IndexFile& file) { return !archive::is_wheel(file.file_name); }

// METADATA from the archive's PKG-INFO, when PEP 643 guarantees that a build does not change it: metadata 2.2 or newer
// without a requirement, extra or Python version among its "Dynamic" fields. nullopt: only a build can tell. Errors:
// kind usage, an archive that cannot be read.
Result<std::optional<std::string>> read_static_metadata(const fs::path& archive);

struct BuiltWheel {
    fs::path path;
    std::string sha256; // hex, of the wheel
    std::uint64_t size = 0;
    IndexFile archive; // the source archive; SHA-256 and size are known
};

struct WheelBuilderOptions {
    Target target;
    Options pip;                           // where the build's requirements come from
    std::int64_t source_mtime = 315532800; // SOURCE_DATE_EPOCH of the build
    fs::path cache_root;                   // default cache_directory()
    // Returns the environment's own Python as a program that runs here. Called once, when the first wheel must be
    // built.
    std::function<Result<std::string>()> python;
    Reporter* reporter = nullptr; // not owned; null: nothing is shown
};

// Thread-safe; wheels are made one after another.
class WheelBuilder {
  public:
    WheelBuilder(fetch::Fetcher& fetcher, WheelBuilderOptions options);

    // The wheel of an archive, from the cache or built now. It is kept in <cache>/built by the archive's SHA-256 and
    // the Python. Errors: network; unsatisfiable: the build fails (with the end of its output), or the wheel does not
    // fit.
    Result<BuiltWheel> build(const IndexFile& archive);
    // METADATA of the wheel that build() would give; builds only when the archive does not have it.
    Result<std::string> metadata(const IndexFile& archive);

  private:
    Result<BuiltWheel> make(const IndexFile& archive, const fetch::Fetched& file, const fs::path& directory);
    Result<fs::path> run_pip(const IndexFile& archive, const fetch::Fetched& file, const fs::path& work);
    Result<std::string> pip_python();
    Result<std::string> python();

    fetch::Fetcher& fetcher_;
    WheelBuilderOptions options_;
    Reporter& reporter_;
    std::mutex mutex_;
    std::string python_;
    std::optional<TemporaryDirectory> venv_; // one for all wheels: pip builds each in an environment of its own
};

} // namespace tinderbox::pip
