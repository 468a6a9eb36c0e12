// Compares a captured environment with its own records: RECORD (PEP 376, PEP 627) and conda-meta name files with their
// hashes, and the first lines of its scripts name interpreters. A moved or half-removed environment differs from them.
#pragma once

#include "generator/capture/captured.hpp"

namespace tinderbox::capture {

// The rows of a RECORD in `site` (on this machine), whose copy lies in `site_packages`. Bytecode and rows that lead out
// of the prefix are left out, and so are the hashes of scripts: tools that move a Python rewrite their first lines.
void note_record(const std::string& text, const std::string& record, const fs::path& site,
                 const std::string& site_packages, FileSelection& selection);

// The files of a record in conda-meta; `prefix` is on this machine.
void note_conda_record(const nlohmann::json& record, const std::string& path, const fs::path& prefix,
                       FileSelection& selection);

// What differs, by path. `foreign` has the interpreters outside the prefix that scripts in bin name: path →
// interpreter. `hash_of` gives the SHA-256 (hex) of a captured path's file as it was read; nullopt: its content was
// changed or not read, and the file is read here. Errors: storage.
Result<std::vector<Listed>>
compare_records(const FileSelection& selection, const std::map<std::string, std::string>& foreign, unsigned threads,
                const std::function<std::optional<std::string>(const std::string& path)>& hash_of);

// One sentence with the first five names.
std::string differing_sentence(const std::vector<Listed>& differing);

} // namespace tinderbox::capture
