#include "generator/conda/names.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"

#include <algorithm>
#include <array>

namespace tinderbox::conda {

namespace {

std::string_view without_slash(std::string_view text) {
    while (text.ends_with('/')) text.remove_suffix(1);
    return text;
}

// Cuts "/LAST" off and returns LAST; "" when there is no slash.
std::string_view cut_last(std::string_view& url) {
    auto slash = url.rfind('/');
    if (slash == std::string_view::npos) return {};
    std::string_view last = url.substr(slash + 1);
    url = url.substr(0, slash);
    return last;
}

std::string channel_name(std::string_view base_url) {
    constexpr std::string_view anaconda_org = "https://conda.anaconda.org/";
    constexpr std::string_view repo = "https://repo.anaconda.com/";
    if (base_url.starts_with(anaconda_org)) return std::string(base_url.substr(anaconda_org.size()));
    if (base_url.starts_with(repo)) {
        std::string_view name = base_url.substr(repo.size());
        if (name == "pkgs/main" || name == "pkgs/r" || name == "pkgs/msys2") return "defaults";
        if (name.starts_with("pkgs/")) return std::string(name);
    }
    return std::string(base_url);
}

} // namespace

std::string FileName::dist() const { return fmt::format("{}-{}-{}", name, version, build); }

bool is_package_file_name(std::string_view file_name) { return archive::is_conda_package(file_name); }

bool is_identifier(std::string_view text) {
    if (text.empty() || text.size() > 200 || text.front() == '.') return false;
    return std::ranges::all_of(
        text, [](char c) { return is_alnum(c) || std::string_view("._-+!~=:@").find(c) != std::string_view::npos; });
}

Result<FileName> parse_file_name(std::string_view file_name) {
    for (std::string_view extension : archive::conda_endings) {
        if (!file_name.ends_with(extension)) continue;
        std::string_view stem = file_name.substr(0, file_name.size() - extension.size());
        auto second = stem.rfind('-');
        auto first =
            second == 0 || second == std::string_view::npos ? std::string_view::npos : stem.rfind('-', second - 1);
        if (first == std::string_view::npos) break;
        FileName out{std::string(stem.substr(0, first)), std::string(stem.substr(first + 1, second - first - 1)),
                     std::string(stem.substr(second + 1)), std::string(extension)};
        if (is_identifier(out.name) && is_identifier(out.version) && is_identifier(out.build)) return out;
        break;
    }
    return make_error(ErrorKind::usage,
                      "'{}' is not the file name of a conda package; it has to be NAME-VERSION-BUILD.conda or "
                      "NAME-VERSION-BUILD.tar.bz2",
                      file_name);
}

bool is_subdir(std::string_view text) {
    if (text == "noarch") return true;
    constexpr std::array systems = {"linux-", "osx-", "win-", "emscripten-", "wasi-", "zos-", "freebsd-"};
    return std::ranges::any_of(systems,
                               [&](std::string_view s) { return text.starts_with(s) && text.size() > s.size(); }) &&
           text.find('/') == std::string_view::npos;
}

bool has_installers(std::string_view subdir) { return subdir == "linux-64" || subdir == "linux-aarch64"; }

Status check_platform(std::string_view package, std::string_view subdir, std::string_view platform) {
    if (subdir == "noarch" || subdir == platform) return {};
    return make_error(ErrorKind::usage,
                      "{}: the package is for {}, the environment is for {}; name the package of that platform{}{}",
                      package, subdir.empty() ? "an unknown platform" : subdir, platform,
                      has_installers(subdir) ? ", or write --platform " : "", has_installers(subdir) ? subdir : "");
}

std::string channel_url(std::string_view url) {
    url = url.substr(0, url.find_first_of("#?"));
    cut_last(url);
    return percent_decode(without_slash(url));
}

std::string spec_channel(std::string_view package_url) {
    std::string from = channel_url(package_url);
    std::string_view base = from, rest = base;
    if (is_subdir(cut_last(rest))) base = rest;
    constexpr std::string_view repo = "https://repo.anaconda.com/";
    if (base.starts_with(repo)) return std::string(base.substr(repo.size()));
    return channel_name(base);
}

std::string dist_string(std::string_view package_url, std::string_view channel, std::string_view subdir,
                        std::string_view dist) {
    std::string from = package_url.empty() ? std::string(without_slash(channel)) : channel_url(package_url);
    std::string_view base = from;
    std::string_view rest = base;
    if (is_subdir(cut_last(rest))) base = rest;
    return fmt::format("{}/{}::{}", channel_name(base), subdir, dist);
}

} // namespace tinderbox::conda
