#include "generator/lock/export.hpp"

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace tinderbox::lock {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, LockFormat>, 5> formats = {
    {{"tinderbox", LockFormat::tinderbox},
     {"explicit", LockFormat::explicit_list},
     {"conda-lock", LockFormat::conda_lock},
     {"pylock", LockFormat::pylock},
     {"requirements", LockFormat::requirements}}};

// A string that YAML, TOML and JSON read alike: JSON's with its non-ASCII characters as they are.
std::string quoted(const std::string& text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

std::string url_of(const LockedArtifact& artifact) { return without_credentials(artifact.url); }

// Others cannot download a wheel that was made here (--allow-sdist), so its source archive stands in its place.
LockedArtifact obtainable(LockedArtifact artifact) {
    if (artifact.built_from) {
        artifact.url = artifact.built_from->url;
        artifact.file_name = artifact.built_from->file_name;
        artifact.sha256 = artifact.built_from->sha256;
        artifact.size = artifact.built_from->size;
    }
    return artifact;
}

std::size_t count(const Lock& lock, parcel::ArtifactKind kind) {
    return static_cast<std::size_t>(std::ranges::count(lock.artifacts, kind, &LockedArtifact::kind));
}

// conda's own hash is MD5, which every version of it reads behind '#'; SHA-256 only those since 23.
std::string explicit_list(const Lock& lock) {
    std::string out = fmt::format("# This file may be used to create an environment using:\n"
                                  "# $ conda create --name <env> --file <this file>\n"
                                  "# platform: {}\n@EXPLICIT\n",
                                  lock.platform);
    for (const LockedArtifact& a : lock.artifacts)
        if (a.kind == parcel::ArtifactKind::conda)
            out += url_of(a) + "#" + (!a.md5.empty() ? a.md5 : "sha256:" + a.sha256) + "\n";
    for (const LockedArtifact& a : lock.artifacts)
        if (a.kind == parcel::ArtifactKind::wheel)
            out += fmt::format("# pip {} @ {} --hash=sha256:{}\n", a.name, url_of(a), a.sha256);
    return out;
}

std::string conda_lock(const Lock& lock) {
    std::string words;
    for (const std::string& word : lock.request) words += word + "\n";
    std::string out = fmt::format("# Written by 'tinderbox lock --format conda-lock'.\n"
                                  "version: 1\nmetadata:\n  content_hash:\n    {}: {}\n  channels:{}\n",
                                  lock.platform, to_hex(sha256(as_bytes(words))), lock.channels.empty() ? " []" : "");
    for (const std::string& channel : lock.channels)
        out += fmt::format("  - url: {}\n    used_env_vars: []\n", quoted(without_credentials(channel)));
    out += fmt::format("  platforms:\n  - {}\n  sources: []\npackage:{}\n", lock.platform,
                       lock.artifacts.empty() ? " []" : "");
    for (const LockedArtifact& a : lock.artifacts) {
        out += fmt::format(
            "- name: {}\n  version: {}\n  manager: {}\n  platform: {}\n  dependencies: {{}}\n  url: {}\n  hash:\n",
            quoted(a.name), quoted(a.version), a.kind == parcel::ArtifactKind::conda ? "conda" : "pip", lock.platform,
            quoted(url_of(a)));
        if (!a.md5.empty()) out += fmt::format("    md5: {}\n", a.md5);
        if (!a.sha256.empty()) out += fmt::format("    sha256: {}\n", a.sha256);
        out += "  category: main\n  optional: false\n";
    }
    return out;
}

// A file's url or path in a pylock.toml; files of this machine have a path.
std::string toml_location(const LockedArtifact& artifact) {
    if (artifact.url.starts_with("file:")) return "path = " + quoted(file_url_to_path(artifact.url));
    return "url = " + quoted(url_of(artifact));
}

std::string pylock(const Lock& lock) {
    std::string out =
        "# Written by 'tinderbox lock --format pylock'.\nlock-version = \"1.0\"\ncreated-by = \"tinderbox\"\n";
    if (count(lock, parcel::ArtifactKind::wheel) == 0) out += "packages = []\n";
    for (const LockedArtifact& a : lock.artifacts) {
        if (a.kind != parcel::ArtifactKind::wheel) continue;
        std::string file = fmt::format("{}{}, hashes = {{sha256 = \"{}\"}}", toml_location(a),
                                       a.size > 0 ? fmt::format(", size = {}", a.size) : "", a.sha256);
        out += fmt::format("\n[[packages]]\nname = {}\nversion = {}\n", quoted(a.name), quoted(a.version));
        // PEP 751 calls a file that was named by its URL an archive; wheels come from an index.
        if (a.direct_url.empty() && a.built_from)
            out += fmt::format("sdist = {{name = {}, {}}}\n", quoted(a.file_name), file);
        else if (a.direct_url.empty()) out += fmt::format("wheels = [{{name = {}, {}}}]\n", quoted(a.file_name), file);
        else out += fmt::format("archive = {{{}}}\n", file);
    }
    return out;
}

std::string requirements(const Lock& lock) {
    std::string out = "# Written by 'tinderbox lock --format requirements'; install it with\n"
                      "# pip install --require-hashes --no-deps -r THIS-FILE\n";
    // In the order in which they were asked; the index itself comes last.
    for (std::size_t i = 0; i < lock.indexes.size(); ++i)
        out += fmt::format("{} {}\n", i + 1 == lock.indexes.size() ? "--index-url" : "--extra-index-url",
                           without_credentials(lock.indexes[i]));
    for (const LockedArtifact& a : lock.artifacts) {
        if (a.kind != parcel::ArtifactKind::wheel) continue;
        if (a.direct_url.empty() && !a.url.starts_with("file:"))
            out += fmt::format("{}=={} \\\n    --hash=sha256:{}\n", a.name, a.version, a.sha256);
        else out += fmt::format("{} @ {} \\\n    --hash=sha256:{}\n", a.name, url_of(a), a.sha256);
    }
    return out;
}

void add_warnings(const Lock& lock, LockFormat format, std::vector<std::string>& out) {
    const std::string name =
        std::string(std::ranges::find(formats, format, [](const auto& row) { return row.second; })->first);
    const std::size_t conda = count(lock, parcel::ArtifactKind::conda),
                      wheels = count(lock, parcel::ArtifactKind::wheel);
    const bool pip_only = format == LockFormat::pylock || format == LockFormat::requirements;
    if (pip_only && conda > 0)
        out.push_back(fmt::format(
            "--format {} has no word for conda packages: {} of them are left out; --format conda-lock holds both", name,
            conda));
    if (format == LockFormat::explicit_list && wheels > 0)
        out.push_back(fmt::format("conda does not read the {} pip packages of an explicit list: they are comments, "
                                  "which Tinderbox and conda-lock read",
                                  wheels));
    if (lock.base)
        out.push_back(
            fmt::format("--format {} has no word for the base conda ({} {}); only --format tinderbox holds it", name,
                        lock.base->kind, lock.base->version));
    if (lock.captured)
        out.push_back(fmt::format("--format {} has no word for the captured '{}'; only --format tinderbox holds it",
                                  name, lock.captured->path));
    if (!lock.variables.empty())
        out.push_back(fmt::format("--format {} has no word for environment variables: {} of them are left out", name,
                                  lock.variables.size()));
}

} // namespace

Result<LockFormat> parse_lock_format(std::string_view text) {
    for (auto [name, format] : formats)
        if (text == name) return format;
    return make_error(ErrorKind::usage, "--format {}: it is tinderbox, explicit, conda-lock, pylock or requirements",
                      text);
}

ExportedLock export_lock(const Lock& given, LockFormat format) {
    ExportedLock out;
    Lock lock = given;
    for (LockedArtifact& artifact : lock.artifacts) artifact = obtainable(std::move(artifact));
    switch (format) {
    case LockFormat::tinderbox:
        out.text = lock_text(given);
        return out;
    case LockFormat::explicit_list:
        out.text = explicit_list(lock);
        break;
    case LockFormat::conda_lock:
        out.text = conda_lock(lock);
        break;
    case LockFormat::pylock:
        out.text = pylock(lock);
        break;
    case LockFormat::requirements:
        out.text = requirements(lock);
        break;
    }
    add_warnings(lock, format, out.warnings);
    return out;
}

} // namespace tinderbox::lock
