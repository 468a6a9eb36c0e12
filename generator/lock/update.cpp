#include "generator/lock/update.hpp"

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace tinderbox::lock {
namespace {

using nlohmann::json;

// Lines and file names do not change the request.
void erase_lines(json& value) {
    if (value.is_object())
        for (const char* key : {"line", "file"}) value.erase(key);
    if (value.is_structured())
        for (json& inner : value) erase_lines(inner);
}

bool same_name(const LockedArtifact& artifact, const std::string& name) {
    if (artifact.kind == parcel::ArtifactKind::conda) return artifact.name == to_lower(name);
    return artifact.name == pip::normalize_name(name);
}

bool asks_for(const spec::Request& request, const std::string& name) {
    return std::ranges::any_of(request.conda,
                               [&](const spec::CondaSpec& spec) { return spec.name == to_lower(name); }) ||
           std::ranges::any_of(
               request.pip, [&](const pip::RequirementLine& line) { return line.name == pip::normalize_name(name); });
}

} // namespace

std::string request_digest(const spec::Request& request) {
    json said = spec::to_json(request);
    said.erase("ignored");
    erase_lines(said);
    // Files of a construct.yaml count by their path relative to it, so that another checkout asks for the same.
    std::error_code ec;
    const fs::path directory = fs::absolute(request.source, ec).lexically_normal().parent_path();
    auto beside_it = [&](json& path) {
        path = fs::path(path.get<std::string>()).lexically_relative(directory).string();
    };
    if (auto includes = said.find("includes"); includes != said.end())
        for (json& row : *includes) beside_it(row["source"]);
    for (const char* key : {"pre_install", "post_install", "license_file"})
        if (auto found = said.find(key); found != said.end()) beside_it(*found);
    return to_hex(sha256(as_bytes(said.dump())));
}

Status pin_to(const Lock& previous, const std::string& lock_path, const std::vector<std::string>& update,
              spec::Request& request) {
    for (const std::string& name : update) {
        const bool locked =
            std::ranges::any_of(previous.artifacts, [&](const LockedArtifact& a) { return same_name(a, name); });
        if (!locked && !asks_for(request, name))
            return make_error(ErrorKind::usage,
                              "--update {}: neither {} nor the request has such a package; check the name", name,
                              lock_path);
    }
    for (const LockedArtifact& artifact : previous.artifacts) {
        if (std::ranges::any_of(update, [&](const std::string& name) { return same_name(artifact, name); })) continue;
        const pip::SourceLine line{lock_path + " (pinned; --update " + artifact.name + " lets it move)"};
        if (artifact.kind == parcel::ArtifactKind::conda) {
            spec::CondaSpec pin;
            pin.name = artifact.name;
            pin.version = "==" + artifact.version;
            pin.build = artifact.build;
            pin.text = fmt::format("{}=={}={}", artifact.name, artifact.version, artifact.build);
            pin.line = line;
            request.conda_constraints.push_back(std::move(pin));
        } else if (artifact.direct_url.empty()) { // a URL names one file anyway
            pip::RequirementLine pin;
            pin.name = artifact.name;
            pin.specifier = "==" + artifact.version;
            pin.text = artifact.name + pin.specifier;
            pin.line = line;
            request.pip_constraints.push_back(std::move(pin));
        }
    }
    return {};
}

Status check_pins(const Lock& previous, const Lock& now, const std::vector<std::string>& update) {
    std::string problems;
    for (const LockedArtifact& before : previous.artifacts) {
        if (std::ranges::any_of(update, [&](const std::string& name) { return same_name(before, name); })) continue;
        for (const LockedArtifact& after : now.artifacts)
            if (after.kind == before.kind && after.name == before.name &&
                (after.version != before.version || after.build != before.build))
                problems +=
                    fmt::format("{}{} would move from {} to {}; allow it with --update {}",
                                problems.empty() ? "" : "\n", before.name, before.version, after.version, before.name);
    }
    if (!problems.empty()) return Error{ErrorKind::unsatisfiable, problems};
    return {};
}

std::vector<std::string> changed_sources(const Lock& lock, const std::string& lock_path) {
    std::vector<std::string> out;
    for (const LockedSource& source : lock.sources) {
        const spec::SpecArgument argument = spec::split_argument(source.path);
        fs::path path = argument.path;
        if (path.is_relative()) path = fs::path(lock_path).parent_path() / path;
        std::error_code ignored;
        if (!fs::is_regular_file(path, ignored)) continue;
        spec::LockChoice choice;
        choice.platform = lock.platform;
        std::string names;
        for (const std::string& name : argument.names) names += (names.empty() ? "[" : ",") + name;
        auto request = spec::read_spec(path.string() + (names.empty() ? "" : names + "]"), choice);
        if (request.ok() && request_digest(*request) != source.sha256) out.push_back(source.path);
    }
    return out;
}

std::vector<LockChange> changes(const Lock& before, const Lock& after) {
    std::map<std::pair<std::string, std::string>, LockChange> rows; // by name, then kind
    auto text = [](const LockedArtifact& a) { return a.build.empty() ? a.version : a.version + " " + a.build; };
    auto key = [](const LockedArtifact& a) {
        return std::pair(a.name, std::string(parcel::artifact_kind_name(a.kind)));
    };
    for (const LockedArtifact& a : before.artifacts) rows[key(a)] = {a.name, text(a), ""};
    for (const LockedArtifact& a : after.artifacts) {
        LockChange& row = rows[key(a)];
        row.name = a.name;
        row.after = text(a);
    }
    std::vector<LockChange> out;
    for (auto& [name_and_kind, row] : rows)
        if (row.before != row.after) out.push_back(std::move(row));
    return out;
}

} // namespace tinderbox::lock
