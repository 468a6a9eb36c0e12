#include "generator/capture/distributions.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/utf8.hpp"
#include "common/format/json_read.hpp"
#include "generator/capture/compare_records.hpp"
#include "generator/capture/record.hpp"
#include "generator/parcel/artifact.hpp"
#include "generator/parcel/universal.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::capture {

using nlohmann::json;

namespace {

class Describer {
  public:
    Describer(const std::string& site_packages, FileSelection& selection)
        : site_(site_packages + "/"), selection_(selection) {}

    Status run() {
        json& list = selection_.metadata["distributions"] = json::array();
        if (!selection_.metadata.contains("licenses")) selection_.metadata["licenses"] = json::array();
        for (auto& [path, item] : selection_.items) {
            if (item.kind != format::EntryKind::file || !path.starts_with(site_)) continue;
            std::string inside = path.substr(site_.size());
            auto slash = inside.find('/');
            if (slash == std::string::npos) {
                TRY(top_level(inside, item, list));
                continue;
            }
            std::string directory = inside.substr(0, slash), file = inside.substr(slash + 1);
            bool dist_info = directory.ends_with(".dist-info");
            if (!dist_info && !directory.ends_with(".egg-info")) continue;
            if (file == (dist_info ? "METADATA" : "PKG-INFO")) TRY(add_distribution(site_ + directory, item, list));
            else if (dist_info && file == "RECORD") TRY(add_record(item));
            else if (dist_info && file == "WHEEL") TRY(add_tags(site_ + directory, item));
            else if (dist_info && file == "direct_url.json") TRY(direct_url(item));
            else if (dist_info && file == "REQUESTED") set_requested(site_ + directory, list);
            else if (is_license(file)) add_license(directory, file, item);
        }
        return {};
    }

  private:
    Status top_level(const std::string& name, Item& item, json& list) {
        if (name.ends_with(".egg-info")) return add_distribution(item.path, item, list); // a file: distutils'
        if (name.ends_with(".pth")) return path_file(item);
        return {};
    }

    Status add_distribution(const std::string& directory, const Item& item, json& list) {
        TRY_ASSIGN(std::string text, read_text(item.source, largest_core_metadata));
        json found = read_core_metadata(text);
        if (found["name"].get<std::string>().empty()) return {};
        found["path"] = is_valid_utf8(directory) ? directory : "";
        list.push_back(std::move(found));
        return {};
    }

    Status add_record(const Item& item) {
        const std::string site = site_.substr(0, site_.size() - 1);
        selection_.records[item.path] = site;
        TRY_ASSIGN(const std::string text, read_text(item.source, largest_record));
        note_record(text, item.path, item.source.parent_path().parent_path(), site, selection_);
        return {};
    }

    Status add_tags(const std::string& directory, const Item& item) {
        TRY_ASSIGN(const std::string text, read_text(item.source, largest_core_metadata));
        std::vector<std::string> tags;
        for (std::string_view line : split_lines(text))
            if (line.starts_with("Tag:")) tags.emplace_back(trim(line.substr(4)));
        if (parcel::fits_every_platform(tags)) selection_.universal.insert(directory + "/RECORD");
        return {};
    }

    // PEP 376: somebody asked for it. METADATA comes before REQUESTED.
    static void set_requested(const std::string& directory, json& list) {
        for (json& distribution : list)
            if (distribution["path"] == directory) distribution["requested"] = true;
    }

    // Lines of a .pth that name directories (the others begin with "import") and lie outside every old prefix.
    Status path_file(const Item& item) {
        std::string text = item.content.value_or("");
        if (!item.content) {
            TRY_ASSIGN(text, read_text(item.source, 64u << 20));
        }
        for (std::string_view raw : split_lines(text)) {
            std::string_view line = trim(raw);
            if (line.empty() || line.starts_with('#') || line.starts_with("import ") || line.starts_with("import\t"))
                continue;
            bool inside = false;
            if (line.starts_with('/')) {
                for (const Spelling& s : selection_.rules.spellings)
                    inside |= !s.shared && line.starts_with(s.text) && prefix_ends_at(line, s.text.size());
            } else {
                inside = !(fs::path(site_) / line).lexically_normal().string().starts_with("..");
            }
            if (!inside) {
                selection_.not_relocatable.push_back({item.path, "adds a directory outside the prefix to sys.path"});
                break;
            }
        }
        return {};
    }

