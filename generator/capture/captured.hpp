// From a list of files to an artifact. Every file is read once (hash, old prefixes, ELF facts), on all cores, and its
// changes are kept as splices. Contents are read again when they are packed.
#pragma once

#include "generator/capture/capture.hpp"
#include "generator/capture/plan.hpp"

#include <map>

namespace tinderbox::capture {

struct Item {
    std::string path; // in the copy, relative to the prefix
    fs::path source;  // of a file
    format::EntryKind kind = format::EntryKind::file;
    std::uint16_t mode = 0644;
    std::string link; // symlink: relative target
    Role role = Role::ordinary;
    std::optional<std::string> content; // instead of the source's bytes
    std::optional<ConversionHint> hint;
};

// A file as a record of the environment describes it.
struct RecordedFile {
    std::string path;   // relative to the prefix
    fs::path file;      // on this machine
    std::string record; // the record's path, relative to the prefix
    std::string hash;   // "sha512:HEX"; "" = not recorded, or not to be compared
};

// The selection of files, before they are read.
struct FileSelection {
    std::string display_name;
    std::string source;                // absolute
    std::map<std::string, Item> items; // by path
    PrefixRules rules;                 // `captured` is filled in by make_artifact()
    std::vector<Listed> not_relocatable, left_out;
    std::vector<std::string> warnings;
    nlohmann::json metadata;
    // RECORD files whose rows are updated after relocation: RECORD's path → site-packages' path.
    std::map<std::string, std::string> records;
    std::vector<EditableProject> editable; // what was left out
    std::vector<RecordedFile> recorded;
    std::set<std::string> conda_files; // paths that conda-meta names
    std::set<std::string> universal;   // records (paths) of packages for every platform

    void add(Item item) { items.insert_or_assign(item.path, std::move(item)); }
};

// JSON is UTF-8, and a file's name need not be: other bytes become U+FFFD.
std::string utf8_or_marks(const std::string& text);

// lstat → Item, with the source's permission bits (never setuid or setgid). Errors: storage.
Result<Item> item_from(const fs::path& source, std::string path);

Result<std::unique_ptr<CapturedArtifact>> make_artifact(FileSelection selection, const CaptureOptions& options);

} // namespace tinderbox::capture
