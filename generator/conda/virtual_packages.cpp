#include "generator/conda/virtual_packages.hpp"

#include "common/base/text.hpp"
#include "generator/conda/names.hpp"
#include "generator/conda/version.hpp"

namespace tinderbox::conda {
namespace {

// Machines with a GPU have no older kernel in use; packages ask for 2.6.32 or newer.
constexpr const char* default_kernel = "4.18";

} // namespace

Result<std::pair<std::string, std::string>> parse_virtual(const std::string& text) {
    auto equals = text.find('=');
    std::string name = text.substr(0, equals);
    if (equals == std::string::npos || !name.starts_with("__") || name.size() < 3 || !is_identifier(name))
        return make_error(ErrorKind::usage,
                          "--virtual {}: write __NAME=VERSION, for instance __cuda=12.4 (__cuda= for a target without)",
                          text);
    return std::pair(to_lower(name), text.substr(equals + 1));
}

Result<std::vector<VirtualPackage>> virtual_packages(const VirtualTarget& target) {
    std::map<std::string, std::string> all = {{"__unix", "0"}};
    if (target.platform.starts_with("linux-")) {
        all["__linux"] = default_kernel;
        all["__glibc"] = target.glibc;
        all["__archspec"] = target.platform == "linux-64"        ? "1=x86_64"
                            : target.platform == "linux-aarch64" ? "1=aarch64"
                                                                 : "1=" + target.platform.substr(6);
    }
    if (!target.cuda.empty()) all["__cuda"] = target.cuda;
    for (const auto& [name, value] : target.overrides) all[name] = value;
    std::vector<VirtualPackage> out;
    for (const auto& [name, value] : all) {
        if (value.empty()) continue;
        VirtualPackage one{name, value};
        if (auto equals = value.find('='); equals != std::string::npos) {
            one.version = value.substr(0, equals);
            one.build = value.substr(equals + 1);
        }
        auto version = VersionOrder::parse(one.version);
        if (!version.ok()) return std::move(version).error().in(fmt::format("--virtual {}={}", name, value));
        if (!is_identifier(one.build))
            return make_error(ErrorKind::usage, "--virtual {}={}: '{}' is no build", name, value, one.build);
        out.push_back(std::move(one));
    }
    return out;
}

} // namespace tinderbox::conda
