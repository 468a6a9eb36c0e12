#include "common/format/update.hpp"

#include "common/base/units.hpp"

namespace tinderbox::format {

std::string describe_installer(const EarlierInstaller& installer) {
    return fmt::format("'{}' (manifest {})", installer.name, installer.manifest_sha256.substr(0, 16));
}

std::string describe_earlier(const UpdateInfo& update) {
    std::vector<std::string> names;
    for (const EarlierInstaller& one : update.onto) names.push_back(describe_installer(one));
    return fmt::format("{}", fmt::join(names, " or "));
}

std::vector<std::pair<std::string, std::string>> update_lines(const Manifest& manifest) {
    std::vector<std::pair<std::string, std::string>> out;
    if (!manifest.update) return out;
    for (const EarlierInstaller& one : manifest.update->onto) out.emplace_back("update for", describe_installer(one));
    out.emplace_back("stay",
                     fmt::format("{} of that environment, {}", counted(manifest.update->inherited_files, "file"),
                                 format_bytes(manifest.update->inherited_bytes)));
    return out;
}

} // namespace tinderbox::format
