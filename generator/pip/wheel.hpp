// A wheel as an Artifact (PEP 427, PEP 491, PEP 376, PEP 566, PEP 639; compared with what pip installs).
//
// Entries lie where pip puts them: purelib and platlib in Root::site_packages, NAME.data/{scripts,data,headers} in
// Root::{scripts,data,headers}. RECORD and its signatures are no entries: the linker writes the RECORD of what is
// really installed. Modes are pip's: 0755 for regular files with any exec bit and for scripts, else 0644. A script
// whose first line begins with "#!python" has Entry::shebang "#!\x01/bin/python" and what follows on the line.
// Times of members are not used (pip does not either). Empty directories are left out, as pip does.
//
// metadata() has, besides the common part (kind "wheel", name, version, build, license, licenses, warnings):
//
//   file_name         "numpy-2.1.0-cp311-cp311-….whl"
//   summary           METADATA's words, "" when absent; also requires_python, metadata_version, home_page, author
//   requires_dist     [PEP 508 requirement as written]; provides_extra: [name]
//   purelib           bool, Root-Is-Purelib
//   tags              ["cp311-cp311-linux_x86_64", …] as WHEEL says
//   dist_info         "numpy-2.1.0.dist-info"
//   entry_points      {"console_scripts": {name: "module:attr [extra]"}, "gui_scripts": {…}}
//   top_level         [import name], from the files
//   record            [[root, path, hash, size], …] every file as RECORD lists it, at its symbolic destination:
//                     root "site-packages"|"scripts"|"data"|"headers", hash "sha256=…" or "", size -1 when absent
//   record_problems   [one sentence each]: rows without file, files without row, wrong sizes, hashes that cannot be
//                     checked. Wrong hashes are found while packing (Parcel::mismatches). pip ignores all of them;
//                     --strict has to refuse when this list or the mismatches are not empty.
#pragma once

#include "common/base/file.hpp"
#include "generator/parcel/artifact.hpp"
#include "generator/pip/tags.hpp"

namespace tinderbox::pip {

struct WheelOptions {
    std::string file_name;              // the wheel's own name, when the file has another one; "" = of the path
    const TagRanking* target = nullptr; // the wheel's tags must fit it; nullptr: not checked
    std::string target_name;            // "CPython 3.11 on linux-64, glibc 2.28": for the message
};

// Errors (kind usage, "FILE: …" or "FILE:MEMBER: …"): not a wheel's name, a source distribution, an egg, damaged or
// hostile archive, no or several .dist-info, WHEEL, METADATA or RECORD missing, Wheel-Version above 1, name or version
// other than the file name's, tags that do not fit, unknown .data scheme, entry points that cannot be read.
Result<std::unique_ptr<parcel::Artifact>> open_wheel(const fs::path& path, const WheelOptions& options = {});

// "Key: value" headers of METADATA and WHEEL (RFC 822): keys in lower case, in order. Continuation lines are joined
// with a line end; the body follows under "". Never fails.
std::vector<std::pair<std::string, std::string>> parse_headers(std::string_view text);

struct RecordRow {
    std::string path, hash, size; // as written
    std::size_t line = 0;         // 1-based
    // Of a line with more than three fields, which pip reads with a warning: a comma stands in a path without quotes.
    // The members above are its first three fields; here all but the last two are the path.
    std::unique_ptr<RecordRow> joined;
};
// A RECORD's rows (CSV, PEP 376). Error: the line that has fewer than three fields, or quotes that do not end.
Result<std::vector<RecordRow>> parse_record(std::string_view text);

// The groups console_scripts and gui_scripts of an entry_points.txt, in file order.
struct EntryPoint {
    std::string group, name, reference;
};
Result<std::vector<EntryPoint>> parse_entry_points(std::string_view text);

} // namespace tinderbox::pip

namespace tinderbox::pip {
using pip::open_wheel;
} // namespace tinderbox::pip
