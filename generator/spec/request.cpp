// The inspect contract, and joining several requests into one.
#include "generator/spec/request.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/pip/version.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

namespace tinderbox::spec {
namespace {

using nlohmann::json;

std::vector<std::string> option_lines(const pip::Options& options) {
    std::vector<std::string> out;
    if (options.index_url) out.push_back("--index-url " + pip::printable(*options.index_url));
    for (const auto& url : options.extra_index_urls) out.push_back("--extra-index-url " + pip::printable(url));
    if (options.no_index) out.push_back("--no-index");
    for (const auto& place : options.find_links) out.push_back("--find-links " + pip::printable(place));
    for (const auto& host : options.trusted_hosts) out.push_back("--trusted-host " + host);
    if (options.pre) out.push_back("--pre");
    if (options.require_hashes) out.push_back("--require-hashes");
    if (options.prefer_binary) out.push_back("--prefer-binary");
    for (const auto& name : options.only_binary) out.push_back("--only-binary " + name);
    for (const auto& name : options.no_binary) out.push_back("--no-binary " + name);
    return out;
}

// Adds a row's origin: its line, and its file where the request itself is read from another one.
json located(json row, const pip::SourceLine& line, const Request& request) {
    row["line"] = line.line;
    if (line.line > 0 && line.file != request.source) row["file"] = line.file;
    return row;
}

// The exact version a requirement without a marker allows, "" when it allows several.
std::string pinned(const pip::RequirementLine& requirement) {
    if (!requirement.marker.empty() || !requirement.url.empty()) return "";
    auto specifier = pip::SpecifierSet::parse(requirement.specifier);
    auto pin = specifier ? specifier->pin() : std::nullopt;
    if (!pin) return "";
    return *pin;
}

bool same_version(const std::string& left, const std::string& right) {
    auto a = pip::Version::parse(left), b = pip::Version::parse(right);
    return a && b ? *a == *b : left == right;
}

Status check_pip(const std::vector<pip::RequirementLine>& pip) {
    for (std::size_t i = 0; i < pip.size(); ++i)
        for (std::size_t j = i + 1; j < pip.size(); ++j) {
            if (pip[i].name.empty() || pip[i].name != pip[j].name) continue;
            if (!pip[i].marker.empty() || !pip[j].marker.empty()) continue; // may hold for different targets
            std::string left = pinned(pip[i]), right = pinned(pip[j]);
            bool versions = !left.empty() && !right.empty() && !same_version(left, right);
            bool urls = !pip[i].url.empty() && !pip[j].url.empty() && pip[i].url != pip[j].url;
            if (versions || urls)
                return make_error(ErrorKind::usage, "{}: '{}' contradicts '{}' in {}; keep one of the two lines",
                                  pip[j].line.str(), pip::printable(pip[j].text), pip::printable(pip[i].text),
                                  pip[i].line.str());
        }
    return {};
}

bool is_exact(const CondaSpec& spec) { return !spec.version.empty() && !spec.build.empty(); }

Status check_conda(const std::vector<CondaSpec>& conda) {
    for (std::size_t i = 0; i < conda.size(); ++i)
        for (std::size_t j = i + 1; j < conda.size(); ++j) {
            if (conda[i].name != conda[j].name || !is_exact(conda[i]) || !is_exact(conda[j])) continue;
            if (conda[i].version != conda[j].version || conda[i].build != conda[j].build)
                return make_error(ErrorKind::usage, "{}: '{}' contradicts '{}' in {}; keep one of the two lines",
                                  conda[j].line.str(), pip::printable(conda[j].text), pip::printable(conda[i].text),
                                  conda[i].line.str());
        }
    return {};
}

template <class T> void append(std::vector<T>& to, std::vector<T>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void append_new(std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& one : from)
        if (std::ranges::find(to, one) == to.end()) to.push_back(one);
}

Status merge_options(pip::Options& to, const pip::Options& from, const std::string& first, const std::string& second) {
    if (to.index_url && from.index_url && *to.index_url != *from.index_url)
        return make_error(ErrorKind::usage,
                          "{}: its --index-url {} contradicts {} in {}; keep one, or make the other an "
                          "--extra-index-url",
                          second, pip::printable(*from.index_url), pip::printable(*to.index_url), first);
    if (!to.index_url) to.index_url = from.index_url;
    append_new(to.extra_index_urls, from.extra_index_urls);
    append_new(to.find_links, from.find_links);
    append_new(to.trusted_hosts, from.trusted_hosts);
    append_new(to.only_binary, from.only_binary);
    append_new(to.no_binary, from.no_binary);
    to.no_index = to.no_index || from.no_index;
    to.pre = to.pre || from.pre;
    to.require_hashes = to.require_hashes || from.require_hashes;
    to.prefer_binary = to.prefer_binary || from.prefer_binary;
    if (to.cert.empty()) to.cert = from.cert;
    return {};
}

std::string source_of(const Request& request) { return request.source.empty() ? "command line" : request.source; }

} // namespace

json to_json(const Request& request) {
    json out = {{"kind", request.kind},           {"name", request.name},
                {"channels", json::array()},      {"conda", json::array()},
                {"pip", json::array()},           {"pip_options", option_lines(request.pip_options)},
                {"variables", request.variables}, {"ignored", json::array()}};
    for (const std::string& channel : request.channels) out["channels"].push_back(pip::printable(channel));
    for (const CondaSpec& spec : request.conda)
        out["conda"].push_back(located({{"spec", pip::printable(spec.text)},
                                        {"name", spec.name},
                                        {"version", spec.version},
                                        {"build", spec.build},
                                        {"channel", pip::printable(spec.channel)}},
                                       spec.line, request));
    auto pip_row = [&](const pip::RequirementLine& requirement) {
        json row = located({{"requirement", pip::printable(requirement.text)}, {"name", requirement.name}},
                           requirement.line, request);
        if (!requirement.hashes.empty()) row["hashes"] = requirement.hashes;
        if (!requirement.extras.empty()) row["extras"] = requirement.extras;
        if (!requirement.marker.empty()) row["marker"] = requirement.marker;
        if (!requirement.unbundled.empty()) row["problem"] = requirement.unbundled;
        return row;
    };
    for (const pip::RequirementLine& requirement : request.pip) out["pip"].push_back(pip_row(requirement));
    for (const pip::RequirementLine& requirement : request.pip_constraints)
        out["constraints"].push_back(pip_row(requirement));
    for (const IncludedFile& file : request.includes)
        out["includes"].push_back(
            located({{"source", file.source}, {"destination", file.destination}}, file.line, request));
    if (!request.base.empty()) out["base"] = request.base;
    if (!request.version.empty()) out["version"] = request.version;
    if (!request.user_requested.empty()) out["user_requested"] = request.user_requested;
    if (!request.exclude.empty()) out["exclude"] = request.exclude;
    if (!request.pre_install.empty()) out["pre_install"] = request.pre_install;
    if (!request.post_install.empty()) out["post_install"] = request.post_install;
    if (!request.script_variables.empty()) out["script_env_variables"] = request.script_variables;
    if (!request.license_file.empty()) out["license_file"] = request.license_file;
    if (!request.requires_python.empty()) out["requires_python"] = request.requires_python;
    for (const IgnoredItem& item : request.ignored)
        out["ignored"].push_back(located({{"what", pip::printable(item.what)}, {"why", item.why}}, item.line, request));
    return out;
}

Status check_bundled(const Request& request) {
    std::string problems;
    for (const pip::RequirementLine& line : request.pip)
        if (!line.unbundled.empty())
            problems += fmt::format("{}{}: {}", problems.empty() ? "" : "\n", line.line.str(), line.unbundled);
    if (!problems.empty()) return Error{ErrorKind::usage, problems};
    return {};
}

namespace {

// What constructor's keys say of the installer: no two requests may contradict each other.
Status merge_installer(Request& out, Request& next, const std::string& source) {
    for (const auto& [name, value] : next.script_variables)
        if (auto [found, added] = out.script_variables.emplace(name, value); !added && found->second != value)
            return make_error(ErrorKind::usage,
                              "{}: its script_env_variables set {} to '{}', another one to '{}'; keep one of the two",
                              source, name, value, found->second);
    for (auto [to, from, what] : {std::tuple(&out.pre_install, &next.pre_install, "pre_install"),
                                  std::tuple(&out.post_install, &next.post_install, "post_install"),
                                  std::tuple(&out.license_file, &next.license_file, "license_file")}) {
        if (!to->empty() && !from->empty() && *to != *from)
            return make_error(ErrorKind::usage, "{}: its {} '{}' contradicts '{}', given before; keep one of the two",
                              source, what, *from, *to);
        if (to->empty()) *to = std::move(*from);
    }
    return {};
}

} // namespace

Result<Request> merge(std::vector<Request> requests) {
    if (requests.empty()) return Request{};
    Request out = std::move(requests.front());
    std::string first = source_of(out), name_source = out.name.empty() ? "" : first;
    std::map<std::string, std::string> variable_sources;
    for (const auto& [name, value] : out.variables) variable_sources[name] = first;
    std::string index_source = first;
    for (std::size_t i = 1; i < requests.size(); ++i) {
        Request& next = requests[i];
        std::string source = source_of(next);
        if (!out.name.empty() && !next.name.empty() && out.name != next.name)
            return make_error(ErrorKind::usage,
                              "{} names the environment '{}', {} names it '{}'; say which with --name", name_source,
                              out.name, source, next.name);
        if (out.name.empty() && !next.name.empty()) {
            out.name = next.name;
            name_source = source;
        }
        for (const auto& [name, value] : next.variables) {
            auto [found, added] = out.variables.emplace(name, value);
            if (!added && found->second != value)
                return make_error(ErrorKind::usage, "{} sets the variable {} to '{}', {} to '{}'; keep one of the two",
                                  variable_sources[name], name, found->second, source, value);
            if (added) variable_sources[name] = source;
        }
        if (!out.pip_options.index_url && next.pip_options.index_url) index_source = source;
        TRY(merge_options(out.pip_options, next.pip_options, index_source, source));
        append_new(out.channels, next.channels);
        append(out.conda, next.conda);
        append(out.pip, next.pip);
        append(out.pip_constraints, next.pip_constraints);
        append(out.locks, next.locks);
        append(out.includes, next.includes);
        append(out.ignored, next.ignored);
        if (out.base.empty()) out.base = next.base;
        if (out.version.empty()) out.version = next.version;
        append(out.user_requested, next.user_requested);
        append(out.exclude, next.exclude);
        append(out.conda_constraints, next.conda_constraints);
        if (!next.requires_python.empty())
            out.requires_python += (out.requires_python.empty() ? "" : ",") + next.requires_python;
        TRY(merge_installer(out, next, source));
        out.kind = "merged";
        out.source.clear();
    }
    TRY(check_conda(out.conda));
    TRY(check_pip(out.pip));
    return out;
}

} // namespace tinderbox::spec
