// "@EXPLICIT" lists: one conda package a line, as URL or path, perhaps with "#MD5", "#sha256:HEX" or "#HEX64".
#include "common/base/last_component.hpp"
#include "common/base/lines.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>
#include <unordered_map>

namespace tinderbox::spec {
namespace {

Status read_hash(std::string_view hash, CondaSpec& out) {
    const auto digests = fetch::fragment_hashes(hash);
    if (digests.empty())
        return line_error(out.line,
                          "'#{}' is neither an MD5 (32 hexadecimal digits) nor sha256: with 64 of them; "
                          "correct it or leave it out",
                          hash);
    for (const auto& [algorithm, digest] : digests) TRY(fetch::add_hash(out, algorithm, digest).in(out.line.str()));
    return {};
}

} // namespace

std::string channel_of_url(std::string_view url) {
    const auto file = url.rfind('/');
    const auto subdir = file == std::string_view::npos || file == 0 ? file : url.rfind('/', file - 1);
    if (!is_url(url) || subdir == std::string_view::npos || subdir <= url.find("://") + 2) return "";
    return without_credentials(url.substr(0, subdir));
}

Result<CondaSpec> read_conda_url(std::string_view text, const pip::SourceLine& line, const std::string& directory) {
    CondaSpec out;
    out.text = std::string(text);
    out.line = line;
    std::string_view location = text;
    if (auto hash = text.rfind('#'); hash != std::string_view::npos) {
        TRY(read_hash(text.substr(hash + 1), out));
        location = trim(text.substr(0, hash));
    }
    bool remote = is_url(location);
    if (!remote && location.find("://") != std::string_view::npos)
        return line_error(line, "'{}' has a scheme other than http, https and file", pip::printable(location));
    const std::string file = fetch::file_name_at(location);
    auto name = conda::parse_file_name(file);
    if (!name)
        return line_error(line,
                          "'{}' does not end with NAME-VERSION-BUILD.conda or .tar.bz2, as a conda package's "
                          "URL does",
                          pip::printable(location));
    out.name = to_lower(name->name);
    out.version = name->version;
    out.build = name->build;
    out.url = remote ? std::string(location) : locate_path(location, directory);
    if (remote) out.channel = channel_of_url(location);
    return out;
}

Status read_explicit(std::string_view text, const std::string& path, Request& request) {
    int number = 0;
    std::string directory = directory_of(path);
    RequirementsReading reading(path);
    std::unordered_map<std::string, std::size_t> known; // name → its place in request.conda
    for (std::size_t i = 0; i < request.conda.size(); ++i) known.emplace(request.conda[i].name, i);
    for (std::string_view raw : Lines(text)) {
        pip::SourceLine line{path, ++number};
        std::string_view content = trim(raw);
        if (content.empty() || content == "@EXPLICIT") continue;
        if (content.starts_with('#')) {
            // conda-lock writes an environment's pip packages into its explicit lists like this, because conda has
            // no word for them: leaving them out would silently give half an environment.
            std::string_view comment = trim(content.substr(1));
            if (comment.starts_with("pip ") && comment.find(" @ ") != std::string_view::npos)
                TRY(read_requirement_line(comment.substr(4), line, path, request, reading));
            continue;
        }
        TRY_ASSIGN(CondaSpec spec, read_conda_url(content, line, directory));
        auto [found, added] = known.emplace(spec.name, request.conda.size());
        if (added) {
            request.conda.push_back(std::move(spec));
        } else if (const CondaSpec* same = &request.conda[found->second]; same->url != spec.url) {
            return line_error(line, "{} is listed twice, as {} {} here and as {} {} in {}; remove one of the two lines",
                              spec.name, spec.version, spec.build, same->version, same->build, same->line.str());
        }
    }
    return {};
}

} // namespace tinderbox::spec
