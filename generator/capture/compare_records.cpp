#include "generator/capture/compare_records.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/utf8.hpp"
#include "common/format/json_read.hpp"
#include "generator/capture/record.hpp"
#include "generator/fetch/hashes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::capture {
namespace {

using nlohmann::json;

constexpr std::size_t names_shown = 5;

// "sha512=BASE64" of a RECORD as "sha512:HEX"; "" for an algorithm that is not known, or a text that is no hash.
std::string hash_of_row(std::string_view hash) {
    const auto [algorithm, digest] = fetch::record_hash(hash);
    return digest.empty() ? "" : fmt::format("{}:{}", algorithm, digest);
}

bool is_bytecode_path(std::string_view path) { return path.ends_with(".pyc") || path.ends_with(".pyo"); }

bool is_there(const fs::path& file) {
    std::error_code ec;
    return fs::symlink_status(file, ec).type() != fs::file_type::not_found;
}

// Whether the interpreter's directory is that of a venv or a conda environment.
bool is_of_environment(const fs::path& interpreter) {
    const fs::path prefix = interpreter.parent_path().parent_path();
    return is_there(prefix / "pyvenv.cfg") || is_there(prefix / "conda-meta");
}

} // namespace

void note_record(const std::string& text, const std::string& record, const fs::path& site,
                 const std::string& site_packages, FileSelection& selection) {
    for (const RecordLine& row : record_lines(text)) {
        RecordedFile file;
        file.path = path_in_prefix(row, site_packages);
        if (file.path.starts_with("../") || file.path.starts_with('/') || is_bytecode_path(file.path)) continue;
        file.file = (site / row.path).lexically_normal();
        file.record = record;
        if (!file.path.starts_with("bin/")) file.hash = hash_of_row(row.hash);
        selection.recorded.push_back(std::move(file));
    }
}

void note_conda_record(const json& record, const std::string& path, const fs::path& prefix, FileSelection& selection) {
    auto note = [&](const std::string& name, const std::string& sha256) {
        if (name.empty() || is_bytecode_path(name) || fs::path(name).is_absolute()) return;
        selection.recorded.push_back(
            {name, prefix / name, path, sha256.empty() ? std::string() : "sha256:" + to_lower(sha256)});
        selection.conda_files.insert(name);
    };
    const auto data = record.find("paths_data");
    if (data != record.end() && data->is_object() && data->contains("paths") && (*data)["paths"].is_array()) {
        for (const json& file : (*data)["paths"]) {
            if (!file.is_object()) continue;
            std::string sha256 = format::text_field(file, "sha256_in_prefix");
            if (sha256.empty() && format::text_field(file, "prefix_placeholder").empty())
                sha256 = format::text_field(file, "sha256");
            if (format::text_field(file, "path_type") == "softlink") sha256.clear(); // its target's
            note(format::text_field(file, "_path"), sha256);
        }
        return;
    }
    const auto files = record.find("files");
    if (files == record.end() || !files->is_array()) return;
    for (const json& file : *files)
        if (file.is_string()) note(file.get<std::string>(), "");
}

Result<std::vector<Listed>>
compare_records(const FileSelection& selection, const std::map<std::string, std::string>& foreign, unsigned threads,
                const std::function<std::optional<std::string>(const std::string& path)>& hash_of) {
    std::vector<std::string> why(selection.recorded.size());
    TRY(parallel_for(selection.recorded.size(), threads, [&](std::size_t i) -> Status {
        const RecordedFile& file = selection.recorded[i];
        // conda-build changes a package's files after pip wrote their RECORD; conda-meta describes them.
        if (selection.conda_files.contains(file.record)) return {};
        if (!is_there(file.file)) {
            why[i] = fmt::format("{} names it, and it is gone", file.record);
            return {};
        }
        const auto item = selection.items.find(file.path);
        if (file.hash.empty() || item == selection.items.end() || item->second.kind != format::EntryKind::file)
            return {};
        const auto [algorithm, digest] = fetch::split_hash(file.hash);
        std::optional<std::string> found;
        if (algorithm == "sha256") found = hash_of(file.path);
        if (!found) {
            TRY_ASSIGN(found, fetch::hash_of_file(item->second.source, algorithm));
        }
        if (*found != digest) why[i] = fmt::format("it has other bytes than {} says", file.record);
        return {};
    }));
    std::vector<Listed> out;
    for (std::size_t i = 0; i < why.size(); ++i)
        if (!why[i].empty()) out.push_back({selection.recorded[i].path, std::move(why[i])});
    for (const auto& [path, interpreter] : foreign) {
        if (!is_there(interpreter))
            out.push_back({path, fmt::format("its first line names '{}', which is gone", interpreter)});
        else if (is_of_environment(interpreter))
            out.push_back({path, fmt::format("its first line names '{}' of another environment", interpreter)});
    }
    std::ranges::sort(
        out, [](const Listed& a, const Listed& b) { return std::tie(a.path, a.why) < std::tie(b.path, b.why); });
    return out;
}

std::string differing_sentence(const std::vector<Listed>& differing) {
    std::vector<std::string> names;
    for (const Listed& file : differing)
        names.push_back(fmt::format("'{}': {}", utf8_or_marks(file.path), utf8_or_marks(file.why)));
    return fmt::format("{} of the environment differ{} from its own records: {}", counted(differing.size(), "file"),
                       differing.size() == 1 ? "s" : "", some_of(names, names_shown, "; "));
}

} // namespace tinderbox::capture
