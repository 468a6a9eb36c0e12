// Writing one file: whole and small through the page cache, or large past it.
#pragma once

#include "common/base/directory.hpp"
#include "common/base/file.hpp"
#include "common/format/relocate.hpp"
#include "runtime/io/directories.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

namespace tinderbox::io {

// Buffered writing of gigabytes fills the page cache, and fresh pages cost more time than the disk. The ring starts
// write-back at once, waits for the bytes written 32 MiB ago, and drops them from the cache.
class WritebackRing {
  public:
    explicit WritebackRing(std::uint64_t capacity = 32u << 20) : capacity_(capacity) {}
    // The descriptor stays open until the range has been written back.
    void add(std::shared_ptr<Fd> fd, std::uint64_t offset, std::uint64_t size);
    void drain();

  private:
    struct Range {
        std::shared_ptr<Fd> fd;
        std::uint64_t offset, size;
    };
    static void retire(const Range& range);
    std::mutex mutex_;
    std::deque<Range> ranges_;
    std::uint64_t held_ = 0;
    const std::uint64_t capacity_;
};

// Common to all files of one tree.
struct Tree {
    const format::Table& table;
    const WritePlan& plan;
    const Directories& directories;
    std::uint16_t mode_mask = 07777;
    bool replace = false; // removes a file that an interrupted run left half-written
    Faults* faults = nullptr;
    WritebackRing* ring = nullptr;

    std::string path(std::uint32_t destination) const; // for messages
};

// Writes a new file with these bytes, mode and time. Never follows a link, never opens an existing file.
Status write_small_file(const Tree& tree, std::uint32_t destination, ByteView data);
// Adds a name to the file at destination `source`, which is complete. Copies it where hard links are impossible.
Status make_hard_link(const Tree& tree, std::uint32_t destination, std::uint32_t source);
// The file of this name in `old` becomes the destination's, as io/inherit.hpp says. `expected`: its bytes.
Status inherit_file(const Tree& tree, std::uint32_t destination, const Directory& old,
                    const format::InstalledFile& expected);
Status make_symlink(const Tree& tree, std::uint32_t destination, const std::string& target);

// A file that several threads write by blocks. The last block to finish sets its size, mode and time.
class LargeFile {
  public:
    LargeFile(std::uint32_t destination, std::uint32_t blocks, bool begun, bool direct)
        : destination_(destination), begun_(begun), direct_(direct), remaining_(blocks) {}

    // Opens the file at the first call. `begun`: an interrupted run wrote some of its blocks, which are kept.
    Status open(const Tree& tree);
    bool direct() const { return direct_; }
    int fd() const { return fd_->get(); }
    std::uint32_t destination() const { return destination_; }

    // Buffered, in the calling thread.
    Status write_now(const Tree& tree, ByteView data, std::uint64_t offset);
    // Writes the rest after O_DIRECT was refused for one write, or took only a part of it.
    Status finish_buffered(const Tree& tree, ByteView data, std::uint64_t offset);
    // Call this once for each finished block.
    Status block_done(const Tree& tree);

  private:
    Status open_new(const Tree& tree);
    const std::uint32_t destination_;
    const bool begun_;
    std::mutex mutex_;
    bool open_ = false;
    std::atomic<bool> direct_;
    std::shared_ptr<Fd> fd_;
    std::atomic<std::uint32_t> remaining_;
};

} // namespace tinderbox::io
