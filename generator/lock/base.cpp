#include "generator/lock/base.hpp"

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/download.hpp"
#include "generator/pip/options.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::lock {
namespace {

using nlohmann::json;

constexpr int base_table_version = 1;

// The table is part of this program, so that a mistake in it is of kind bug.
Result<std::vector<LockedBase>> rows_of(std::string_view table, const std::string& kind, const std::string& platform) {
    json root = json::parse(table, nullptr, false);
    if (!root.is_object() || root.value("version", 0) != base_table_version || !root.contains("bases"))
        return make_error(ErrorKind::bug, "templates/bases.json is not of version {}", base_table_version);
    std::vector<LockedBase> out;
    for (const json& row : root["bases"]) {
        if (row.value("kind", "") != kind || row.value("platform", "") != platform) continue;
        LockedBase base;
        base.kind = kind;
        base.version = row.value("version", "");
        base.url = base.source = row.value("url", "");
        base.file_name = fs::path(base.url).filename().string();
        base.sha256 = row.value("sha256", "");
        base.size = row.value("size", std::uint64_t{0});
        if (!is_url(base.url) || !sha256_from_hex(base.sha256))
            return make_error(ErrorKind::bug, "templates/bases.json: {} {} has no URL or no SHA-256", kind,
                              base.version);
        out.push_back(std::move(base));
    }
    return out;
}

Result<LockedBase> row_for(const std::string& kind, const std::string& version, const std::string& platform,
                           std::string_view table) {
    TRY_ASSIGN(auto rows, rows_of(table, kind, platform));
    std::string versions;
    for (const LockedBase& row : rows) {
        if (version.empty() || row.version == version) return row;
        versions += (versions.empty() ? "" : ", ") + row.version;
    }
    if (rows.empty())
        return make_error(
            ErrorKind::usage,
            "--base {}: no version of it is known for {}; give the .sh itself: --base PATH.sh or --base URL", kind,
            platform);
    return make_error(ErrorKind::usage,
                      "--base {}={}: known for {} are {}; or give the .sh itself: --base PATH.sh or --base URL", kind,
                      version, platform, versions);
}

} // namespace

std::string base_kind(std::string_view name) {
    std::string lower = to_lower(name);
    for (const char* kind : {"miniconda", "miniforge"})
        if (lower.starts_with(kind)) return kind;
    return "installer";
}

Result<std::optional<LockedBase>> lock_base(const std::string& text, const std::string& platform,
                                            std::string_view table) {
    if (text.empty() || text == "none") return std::optional<LockedBase>();
    auto equals = text.find('=');
    std::string name = text.substr(0, equals);
    if (name == "miniconda" || name == "miniforge") {
        TRY_ASSIGN(LockedBase row,
                   row_for(name, equals == std::string::npos ? "" : text.substr(equals + 1), platform, table));
        return std::optional(std::move(row));
    }
    LockedBase base;
    base.kind = "installer";
    if (is_url(text) && !text.starts_with("file:")) {
        base.source = text;
        base.url = locate(text).url;
        base.file_name = percent_decode(fetch::Url::parse(text).path);
    } else {
        std::error_code ec;
        fs::path path = fs::absolute(text.starts_with("file:") ? file_url_to_path(text) : text, ec).lexically_normal();
        if (!fs::is_regular_file(path, ec))
            return make_error(ErrorKind::usage,
                              "--base {}: it is no file, and no name that is known; write miniconda[=VERSION], "
                              "miniforge[=VERSION], none, or the path or URL of an installer's .sh",
                              pip::printable(text));
        base.source = base.file_name = path.string();
        base.url = locate(base.source).url;
    }
    base.file_name = fs::path(base.file_name).filename().string();
    if (base.file_name.empty() || base.file_name == "." || base.file_name == "..")
        return make_error(ErrorKind::usage, "--base {}: the URL does not end in a file's name",
                          without_credentials(text));
    return std::optional(std::move(base));
}

} // namespace tinderbox::lock
