// The journal of an installation under way: which tasks are durable. Its bytes are described in docs/inside/install.md.
#pragma once

#include "common/base/directory.hpp"
#include "runtime/place/installed_parts.hpp"

namespace tinderbox::place {

struct JournalHeader {
    std::string manifest_sha256; // hex
    std::string prefix;
    bool private_modes = false;
    InstalledParts parts = InstalledParts::env;
    bool operator==(const JournalHeader&) const = default;
};

struct JournalContents {
    JournalHeader header;
    std::uint64_t tasks = 0; // the first so many are durable
    bool committing = false; // everything is durable, entries are being renamed into place
};

class Journal {
  public:
    // `control`: the .tinderbox directory. A new, empty journal; an old one is replaced.
    static Result<Journal> create(const Directory& control, const JournalHeader& header);
    // Goes on after the last whole record; the bytes behind it are cut off.
    static Result<Journal> append_to(const Directory& control);
    // nullopt: no file, or not even the header is whole. A record that is cut or damaged ends the reading.
    static std::optional<JournalContents> read(const Directory& control);

    // Must be called only when everything it claims has been made durable. Durable itself when it returns.
    Status record_tasks(std::uint64_t tasks);
    Status record_commit();

  private:
    Journal(Fd fd, std::string text) : fd_(std::move(fd)), text_(std::move(text)) {}
    Status append(std::string line);
    Fd fd_;
    std::string text_; // all of it so far: each record's check covers the bytes before it
};

} // namespace tinderbox::place
