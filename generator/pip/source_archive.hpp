// Source archives (sdists) for --allow-sdist: what they say about themselves, and wheels made of them.
//
// An installer carries wheels only. Where a project has none that fits, one can be made here by the environment's own
// Python, in isolation as PEP 517 has it: a fresh virtual environment, pip in it, and the build's requirements from the
// request's own indexes. That runs the archive's code on this machine, so it is done only when it is asked for.
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

// METADATA as the archive's PKG-INFO has it, when PEP 643 says that building changes nothing of it that matters here:
// metadata 2.2 or newer with no requirement, extra or Python version among its "Dynamic" fields. nullopt: only a
// build will tell. Errors: kind usage, an archive that cannot be read.
Result<std::optional<std::string>> read_static_metadata(const fs::path& archive);

struct BuiltWheel {
    fs::path path;
    std::string sha256; // hex, of the wheel
    std::uint64_t size = 0;
    IndexFile archive; // what it was made of, SHA-256 and size known
};

struct WheelBuilderOptions {
    Target target;
    Options pip;                           // where the build's requirements come from
    std::int64_t source_mtime = 315532800; // SOURCE_DATE_EPOCH of the build
    fs::path cache_root;                   // default cache_directory()
    // The environment's own Python as a program that runs here; asked for once, when the first wheel has to be made.
    std::function<Result<std::string>()> python;
    Reporter* reporter = nullptr; // not owned; null: nothing is shown
};

// Thread-safe; wheels are made one after another.
class WheelBuilder {
  public:
    WheelBuilder(fetch::Fetcher& fetcher, WheelBuilderOptions options);

    // The wheel of an archive, from the cache or made now. Kept in <cache>/built by the archive's SHA-256 and the
    // Python. Errors: network; unsatisfiable: it cannot be built, with the end of what the build said, or does not fit.
    Result<BuiltWheel> build(const IndexFile& archive);
    // METADATA of the wheel that build() would give, without building where the archive says it.
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
