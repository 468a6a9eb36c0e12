#include "common/machine/distribution.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <map>

namespace tinderbox::machine {
namespace {

constexpr std::size_t text_limit = 64u << 10;

std::map<std::string, std::string> read_os_release(const SystemRoot& root) {
    std::map<std::string, std::string> out;
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"}) {
        auto text = root.text(path, text_limit);
        if (!text) continue;
        for (std::string_view line : split_lines(*text)) {
            auto equals = line.find('=');
            if (equals == std::string_view::npos) continue;
            std::string_view value = trim(line.substr(equals + 1));
            if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
                value = value.substr(1, value.size() - 2);
            out.emplace(line.substr(0, equals), value);
        }
        break;
    }
    return out;
}

std::string family_of(const std::string& id, std::string_view like) {
    const std::string all = " " + id + " " + std::string(like) + " ";
    auto has = [&](const char* word) { return all.find(fmt::format(" {} ", word)) != std::string::npos; };
    if (has("ubuntu")) return "ubuntu";
    if (has("debian")) return "debian";
    if (id == "fedora") return "fedora";
    if (has("rhel") || has("centos") || has("fedora")) return "rhel";
    if (all.find("suse") != std::string::npos || has("sles")) return "suse";
    if (has("arch")) return "arch";
    return {};
}

// The texts of all files in `directory` whose names have this ending.
std::string texts(const SystemRoot& root, const std::string& directory, std::string_view suffix) {
    std::string out;
    for (const std::string& name : root.entries(directory))
        if (name.ends_with(suffix) && out.size() < (1u << 20))
            if (auto text = root.text(directory + "/" + name, text_limit)) out += *text + "\n\n";
    return out;
}

void read_apt(const SystemRoot& root, Distribution& out) {
    std::string text = root.text("/etc/apt/sources.list", text_limit).value_or("") + "\n" +
                       texts(root, "/etc/apt/sources.list.d", ".list");
    for (std::string_view line : split_lines(text)) {
        line = trim(line);
        if (!line.starts_with("deb ") && !line.starts_with("deb\t")) continue;
        if (line.find("cdrom:") != std::string_view::npos) continue;
        out.repositories = true;
        // "non-free-firmware" alone does not hold the driver.
        for (std::string_view word : split(line, ' '))
            if (word == "non-free" || word == "restricted") out.driver_repository = true;
        if (line.find("nvidia.com/compute/cuda") != std::string_view::npos) out.driver_repository = true;
    }
    // deb822: paragraphs of fields.
    text = texts(root, "/etc/apt/sources.list.d", ".sources");
    for (std::string_view line : split_lines(text)) {
        if (line.starts_with("URIs:") && line.find("cdrom:") == std::string_view::npos) out.repositories = true;
        if (line.starts_with("URIs:") && line.find("nvidia.com/compute/cuda") != std::string_view::npos)
            out.driver_repository = true;
        if (line.starts_with("Components:"))
            for (std::string_view word : split(trim(line.substr(11)), ' '))
                if (word == "non-free" || word == "restricted") out.driver_repository = true;
    }
}

// yum, dnf and zypper write the same files.
void read_rpm(const SystemRoot& root, const std::string& directory, Distribution& out) {
    std::string section, location;
    bool enabled = true;
    auto finish = [&] {
        if (!section.empty() && enabled && !location.starts_with("cd:") && !location.starts_with("dvd:")) {
            out.repositories = true;
            const std::string both = to_lower(section + " " + location);
            if (both.find("nvidia") != std::string::npos || both.find("cuda") != std::string::npos ||
                both.find("rpmfusion-nonfree") != std::string::npos)
                out.driver_repository = true;
        }
        enabled = true;
        location.clear();
    };
    const std::string text = texts(root, directory, ".repo");
    for (std::string_view line : split_lines(text)) {
        line = trim(line);
        if (line.starts_with('[')) {
            finish();
            section = line.substr(1, line.size() < 2 ? 0 : line.size() - 2);
        } else if (line.starts_with("enabled")) {
            enabled = line.find('0') == std::string_view::npos;
        } else if (line.starts_with("baseurl") || line.starts_with("metalink") || line.starts_with("mirrorlist")) {
            location = trim(line.substr(std::min(line.find('=') + 1, line.size())));
        }
    }
    finish();
}

} // namespace

Distribution read_distribution(const SystemRoot& root, const std::string& kernel_release) {
    Distribution out;
    auto fields = read_os_release(root);
    out.id = to_lower(fields["ID"]);
    out.version = fields["VERSION_ID"];
    out.name = fields["PRETTY_NAME"];
    out.family = family_of(out.id, fields["ID_LIKE"]);
    if (out.family == "debian" || out.family == "ubuntu") read_apt(root, out);
    if (out.family == "rhel" || out.family == "fedora") read_rpm(root, "/etc/yum.repos.d", out);
    if (out.family == "suse") read_rpm(root, "/etc/zypp/repos.d", out);
    if (out.family == "arch")
        out.repositories = out.driver_repository =
            root.text("/etc/pacman.d/mirrorlist", text_limit).value_or("").find("\nServer") != std::string::npos;
    out.headers = !kernel_release.empty() && root.exists("/lib/modules/" + kernel_release + "/build");
    return out;
}

} // namespace tinderbox::machine
