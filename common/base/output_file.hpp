// Output files: what a person names to be written (-o, --report, --log). Tinderbox's own files, which nobody may have
// replaced by a link, go through write_atomically() instead.
//
// What the name stands for stays what it is:
//   - A link is followed, and stays; a dangling one gets its file.
//   - A device, a terminal or a pipe is written into.
//   - An existing file keeps its mode and owner. It is replaced by a rename, so that a reader sees the old content or
//     the new one. It is written in place where a rename would lose something: the owner, a second name (hard link), an
//     ACL or another attribute; or where none is possible: a directory that may not be written, a file that is a mount
//     point.
//   - A new file has `mode` without the bits of the umask.
//
// A pipe that nobody reads is an error, after five seconds. Errors are of kind `storage` and name the path.
// Thread-safe.
#pragma once

#include "common/base/file.hpp"

#include <sys/stat.h>

namespace tinderbox {

Status write_output_file(const fs::path& path, ByteView data, mode_t mode = 0666);
inline Status write_output_file(const fs::path& path, std::string_view text, mode_t mode = 0666) {
    return write_output_file(path, as_bytes(text), mode);
}

// A file that must not be there yet: kind `usage` when it is, even as a link. A part of it is not left behind after an
// error.
Status create_output_file(const fs::path& path, std::string_view text, mode_t mode = 0666);

// For appending, whatever the name stands for. The file is made when missing.
Result<Fd> open_for_appending(const fs::path& path, mode_t mode = 0666);

// The same rules for a file that is too large to be written twice: it must be a regular one (else kind usage), and is
// always replaced by a rename.
class OutputFile {
  public:
    // Makes the temporary file beside the one that `path` names. Nothing changes until publish().
    static Result<OutputFile> create(const fs::path& path, mode_t mode);
    OutputFile() = default;
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&& other) noexcept;
    ~OutputFile(); // removes what was not published

    Fd release() { return std::move(fd_); } // for writing; once
    Status publish();                       // must: the content is on the disk by now

  private:
    fs::path target_, temporary_;
    Fd fd_;
    bool placeholder_ = false; // target_ is the empty file behind a dangling link
};

// What OutputFile::create() would refuse, before the work begins.
Status check_output_file(const fs::path& path);

} // namespace tinderbox
