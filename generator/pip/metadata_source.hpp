// Reads the METADATA of files on servers, without downloading the wheels where possible.
//
// Tried in this order: a copy from an earlier run; the file beside the wheel (PEP 658, PEP 714); the end of the wheel
// through HTTP ranges (the central directory, then the one member); the whole wheel. Copies are kept under
// <cache>/metadata by a hash: the metadata's own where the index has it, else the wheel's together with its location,
// so that one index cannot answer for the files of another.
#pragma once

#include "generator/pip/index.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/once_map.hpp"
#include "generator/pip/source_archive.hpp"

#include <atomic>
#include <memory>

namespace tinderbox::pip {

class MetadataSource {
  public:
    // `cache_root`: default cache_directory(); the copies lie in <cache_root>/metadata.
    explicit MetadataSource(fetch::Fetcher& fetcher, fs::path cache_root = {});
    // The builder for source archives; must outlive this object. Without a builder they are an error (kind usage).
    void build_with(WheelBuilder& builder) { builder_ = &builder; }

    // Headers of METADATA (without the description), parsed. Thread-safe: when several threads ask for one file, one
    // fetches it. Errors: kind network; usage for a local file, or for a wheel without METADATA.
    std::shared_ptr<const Result<Metadata>> get(const IndexFile& file);
    // The same as text.
    Result<std::string> text(const IndexFile& file);

    // The number of uses of each way; for tests and the benchmark.
    struct Counts {
        std::atomic<std::size_t> cached = 0, beside = 0, ranged = 0, whole = 0;
    };
    const Counts& counts() const { return counts_; }

  private:
    Result<std::string> find(const IndexFile& file);
    Result<std::string> beside(const IndexFile& file);
    std::string copy_name(const IndexFile& file) const;
    std::optional<std::string> read_copy(const std::string& name) const;
    void keep_copy(const std::string& name, const std::string& text) const;

    fetch::Fetcher& fetcher_;
    WheelBuilder* builder_ = nullptr;
    fs::path directory_;
    OnceMap<Metadata> known_; // by URL
    Counts counts_;
};

// METADATA of a wheel on a server, through ranges. nullopt: the server does not serve parts, or the file cannot be read
// in parts; then read the whole file. Errors: kind network.
Result<std::optional<std::string>> read_remote_metadata(fetch::Fetcher& fetcher, const IndexFile& file);

// The unpacked size of a wheel, from its central directory.
struct UnpackedSize {
    std::uint64_t bytes = 0;        // of all members
    std::uint64_t python_bytes = 0; // of those that are .py
    std::uint64_t files = 0;
};
// The size of a wheel on a server, through ranges; nullopt as above.
Result<std::optional<UnpackedSize>> read_remote_size(fetch::Fetcher& fetcher, const IndexFile& file);

} // namespace tinderbox::pip
