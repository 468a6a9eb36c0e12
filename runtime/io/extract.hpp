// From blocks to files: read → check → decompress → relocate → write, on all cores, in one pass over the .run.
//
// Reasons: programs that write through the page cache are limited by it, not by the disk or by decompression. So blocks
// are read and large files written with O_DIRECT through io_uring, a few in flight a thread; small files are written
// plainly meanwhile. Rejected, because measured slower by a factor of two and more: mmap of the .run, plain buffered
// writing of large files, one thread.
#pragma once

#include "common/format/relocate.hpp"
#include "common/format/run_file.hpp"
#include "runtime/io/inherit.hpp"

#include <atomic>

namespace tinderbox::io {

struct ExtractOptions {
    unsigned jobs = 0; // 0 = available_cpus()
    bool no_uring = false, no_direct = false;
    std::uint16_t mode_mask = 07777;
    std::vector<std::string> prefixes; // the prefixes that relocations name, by prefix_index()

    // Compares each file, as it is before relocation, with the table's SHA-256, besides the blocks'. Without it only
    // files with relocations are, which are hashed anyway: a block's hash tells damage, and only a table that was made
    // wrong can differ behind it. It costs one more reading of every byte; `--verify-file` does the same.
    bool check_contents = false;

    // Of an update, which has to have it: where its inherited files come from.
    const Inheritance* inheritance = nullptr;

    // Resuming: the first `done_tasks` tasks were made durable by an earlier run.
    bool resume = false;
    std::uint64_t done_tasks = 0;

    // Called with the number of finished tasks (a prefix of the list) while nothing is in flight, every `epoch_seconds`
    // or `epoch_bytes` (raw), never in the first `journal_after` seconds.
    double epoch_seconds = 5, journal_after = 2;
    std::uint64_t epoch_bytes = 1ull << 30;
    std::function<Status(std::uint64_t tasks)> record;

    std::function<void(std::uint64_t done, std::uint64_t total)> progress; // raw bytes
    const std::atomic<bool>* interrupted = nullptr;
    Faults* faults = nullptr;
};

struct Extracted {
    std::vector<format::InstalledFile> installed; // by destination; of files only
    std::string description;                      // "io_uring + O_DIRECT, 2 threads"
};

// Kinds: damaged (a block, with the file it was for), storage, interrupted, usage (prefix too long for a placeholder).
Result<Extracted> extract(const format::RunFile& run, const format::Table& table, const WritePlan& plan,
                          const Directories& directories, const ExtractOptions& options);

} // namespace tinderbox::io
