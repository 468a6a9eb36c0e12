#include "generator/lock/cuda_request.hpp"

#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace tinderbox::lock {
namespace {

using nlohmann::json;

constexpr int cuda_table_version = 1;

bool has_cuda_index(const pip::Options& options) {
    auto names_cuda = [](const std::string& url) {
        auto slash = url.rfind("/cu");
        return slash != std::string::npos && slash + 3 < url.size() && url[slash + 3] >= '0' && url[slash + 3] <= '9';
    };
    return std::ranges::any_of(options.extra_index_urls, names_cuda) ||
           (options.index_url && names_cuda(*options.index_url));
}

// "11.3" and "11.3.1" → {11, 3}
Result<std::pair<int, int>> parse_cuda_version(const std::string& version) {
    int major = 0, minor = -1;
    const char* end = version.data() + version.size();
    auto [dot, error] = std::from_chars(version.data(), end, major);
    if (error == std::errc() && dot != end && *dot == '.') {
        auto [rest, second] = std::from_chars(dot + 1, end, minor);
        if (second == std::errc() && (rest == end || *rest == '.')) return std::pair(major, minor);
    }
    if (error == std::errc() && dot == end) return std::pair(major, -1);
    return make_error(ErrorKind::usage, "--cuda {}: write a version such as 11.3 or 12.4", version);
}

} // namespace

Status add_python(spec::Request& request, const std::string& version) {
    const pip::SourceLine line{"command line: --python", 0};
    std::string text(trim(version));
    const bool relation = !text.empty() && std::string_view("=<>!~").find(text[0]) != std::string_view::npos;
    if (text.empty() || (!relation && !(text[0] >= '0' && text[0] <= '9')))
        return make_error(ErrorKind::usage, "--python {}: write a version such as 3.11 or '>=3.9,<3.12'", version);
    return spec::add_conda(request, "python" + std::string(relation ? "" : "=") + text, line);
}

Status add_cuda(spec::Request& request, const std::string& version, std::string_view table) {
    TRY_ASSIGN(auto wanted, parse_cuda_version(version));
    auto [major, minor] = wanted;
    if (!request.conda.empty()) {
        const char* name = major < 12 ? "cudatoolkit" : "cuda-version";
        const bool named = std::ranges::any_of(
            request.conda, [&](const spec::CondaSpec& spec) { return spec.name == name && !spec.version.empty(); });
        if (!named) TRY(spec::add_conda(request, fmt::format("{}={}", name, version), {"command line: --cuda", 0}));
    }
    if (request.pip.empty() || has_cuda_index(request.pip_options) || request.pip_options.no_index) return {};
    json root = json::parse(table, nullptr, false);
    if (!root.is_object() || root.value("version", 0) != cuda_table_version)
        return make_error(ErrorKind::bug, "templates/cuda_indexes.json is not of version {}", cuda_table_version);
    const char* mirror = std::getenv("TINDERBOX_CUDA_INDEX_URL");
    std::string base = mirror && *mirror ? mirror : root.value("base", "");
    while (base.ends_with('/')) base.pop_back();
    std::string known;
    const json* found = nullptr;
    for (const json& row : root["indexes"]) {
        TRY_ASSIGN(auto has, parse_cuda_version(row.value("cuda", "")));
        // --cuda 12: the newest of 12.
        if (has.first == major && (minor < 0 || has.second == minor)) found = &row;
        known += (known.empty() ? "" : ", ") + row.value("cuda", "");
    }
    if (!found)
        return make_error(
            ErrorKind::usage,
            "--cuda {}: no index with wheels for it is known; there are {}. Name one yourself: --extra-index-url URL",
            version, known);
    if (found->contains("index"))
        request.pip_options.extra_index_urls.insert(request.pip_options.extra_index_urls.begin(),
                                                    base + "/" + found->value("index", ""));
    else request.pip_options.find_links.push_back(base + "/" + found->value("find_links", ""));
    return {};
}

} // namespace tinderbox::lock
