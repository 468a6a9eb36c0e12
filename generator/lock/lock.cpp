#include "generator/lock/lock.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/visible.hpp"
#include "common/format/entry.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/lock/download.hpp"
#include "generator/lock/lock_fields.hpp"
#include "generator/spec/spec_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::lock {
namespace {

using nlohmann::json;

std::vector<std::string> cleaned(const std::vector<std::string>& urls) {
    std::vector<std::string> out;
    for (const std::string& url : urls) out.push_back(without_credentials(url));
    return out;
}

json artifact_json(const LockedArtifact& artifact) {
    json out = {{"kind", parcel::artifact_kind_name(artifact.kind)},
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
    if (!artifact.hashes.empty()) out["hashes"] = artifact.hashes;
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

// The members of every file that is fetched.
template <class Locked> void read_file(LockFields& fields, Locked& out) {
    fields.url("url", out.url);
    fields.file_name("file_name", out.file_name);
    fields.digest("sha256", out.sha256, 64);
    fields.integer("size", out.size);
    if (fields.status().ok()) out.source = locate(out.url).source;
}

Result<LockedBase> base_from_json(const json& row, const std::string& where) {
    LockedBase out;
    LockFields fields(row, where);
    fields.text("kind", out.kind, true);
    fields.text("version", out.version, true);
    read_file(fields, out);
    TRY(fields.status());
    return out;
}

Result<BuiltFrom> built_from_json(const json& row, const std::string& where) {
    BuiltFrom out;
    LockFields fields(row, where);
    read_file(fields, out);
    if (out.sha256.empty()) fields.fail("'sha256' is not 64 hexadecimal digits");
    TRY(fields.status());
    return out;
}

Result<CapturedSource> captured_from_json(const json& row, const std::string& where) {
    CapturedSource out;
    LockFields fields(row, where);
    fields.text("kind", out.kind, true);
    fields.text("path", out.path, true);
    fields.text("sha256", out.sha256);
    TRY(fields.status());
    return out;
}

Result<LockedSource> source_from_json(const json& row, const std::string& where) {
    LockedSource out;
    LockFields fields(row, where);
    fields.text("path", out.path, true);
    fields.text("sha256", out.sha256, true);
    TRY(fields.status());
    return out;
}

Result<LockedInclude> include_from_json(const json& row, const std::string& where) {
    LockedInclude out;
    LockFields fields(row, where);
    fields.text("path", out.path, true);
    fields.text("destination", out.destination, true);
    fields.digest("sha256", out.sha256, 64, true);
    fields.flag("in_prefix", out.in_prefix);
    if (auto safe = safe_relative_path(out.destination); safe.ok()) out.destination = std::move(safe).value();
    else fields.fail(fmt::format("'{}': {}", out.destination, safe.error().message));
    if (Status good = format::check_path(format::Root::env, out.destination); out.in_prefix && !good.ok())
        fields.fail(fmt::format("'{}': {}", out.destination, good.error().message));
    TRY(fields.status());
    return out;
}

Result<std::optional<LockedText>> text_from_json(const json& installer, const char* key, const std::string& where) {
    auto row = installer.find(key);
    if (row == installer.end()) return std::optional<LockedText>();
    LockedText out;
    LockFields fields(*row, fmt::format("{}.{}", where, key));
    fields.text("path", out.path, true);
    fields.digest("sha256", out.sha256, 64, true);
    TRY(fields.status());
    return std::optional(std::move(out));
}

Result<LockedInstaller> installer_from_json(const json& row, const std::string& where) {
    LockedInstaller out;
    LockFields fields(row, where);
    fields.text("version", out.version, true);
    fields.variables("variables", out.variables, true);
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
    LockedArtifact out;
    LockFields fields(row, where);
    std::string kind;
    fields.text("kind", kind, true);
    fields.text("name", out.name, true);
    fields.text("version", out.version, true);
    read_file(fields, out);
    fields.text("build", out.build);
    fields.digest("md5", out.md5, 32);
    fields.text("requirement", out.requirement);
    fields.text("channel", out.channel);
    fields.text("index", out.index);
    fields.text("direct_url", out.direct_url);
    fields.texts("extras", out.extras);
    fields.texts("hashes", out.hashes);
    for (const std::string& hash : out.hashes)
        if (Status good = fetch::check_hash(hash); !good.ok()) fields.fail(good.error().message);
    fields.flag("requested", out.requested);
    out.kind = parcel::artifact_kind(kind);
    if (out.kind != parcel::ArtifactKind::wheel && out.kind != parcel::ArtifactKind::conda)
        fields.fail(fmt::format("the kind '{}' is neither 'wheel' nor 'conda'", kind));
    TRY(fields.status());
    TRY(check_texts(out).in(where));
    if (auto from = row.find("built_from"); from != row.end()) {
        TRY_ASSIGN(out.built_from, built_from_json(*from, where + ".built_from"));
    }
    return out;
}

// The rows of the list that `root` may have under `key`.
template <class Row>
Status read_rows(const json& root, const char* key, const std::string& where,
                 Result<Row> (*read)(const json&, const std::string&), std::vector<Row>& out) {
    auto rows = root.find(key);
    if (rows == root.end()) return {};
    if (!rows->is_array())
        return make_error(ErrorKind::usage, "{}: '{}' is not a list; make the lock again", where, key);
    for (std::size_t i = 0; i < rows->size(); ++i) {
        TRY_ASSIGN(Row row, read((*rows)[i], fmt::format("{}:{}[{}]", where, key, i)));
        out.push_back(std::move(row));
    }
    return {};
}

} // namespace

Status check_texts(const LockedArtifact& artifact) {
    auto has_control = [](const std::string& text, unsigned char last) {
        return std::ranges::any_of(text, [&](unsigned char c) { return c <= last || c == 0x7f; });
    };
    const std::string& file = artifact.file_name;
    if (const auto safe = safe_relative_path(file); !safe.ok() || *safe != file || file.find('/') != std::string::npos)
        return make_error(ErrorKind::usage, "'{}' is no file name", visible(file.substr(0, 200)));
    for (const std::string* url : {&artifact.url, &artifact.direct_url})
        if (has_control(*url, ' '))
            return make_error(ErrorKind::usage, "'{}' is no URL: it has a blank or a control character",
                              visible(without_credentials(url->substr(0, 200))));
    // The last two may be directories.
    for (const std::string* text :
         {&artifact.name, &artifact.version, &artifact.build, &artifact.index, &artifact.channel})
        if (has_control(*text, 0x1f))
            return make_error(ErrorKind::usage, "'{}' has a control character", visible(text->substr(0, 200)));
    return {};
}

std::string_view to_string(Bytecode mode) { return mode == Bytecode::build ? "build" : "install"; }

std::optional<Bytecode> parse_bytecode(std::string_view text) {
    for (Bytecode mode : {Bytecode::build, Bytecode::install})
        if (text == to_string(mode)) return mode;
    return std::nullopt;
}

void insert_wheel(LockedArtifact wheel, std::vector<LockedArtifact>& artifacts) {
    const auto at = std::ranges::find_if(artifacts, [&](const LockedArtifact& other) {
        return other.kind == parcel::ArtifactKind::wheel && other.name > wheel.name;
    });
    artifacts.insert(at, std::move(wheel));
}

std::vector<LockedArtifact> conda_packages(const Lock& lock) {
    std::vector<LockedArtifact> out;
    std::ranges::copy_if(lock.artifacts, std::back_inserter(out),
                         [](const LockedArtifact& artifact) { return artifact.kind == parcel::ArtifactKind::conda; });
    return out;
}

format::PackageInfo package_of(const LockedArtifact& artifact) {
    format::PackageInfo out;
    out.kind = parcel::artifact_kind_name(artifact.kind);
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
                {"bytecode", to_string(lock.bytecode)},
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

std::string lock_text(const Lock& lock) { return format::canonical_json(to_json(lock)); }

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
    LockFields fields(root, file_name);
    fields.text("name", out.name, true);
    if (Status good = check_environment_name(out.name); !out.name.empty() && !good.ok())
        fields.fail(good.error().message);
    fields.text("platform", out.platform, true);
    fields.text("target_glibc", out.target_glibc);
    std::string bytecode(to_string(out.bytecode));
    fields.text("bytecode", bytecode);
    if (auto mode = parse_bytecode(bytecode)) out.bytecode = *mode;
    else fields.fail(fmt::format("'bytecode' is neither 'build' nor 'install': '{}'", bytecode));
    fields.integer("source_mtime", out.source_mtime);
    fields.texts("channels", out.channels);
    fields.texts("indexes", out.indexes);
    fields.texts("insecure_hosts", out.insecure_hosts);
    fields.texts("request", out.request);
    fields.variables("variables", out.variables);
    fields.text_map("virtual", "virtual package", out.virtuals);
    if (auto rows = root.find("artifacts"); rows == root.end() || !rows->is_array())
        fields.fail("it lacks the list 'artifacts'");
    TRY(fields.status());
    if (auto captured = root.find("captured"); captured != root.end()) {
        TRY_ASSIGN(out.captured, captured_from_json(*captured, file_name + ":captured"));
    }
    if (auto base = root.find("base"); base != root.end()) {
        TRY_ASSIGN(out.base, base_from_json(*base, file_name + ":base"));
    }
    TRY(read_rows(root, "sources", file_name, source_from_json, out.sources));
    TRY(read_rows(root, "includes", file_name, include_from_json, out.includes));
    if (auto installer = root.find("installer"); installer != root.end()) {
        TRY_ASSIGN(out.installer, installer_from_json(*installer, file_name + ":installer"));
    }
    TRY(read_rows(root, "artifacts", file_name, artifact_from_json, out.artifacts));
    return out;
}

Result<Lock> parse_lock(std::string_view text, const std::string& path) {
    TRY(check_json_cost(text, path));
    try {
        TRY_ASSIGN(Lock lock, lock_from_json(json::parse(text), path));
        if (lock.artifacts.empty() && !lock.captured && !lock.base)
            return make_error(ErrorKind::usage, "{}: it asks for nothing: it has no artifacts; make the lock again",
                              path);
        return lock;
    } catch (const json::parse_error& e) {
        const std::string_view before = text.substr(0, std::min<std::size_t>(e.byte, text.size()));
        return make_error(ErrorKind::usage, "{}:{}: it is not valid JSON; make the lock again", path,
                          1 + std::ranges::count(before, '\n'));
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not a lock: {}", path, e.what());
    }
}

Result<Lock> read_lock(const std::string& path) {
    TRY_ASSIGN(const std::string text, spec::read_spec_text(path));
    return parse_lock(text, path);
}

json inspect_json(const Lock& lock) {
    json out = {{"kind", "tinderbox lock"},
                {"version", lock_version},
                {"platforms", json::array({lock.platform})},
                {"packages", json::array()}};
    for (const LockedArtifact& artifact : lock.artifacts)
        out["packages"].push_back({{"kind", artifact.kind == parcel::ArtifactKind::wheel ? "pypi" : "conda"},
                                   {"name", artifact.name},
                                   {"version", artifact.version},
                                   {"build", artifact.build},
                                   {"url", without_credentials(artifact.url)},
                                   {"sha256", artifact.sha256},
                                   {"md5", artifact.md5},
                                   {"platform", lock.platform}});
    return out;
}

} // namespace tinderbox::lock
