#include "generator/capture/record.hpp"

#include "common/base/text.hpp"

#include <filesystem>

namespace tinderbox::capture {
namespace {

// The first field of a CSV row as written (with its quotes) and as meant.
struct Field {
    std::string_view raw;
    std::string value;
};

Field first_field(std::string_view line) {
    Field out;
    if (!line.starts_with('"')) {
        out.raw = line.substr(0, line.find(','));
        out.value = out.raw;
        return out;
    }
    std::size_t i = 1;
    for (; i < line.size(); ++i) {
        if (line[i] != '"') out.value += line[i];
        else if (i + 1 < line.size() && line[i + 1] == '"') out.value += line[i++];
        else break;
    }
    out.raw = line.substr(0, std::min(i + 1, line.size()));
    return out;
}

} // namespace

std::vector<RecordLine> record_lines(std::string_view text) {
    std::vector<RecordLine> out;
    for (std::string_view line : split_lines(text)) {
        if (line.empty()) continue;
        const Field path = first_field(line);
        line.remove_prefix(std::min(line.size(), path.raw.size() + 1));
        out.push_back({path.value, std::string(line.substr(0, line.find(',')))});
    }
    return out;
}

std::string path_in_prefix(const RecordLine& row, const std::string& site_packages) {
    return (std::filesystem::path(site_packages) / row.path).lexically_normal().string();
}

std::string updated_record(const std::string& text, const std::string& site_packages,
                           const std::function<RecordState(const std::string& path)>& state) {
    std::string out;
    bool changed = false;
    for (std::string_view line : split_lines(text)) {
        if (line.empty()) continue;
        Field field = first_field(line);
        std::string path = path_in_prefix({field.value, ""}, site_packages);
        bool outside = path.starts_with("../") || path.starts_with('/');
        RecordState is = outside ? RecordState::missing : state(path);
        bool bytecode = path.ends_with(".pyc") && !outside;
        if (is == RecordState::missing && !bytecode) {
            changed = true;
            continue;
        }
        if (is == RecordState::relocated && line.substr(field.raw.size()) != ",,") {
            changed = true;
            out += fmt::format("{},,\n", field.raw);
        } else {
            out += fmt::format("{}\n", line);
        }
    }
    return changed ? out : text;
}

} // namespace tinderbox::capture
