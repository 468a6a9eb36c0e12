#include "generator/lock/lock.hpp"

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox {
namespace {

using nlohmann::json;

std::vector<std::string> cleaned(const std::vector<std::string>& urls) {
    std::vector<std::string> out;
    for (const std::string& url : urls) out.push_back(without_credentials(url));
    return out;
}

json artifact_json(const LockedArtifact& artifact) {
    json out = {{"kind", artifact.kind},
                {"name", artifact.name},
                {"version", artifact.version},
                {"url", without_credentials(artifact.url)},
                {"file_name", artifact.file_name}};
    auto set = [&](const char* key, const std::string& value) {
        if (!value.empty()) out[key] = value;
    };
    set("build", artifact.build);
    set("sha256", artifact.sha256);
    set("md5", artifact.md5);
    set("requirement", artifact.requirement);
    set("channel", without_credentials(artifact.channel));
    set("index", without_credentials(artifact.index));
    set("direct_url", without_credentials(artifact.direct_url));
    if (artifact.size > 0) out["size"] = artifact.size;
    if (artifact.requested) out["requested"] = true;
    if (!artifact.extras.empty()) out["extras"] = artifact.extras;
    if (const auto& from = artifact.built_from)
        out["built_from"] = {{"url", without_credentials(from->url)},
                             {"file_name", from->file_name},
                             {"sha256", from->sha256},
                             {"size", from->size}};
    return out;
}

json base_json(const LockedBase& base) {
    json out = {{"kind", base.kind},
                {"version", base.version},
                {"url", without_credentials(base.url)},
                {"file_name", base.file_name}};
    if (!base.sha256.empty()) out["sha256"] = base.sha256;
    if (base.size > 0) out["size"] = base.size;
    return out;
}

// Reads fields with checked types; the first mistake is kept.
class Fields {
  public:
    Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

    void text(const char* key, std::string& out, bool required = false) {
        if (const json* value = get(key, required)) {
            if (value->is_string()) out = value->get<std::string>();
            else wrong(key, "a string");
        }
    }
    void texts(const char* key, std::vector<std::string>& out) {
        const json* value = get(key, false);
        if (!value) return;
        bool good = value->is_array();
        if (good)
            for (const json& one : *value) good = good && one.is_string();
        if (good) out = value->get<std::vector<std::string>>();
        else wrong(key, "a list of strings");
    }
    template <class Integer> void integer(const char* key, Integer& out) {
        const json* value = get(key, false);
        if (!value) return;
        bool good = std::is_signed_v<Integer> ? value->is_number_integer() : value->is_number_unsigned();
        if (good) out = value->get<Integer>();
        else wrong(key, "a whole number");
    }
    void flag(const char* key, bool& out) {
        const json* value = get(key, false);
        if (!value) return;
        if (value->is_boolean()) out = value->get<bool>();
        else wrong(key, "true or false");
    }
    void text_map(const char* key, const char* what, std::map<std::string, std::string>& to) {
        auto found = object_.find(key);
        if (found == object_.end()) return;
        if (!found->is_object()) return fail(fmt::format("'{}' is not an object", key));
        for (const auto& [name, value] : found->items()) {
            if (value.is_string()) to[name] = value.get<std::string>();
            else fail(fmt::format("the {} '{}' is not a string", what, name));
        }
    }
    void fail(std::string text) {
        if (!error_) error_ = make_error(ErrorKind::usage, "{}: {}; make the lock again", where_, text);
    }
    Status status() const {
        if (error_) return *error_;
        return {};
    }

  private:
    const json* get(const char* key, bool required) {
        auto found = object_.find(key);
        if (found != object_.end()) return &*found;
        if (required) fail(fmt::format("it lacks '{}'", key));
        return nullptr;
    }
    void wrong(const char* key, const char* what) { fail(fmt::format("'{}' is not {}", key, what)); }

    const json& object_;
    std::string where_;
    std::optional<Error> error_;
};

bool is_hex(const std::string& text, std::size_t digits) {
    return text.empty() || (text.size() == digits && from_hex(text).has_value());
}

// It becomes a name in the cache.
bool is_file_name(const std::string& name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
           name.find('\0') == std::string::npos;
}

Result<LockedBase> base_from_json(const json& row, const std::string& where) {
    if (!row.is_object()) return make_error(ErrorKind::usage, "{}: it is not an object; make the lock again", where);
    LockedBase out;
    Fields fields(row, where);
    fields.text("kind", out.kind, true);
    fields.text("version", out.version, true);
    fields.text("url", out.url, true);
    fields.text("file_name", out.file_name, true);
    fields.text("sha256", out.sha256);
    fields.integer("size", out.size);
    TRY(fields.status());
    if (!is_url(out.url))
        fields.fail(fmt::format("'{}' is not an http, https or file URL", without_credentials(out.url)));
    if (!is_hex(out.sha256, 64)) fields.fail("'sha256' is not 64 hexadecimal digits");
    if (!is_file_name(out.file_name)) fields.fail(fmt::format("'{}' is no file name", out.file_name));
    TRY(fields.status());
    out.sha256 = to_lower(out.sha256);
    out.source = out.url.starts_with("file:") ? file_url_to_path(out.url) : out.url;
    return out;
}

Result<BuiltFrom> built_from_json(const json& row, const std::string& where) {
    if (!row.is_object()) return make_error(ErrorKind::usage, "{}: it is not an object; make the lock again", where);
    BuiltFrom out;
    Fields fields(row, where);
    fields.text("url", out.url, true);
    fields.text("file_name", out.file_name, true);
    fields.text("sha256", out.sha256, true);
    fields.integer("size", out.size);
    TRY(fields.status());
    if (!is_url(out.url))
        fields.fail(fmt::format("'{}' is not an http, https or file URL", without_credentials(out.url)));
    if (out.sha256.empty() || !is_hex(out.sha256, 64)) fields.fail("'sha256' is not 64 hexadecimal digits");
    if (!is_file_name(out.file_name)) fields.fail(fmt::format("'{}' is no file name", out.file_name));
    TRY(fields.status());
    out.sha256 = to_lower(out.sha256);
    out.source = out.url.starts_with("file:") ? file_url_to_path(out.url) : out.url;
    return out;
}

Result<std::vector<LockedInclude>> includes_from_json(const json& rows, const std::string& where) {
    if (!rows.is_array()) return make_error(ErrorKind::usage, "{}: it is not a list; make the lock again", where);
    std::vector<LockedInclude> out;
    for (const json& row : rows) {
        if (!row.is_object())
            return make_error(ErrorKind::usage, "{}: it does not hold objects; make the lock again", where);
        LockedInclude include;
        Fields fields(row, where);
        fields.text("path", include.path, true);
        fields.text("destination", include.destination, true);
        fields.text("sha256", include.sha256, true);
        fields.flag("in_prefix", include.in_prefix);
        TRY(fields.status());
        if (auto safe = safe_relative_path(include.destination); safe.ok())
            include.destination = std::move(safe).value();
        else fields.fail(fmt::format("'{}': {}", include.destination, safe.error().message));
        if (!is_hex(include.sha256, 64)) fields.fail("'sha256' is not 64 hexadecimal digits");
        TRY(fields.status());
        include.sha256 = to_lower(include.sha256);
        out.push_back(std::move(include));
    }
    return out;
}

Result<std::optional<LockedText>> text_from_json(const json& installer, const char* key, const std::string& where) {
    auto row = installer.find(key);
    if (row == installer.end()) return std::optional<LockedText>();
    const std::string inner = fmt::format("{}.{}", where, key);
    if (!row->is_object()) return make_error(ErrorKind::usage, "{}: it is not an object; make the lock again", inner);
    LockedText out;
    Fields fields(*row, inner);
    fields.text("path", out.path, true);
    fields.text("sha256", out.sha256, true);
    if (!is_hex(out.sha256, 64)) fields.fail("'sha256' is not 64 hexadecimal digits");
    TRY(fields.status());
    out.sha256 = to_lower(out.sha256);
    return std::optional(std::move(out));
}

Result<LockedInstaller> installer_from_json(const json& row, const std::string& where) {
    if (!row.is_object()) return make_error(ErrorKind::usage, "{}: it is not an object; make the lock again", where);
    LockedInstaller out;
    Fields fields(row, where);
    fields.text("version", out.version, true);
    fields.text_map("variables", "variable", out.variables);
    TRY(fields.status());
    TRY_ASSIGN(out.pre_install, text_from_json(row, "pre_install", where));
    TRY_ASSIGN(out.post_install, text_from_json(row, "post_install", where));
    TRY_ASSIGN(out.license, text_from_json(row, "license_file", where));
    return out;
}

json installer_json(const LockedInstaller& installer) {
    json out = {{"version", installer.version}};
    for (const auto& [key, text] :
         {std::pair("pre_install", &installer.pre_install), std::pair("post_install", &installer.post_install),
          std::pair("license_file", &installer.license)})
        if (*text) out[key] = {{"path", (*text)->path}, {"sha256", (*text)->sha256}};
    if (!installer.variables.empty()) out["variables"] = installer.variables;
    return out;
}

Result<LockedArtifact> artifact_from_json(const json& row, const std::string& where) {
    if (!row.is_object()) return make_error(ErrorKind::usage, "{}: it is not an object; make the lock again", where);
    LockedArtifact out;
    Fields fields(row, where);
    fields.text("kind", out.kind, true);
    fields.text("name", out.name, true);
    fields.text("version", out.version, true);
    fields.text("url", out.url, true);
    fields.text("file_name", out.file_name, true);
    fields.text("build", out.build);
    fields.text("sha256", out.sha256);
    fields.text("md5", out.md5);
    fields.text("requirement", out.requirement);
    fields.text("channel", out.channel);
    fields.text("index", out.index);
    fields.text("direct_url", out.direct_url);
    fields.texts("extras", out.extras);
    fields.integer("size", out.size);
    fields.flag("requested", out.requested);
    TRY(fields.status());
    if (out.kind != "wheel" && out.kind != "conda")
        fields.fail(fmt::format("the kind '{}' is neither 'wheel' nor 'conda'", out.kind));
    if (!is_url(out.url))
        fields.fail(fmt::format("'{}' is not an http, https or file URL", without_credentials(out.url)));
    if (!is_hex(out.sha256, 64)) fields.fail("'sha256' is not 64 hexadecimal digits");
    if (!is_hex(out.md5, 32)) fields.fail("'md5' is not 32 hexadecimal digits");
    if (!is_file_name(out.file_name)) fields.fail(fmt::format("'{}' is no file name", out.file_name));
    TRY(fields.status());
    out.sha256 = to_lower(out.sha256);
    out.md5 = to_lower(out.md5);
    out.source = out.url.starts_with("file:") ? file_url_to_path(out.url) : out.url;
    if (auto from = row.find("built_from"); from != row.end()) {
        TRY_ASSIGN(out.built_from, built_from_json(*from, where + ".built_from"));
    }
    return out;
}

} // namespace

PackageInfo package_of(const LockedArtifact& artifact) {
    PackageInfo out;
    out.kind = artifact.kind;
    out.name = artifact.name;
    out.version = artifact.version;
    out.build = artifact.build;
    out.url = without_credentials(artifact.url);
    out.file_name = artifact.file_name;
    out.sha256 = artifact.sha256;
    out.md5 = artifact.md5;
    out.size = artifact.size;
    out.requested = artifact.requested;
    out.requirement = artifact.requirement;
    return out;
}

json to_json(const Lock& lock) {
    json out = {{"tinderbox_lock", lock_version},
                {"name", lock.name},
                {"platform", lock.platform},
                {"target_glibc", lock.target_glibc},
                {"bytecode", lock.bytecode},
                {"source_mtime", lock.source_mtime},
                {"channels", cleaned(lock.channels)},
                {"indexes", cleaned(lock.indexes)},
                {"insecure_hosts", lock.insecure_hosts},
                {"request", lock.request},
                {"variables", lock.variables},
                {"artifacts", json::array()}};
    if (lock.captured) {
        out["captured"] = {{"kind", lock.captured->kind}, {"path", lock.captured->path}};
        if (!lock.captured->sha256.empty()) out["captured"]["sha256"] = lock.captured->sha256;
    }
    if (!lock.virtuals.empty()) out["virtual"] = lock.virtuals;
    if (lock.base) out["base"] = base_json(*lock.base);
    for (const LockedSource& source : lock.sources)
        out["sources"].push_back({{"path", source.path}, {"sha256", source.sha256}});
    for (const LockedInclude& include : lock.includes) {
        out["includes"].push_back(
            {{"path", include.path}, {"destination", include.destination}, {"sha256", include.sha256}});
        if (include.in_prefix) out["includes"].back()["in_prefix"] = true;
    }
    if (lock.installer) out["installer"] = installer_json(*lock.installer);
    for (const LockedArtifact& artifact : lock.artifacts) out["artifacts"].push_back(artifact_json(artifact));
    return out;
}

std::string lock_text(const Lock& lock) {
    return to_json(lock).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Lock> lock_from_json(const json& root, const std::string& file_name) {
    if (!root.is_object() || !root.contains("tinderbox_lock") || !root["tinderbox_lock"].is_number_integer())
        return make_error(ErrorKind::usage,
                          "{}: it is not a lock (it has no number 'tinderbox_lock'); make one with "
                          "'tinderbox lock'",
                          file_name);
    auto version = root["tinderbox_lock"].get<std::int64_t>();
    if (version != lock_version)
        return make_error(ErrorKind::usage, "{}: its lock version is {}, and this Tinderbox reads version {}; {}",
                          file_name, version, lock_version,
                          version > lock_version ? "update Tinderbox" : "make the lock again");
    Lock out;
    Fields fields(root, file_name);
    fields.text("name", out.name, true);
    fields.text("platform", out.platform, true);
    fields.text("target_glibc", out.target_glibc);
    fields.text("bytecode", out.bytecode);
    fields.integer("source_mtime", out.source_mtime);
    fields.texts("channels", out.channels);
    fields.texts("indexes", out.indexes);
    fields.texts("insecure_hosts", out.insecure_hosts);
    fields.texts("request", out.request);
    fields.text_map("variables", "variable", out.variables);
    fields.text_map("virtual", "virtual package", out.virtuals);
    if (auto captured = root.find("captured"); captured != root.end()) {
        CapturedSource source;
        Fields inner(*captured, file_name + ":captured");
        if (!captured->is_object()) return make_error(ErrorKind::usage, "{}: 'captured' is not an object", file_name);
        inner.text("kind", source.kind, true);
        inner.text("path", source.path, true);
        inner.text("sha256", source.sha256);
        TRY(inner.status());
        out.captured = std::move(source);
    }
    if (auto base = root.find("base"); base != root.end()) {
        TRY_ASSIGN(out.base, base_from_json(*base, file_name + ":base"));
    }
    if (auto sources = root.find("sources"); sources != root.end()) {
        if (!sources->is_array())
            return make_error(ErrorKind::usage, "{}: 'sources' is not a list; make the lock again", file_name);
        for (const json& row : *sources) {
            LockedSource source;
            Fields inner(row, file_name + ":sources");
            if (!row.is_object())
                return make_error(ErrorKind::usage, "{}:sources: an entry is not an object; make the lock again",
                                  file_name);
            inner.text("path", source.path, true);
            inner.text("sha256", source.sha256, true);
            TRY(inner.status());
            out.sources.push_back(std::move(source));
        }
    }
    if (auto includes = root.find("includes"); includes != root.end()) {
        TRY_ASSIGN(out.includes, includes_from_json(*includes, file_name + ":includes"));
    }
    if (auto installer = root.find("installer"); installer != root.end()) {
        TRY_ASSIGN(out.installer, installer_from_json(*installer, file_name + ":installer"));
    }
    auto artifacts = root.find("artifacts");
    if (artifacts == root.end() || !artifacts->is_array()) fields.fail("it lacks the list 'artifacts'");
    TRY(fields.status());
    for (std::size_t i = 0; i < artifacts->size(); ++i) {
        TRY_ASSIGN(LockedArtifact artifact,
                   artifact_from_json((*artifacts)[i], fmt::format("{}:artifacts[{}]", file_name, i)));
        out.artifacts.push_back(std::move(artifact));
    }
    return out;
}

Result<Lock> read_lock(const std::string& path) {
    auto text = read_text(path, 256u << 20);
    if (!text) return make_error(ErrorKind::usage, "{}", text.error().message);
    try {
        return lock_from_json(json::parse(*text), path);
    } catch (const json::parse_error& e) {
        auto line =
            1 + std::count(text->begin(),
                           text->begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(e.byte, text->size())),
                           '\n');
        return make_error(ErrorKind::usage, "{}:{}: it is not valid JSON; make the lock again", path, line);
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not a lock: {}", path, e.what());
    }
}

json inspect_json(const Lock& lock) {
    json out = {{"kind", "tinderbox lock"},
                {"version", lock_version},
                {"platforms", json::array({lock.platform})},
                {"packages", json::array()}};
    for (const LockedArtifact& artifact : lock.artifacts)
        out["packages"].push_back({{"kind", artifact.kind == "wheel" ? "pypi" : artifact.kind},
                                   {"name", artifact.name},
                                   {"version", artifact.version},
                                   {"build", artifact.build},
                                   {"url", without_credentials(artifact.url)},
                                   {"sha256", artifact.sha256},
                                   {"md5", artifact.md5},
                                   {"platform", lock.platform}});
    return out;
}

} // namespace tinderbox
