#include "generator/pip/tags.hpp"

#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "generator/archive/endings.hpp"
#include "generator/pip/requirement.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

std::optional<int> to_int(std::string_view text) {
    int value = 0;
    if (!parse_number(text, value) || value < 0 || value > 9999) return std::nullopt;
    return value;
}

struct Pair {
    int major = 0, minor = 0;
};

std::optional<Pair> major_minor(std::string_view text) {
    auto parts = split(text, '.');
    if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
    auto major = to_int(parts[0]), minor = to_int(parts[1]);
    if (!major || !minor || (parts.size() == 3 && !Version::parse(text))) return std::nullopt;
    return Pair{*major, *minor};
}

// manylinux_2_N down to the oldest the architecture had, with the old names right behind their equals,
// then the plain linux tag (which no index accepts, but local wheels carry).
std::vector<std::string> platforms(const Target& target) {
    std::string machine = machine_of(target.platform);
    bool x86 = machine == "x86_64";
    Pair glibc = major_minor(target.glibc).value_or(Pair{2, 17});
    std::vector<std::string> out;
    for (int minor = glibc.minor; minor >= (x86 ? 5 : 17); --minor) {
        out.push_back(fmt::format("manylinux_2_{}_{}", minor, machine));
        if (minor == 17) out.push_back("manylinux2014_" + machine);
        if (minor == 12 && x86) out.push_back("manylinux2010_" + machine);
        if (minor == 5 && x86) out.push_back("manylinux1_" + machine);
    }
    out.push_back("linux_" + machine);
    return out;
}

} // namespace

std::string machine_of(std::string_view platform) {
    if (platform == "linux-64") return "x86_64";
    if (platform == "linux-aarch64") return "aarch64";
    return "";
}

Status check_platform(std::string_view platform) {
    if (!machine_of(platform).empty()) return {};
    return make_error(ErrorKind::usage, "the platform '{}' is not supported; write linux-64 or linux-aarch64",
                      platform);
}

Status Target::check() const {
    auto version = major_minor(python);
    if (!version || version->major != 3)
        return make_error(ErrorKind::usage, "'{}' is not a version of Python 3; write one such as 3.11", python);
    TRY(check_platform(platform));
    auto libc = major_minor(glibc);
    if (!libc || libc->major != 2)
        return make_error(ErrorKind::usage, "'{}' is not a version of glibc; write one such as 2.28", glibc);
    if (free_threaded && version->minor < 13)
        return make_error(ErrorKind::usage, "Python {} has no free-threaded build; the first one is 3.13", python);
    return {};
}

std::string Target::python_minor() const {
    auto version = major_minor(python);
    return version ? fmt::format("{}.{}", version->major, version->minor) : python;
}

MarkerEnvironment marker_environment(const Target& target) {
    std::string full = std::ranges::count(target.python, '.') < 2 ? target.python + ".0" : target.python;
    return {{"implementation_name", "cpython"},
            {"implementation_version", full},
            {"os_name", "posix"},
            {"platform_machine", machine_of(target.platform)},
            {"platform_python_implementation", "CPython"},
            {"platform_release", ""},
            {"platform_system", "Linux"},
            {"platform_version", ""},
            {"python_full_version", full},
            {"python_version", target.python_minor()},
            {"sys_platform", "linux"}};
}

std::vector<Tag> supported_tags(const Target& target) {
    Pair python = major_minor(target.python).value_or(Pair{3, 11});
    auto named = [](std::string_view kind, int minor) { return fmt::format("{}3{}", kind, minor); };
    std::string interpreter = named("cp", python.minor);
    std::string abi = interpreter + (target.free_threaded ? "t" : python.minor < 8 ? "m" : "");
    std::string stable = target.free_threaded ? "abi3t" : "abi3";
    auto all = platforms(target);
    std::vector<Tag> out;
    auto add = [&](const std::string& i, const std::string& a) {
        for (const std::string& platform : all) out.push_back({i, a, platform});
    };
    add(interpreter, abi);
    add(interpreter, stable);
    add(interpreter, "none");
    for (int minor = python.minor - 1; minor >= 2; --minor) add(named("cp", minor), stable);
    std::vector<std::string> generic = {named("py", python.minor), "py3"};
    for (int minor = python.minor - 1; minor >= 0; --minor) generic.push_back(named("py", minor));
    for (const std::string& name : generic) add(name, "none");
    out.push_back({interpreter, "none", "any"});
    for (const std::string& name : generic) out.push_back({name, "none", "any"});
    return out;
}

TagRanking::TagRanking(const Target& target) {
    for (const Tag& tag : supported_tags(target)) ranks_.emplace(tag.str(), ranks_.size());
}

std::optional<std::size_t> TagRanking::rank(const Tag& tag) const {
    auto found = ranks_.find(tag.str());
    if (found == ranks_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::size_t> TagRanking::rank(const std::vector<Tag>& tags) const {
    std::optional<std::size_t> best;
    for (const Tag& tag : tags)
        if (auto one = rank(tag); one && (!best || *one < *best)) best = one;
    return best;
}

std::strong_ordering BuildTag::operator<=>(const BuildTag& other) const {
    if (auto order = present <=> other.present; order != 0) return order;
    if (auto order = number <=> other.number; order != 0) return order;
    return rest <=> other.rest;
}

std::optional<WheelName> parse_wheel_name(std::string_view file_name) {
    auto stem = archive::without_ending(file_name, archive::wheel_endings);
    if (!stem) return std::nullopt;
    auto parts = split(*stem, '-');
    if (parts.size() != 5 && parts.size() != 6) return std::nullopt;
    WheelName out;
    if (!is_valid_name(parts[0]) && !parts[0].ends_with('_')) return std::nullopt;
    out.name = normalize_name(parts[0]);
    // Old builders wrote "_" where the version has "-" or "+": 1.0_1 and 2.9_cu128 are still about.
    out.version_text = std::string(parts[1]);
    auto version = Version::parse(out.version_text);
    if (!version) version = Version::parse(replace_all(out.version_text, "_", "+"));
    if (!version) return std::nullopt;
    out.version = std::move(*version);
    if (parts.size() == 6) {
        auto digits = std::min(parts[2].find_first_not_of("0123456789"), parts[2].size());
        if (digits == 0) return std::nullopt;
        out.build = {Number(parts[2].substr(0, digits)), std::string(parts[2].substr(digits)), true};
        out.build_text = std::string(parts[2]);
        parts.erase(parts.begin() + 2);
    }
    auto interpreters = split(parts[2], '.'), abis = split(parts[3], '.'), names = split(parts[4], '.');
    // A name that spreads to thousands of tags was not made in good faith.
    if (interpreters.size() * abis.size() * names.size() > 1000) return std::nullopt;
    for (auto interpreter : interpreters)
        for (auto abi : abis)
            for (auto platform : names) {
                if (interpreter.empty() || abi.empty() || platform.empty()) return std::nullopt;
                out.tags.push_back({to_lower(interpreter), to_lower(abi), to_lower(platform)});
            }
    return out;
}

std::optional<Version> parse_sdist_name(std::string_view file_name, std::string_view name) {
    auto stem = archive::without_ending(file_name, archive::sdist_endings);
    if (!stem) return std::nullopt;
    // The name itself may hold "-": try every one until the front is the project.
    for (auto dash = stem->find('-'); dash != std::string_view::npos; dash = stem->find('-', dash + 1))
        if (normalize_name(stem->substr(0, dash)) == name) return Version::parse(stem->substr(dash + 1));
    return std::nullopt;
}

} // namespace tinderbox::pip