    static Status direct_url(Item& item) {
        TRY_ASSIGN(std::string text, read_text(item.source, 1u << 20));
        json parsed = is_affordable_json(text) ? json::parse(text, nullptr, false) : json();
        if (!parsed.is_object()) return {};
        std::string url = format::text_field(parsed, "url");
        // PEP 610 lets environment variables stand for credentials; anything else must not travel.
        if (auto at = url.find('@');
            at != std::string::npos && url.find("://") < at && at < url.find('/', url.find("://") + 3)) {
            std::string clean = url.substr(0, url.find("://") + 3) + url.substr(at + 1);
            item.content = replace_all(text, url, clean);
        }
        return {};
    }

    static bool is_license(const std::string& file) {
        if (file.starts_with("licenses/") || file.starts_with("license_files/")) return true;
        if (file.find('/') != std::string::npos) return false;
        std::string name = to_lower(file);
        return name.starts_with("license") || name.starts_with("licence") || name.starts_with("copying") ||
               name.starts_with("notice");
    }

    void add_license(const std::string& directory, const std::string& file, const Item& item) {
        auto text = read_text(item.source, parcel::license_limit);
        if (text.ok() && is_valid_utf8(*text) && is_valid_utf8(item.path))
            selection_.metadata["licenses"].push_back({{"name", directory + "/" + file}, {"text", *text}});
    }

    std::string site_;
    FileSelection& selection_;
};

} // namespace

json read_core_metadata(std::string_view text) {
    std::string name, version, license, expression, classifier;
    for (std::string_view line : split_lines(text)) {
        if (line.empty()) break;
        auto colon = line.find(": ");
        if (colon == std::string_view::npos || line.front() == ' ') continue;
        std::string_view key = line.substr(0, colon);
        std::string value(trim(line.substr(colon + 2)));
        if (key == "Name") name = value;
        else if (key == "Version") version = value;
        else if (key == "License-Expression") expression = value;
        else if (key == "License" && value != "UNKNOWN" && value.size() < 200) license = value;
        else if (key == "Classifier" && value.starts_with("License ::"))
            classifier = value.substr(value.rfind(": ") + 2);
    }
    if (!expression.empty()) license = expression;
    if (license.empty()) license = classifier;
    auto valid = [](const std::string& s) { return is_valid_utf8(s) ? s : std::string(); };
    return {{"name", valid(name)}, {"version", valid(version)}, {"license", valid(license)}};
}

Status describe_distributions(const std::string& site_packages, FileSelection& selection) {
    return Describer(site_packages, selection).run();
}

Status describe_conda(FileSelection& selection) {
    json& list = selection.metadata["conda_packages"] = json::array();
    for (auto& [path, item] : selection.items) {
        if (!path.starts_with("conda-meta/") || !path.ends_with(".json") || item.kind != format::EntryKind::file)
            continue;
        TRY_ASSIGN(std::string text, read_text(item.source, 256u << 20));
        json record = is_affordable_json(text) ? json::parse(text, nullptr, false) : json();
        if (!record.is_object() || format::text_field(record, "name").empty()) continue;
        for (const char* field : {"url", "channel", "schannel", "package_tarball_full_path"}) {
            std::string url = format::text_field(record, field), clean = without_credentials(url);
            if (url.find("://") == std::string::npos || clean == url) continue;
            if (!item.content) item.content = text;
            item.content = replace_all(*item.content, url, clean);
        }
        list.push_back({{"name", format::text_field(record, "name")},
                        {"version", format::text_field(record, "version")},
                        {"build", format::text_field(record, "build")},
                        {"channel", without_credentials(format::text_field(record, "channel"))},
                        {"license", format::text_field(record, "license")}});
        if (!format::text_field(record, "requested_spec").empty()) list.back()["requested"] = true;
        if (format::text_field(record, "subdir") == "noarch") selection.universal.insert(path);
        note_conda_record(record, path, item.source.parent_path().parent_path(), selection);
        auto data = record.find("paths_data");
        if (data == record.end() || !data->is_object() || !data->contains("paths") || !(*data)["paths"].is_array())
            continue;
        for (const json& file : (*data)["paths"]) {
            if (!file.is_object() || format::text_field(file, "prefix_placeholder").empty()) continue;
            auto found = selection.items.find(format::text_field(file, "_path"));
            if (found == selection.items.end()) continue;
            found->second.hint = ConversionHint{
                format::text_field(file, "prefix_placeholder"), format::text_field(file, "sha256"),
                format::text_field(file, "file_mode") == "binary", format::text_field(file, "sha256_in_prefix")};
        }
    }
    return {};
}

} // namespace tinderbox::capture
