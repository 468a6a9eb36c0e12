#include "generator/conda/match_spec.hpp"

#include "common/base/ascii.hpp"
#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "generator/conda/names.hpp"

#include <algorithm>

namespace tinderbox::conda {
namespace {

constexpr std::string_view operator_chars = "=<>!~";

bool is_one_of(char c, std::string_view chars) { return chars.find(c) != std::string_view::npos; }

bool is_name_char(char c) { return is_alnum(c) || is_one_of(c, "_-.*"); }

std::string_view unquoted(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0])
        text = text.substr(1, text.size() - 2);
    return text;
}

// Where the build begins in "1.2 py27_0", "==1.2=py27_0", ">=1.0 , <2.0 py34_0": behind the first blank or '=' that
// belongs to no operator and has no further version behind it. npos: no build.
std::size_t build_separator(std::string_view text) {
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if ((text[i] != ' ' && text[i] != '=') || is_one_of(text[i - 1], "=!|,<>~")) continue;
        std::string_view build = text.substr(i + 1);
        if (build.find_first_of("=,|<>~") == std::string_view::npos && build.find('-') == std::string_view::npos)
            return i;
    }
    return std::string_view::npos;
}

// "=1.2" means 1.2.*, with a build behind it exactly 1.2.
std::string plain_version(std::string_view version, bool with_build) {
    if (!version.starts_with('=') || version == "=" || version == "==") return std::string(version);
    std::string_view bare = version.substr(std::min(version.find_first_not_of('='), version.size()));
    if (version.starts_with("===") || bare.empty()) return std::string(version);
    if (version.starts_with("=="))
        return bare.find_first_of(",|") == std::string_view::npos ? std::string(bare) : std::string(version);
    if (bare.find_first_of("=,|") != std::string_view::npos) return std::string(version);
    return std::string(bare) + (with_build || bare.ends_with('*') ? "" : ".*");
}

std::string without_blanks(std::string_view text) { return replace_all(replace_all(text, " ", ""), "\t", ""); }

class MatchSpecReader {
  public:
    MatchSpecReader(std::string_view text, MatchSpec& out) : out_(out) {
        text = trim(text);
        if (auto hash = text.find('#'); hash != std::string_view::npos) text = trim(text.substr(0, hash));
        out_.text = std::string(text);
    }

    Status read() {
        std::string_view rest = out_.text, bracket;
        bool has_bracket = false;
        if (rest.ends_with(']')) {
            auto open = rest.find('[');
            if (open == std::string_view::npos) return fail("'{}' has a ']' without a '['", out_.text);
            bracket = rest.substr(open + 1, rest.size() - open - 2);
            rest = trim(rest.substr(0, open));
            has_bracket = true;
        } else if (auto open = rest.find('['); open != std::string_view::npos) {
            if (rest.find(']', open) == std::string_view::npos) return fail("'{}' has a '[' without a ']'", out_.text);
            return fail("'{}' has something behind its brackets; write it before them", out_.text);
        }
        TRY(read_channel(rest));
        TRY(read_name(rest));
        TRY(read_version(rest));
        if (has_bracket) TRY(read_bracket(bracket));
        return check();
    }

  private:
    template <class... Args> Error fail(fmt::format_string<Args...> format, Args&&... args) const {
        return make_error(ErrorKind::usage, format, std::forward<Args>(args)...);
    }

    Status read_channel(std::string_view& rest) {
        auto colons = rest.rfind("::");
        if (colons != std::string_view::npos) {
            TRY(set_channel(trim(rest.substr(0, colons))));
            if (out_.channel.empty() && out_.subdir.empty()) return fail("'{}' has no channel before '::'", out_.text);
            rest = trim(rest.substr(colons + 2));
            return {};
        }
        // "channel:namespace:name"; nobody uses namespaces.
        if (auto colon = rest.rfind(':'); colon != std::string_view::npos) {
            std::string_view front = rest.substr(0, colon);
            auto first = front.rfind(':');
            if (first != std::string_view::npos && first > 0 && front.find("//") == std::string_view::npos)
                TRY(set_channel(trim(front.substr(0, first))));
            rest = trim(rest.substr(colon + 1));
        }
        return {};
    }

    Status set_channel(std::string_view text) {
        while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
        auto slash = text.rfind('/');
        if (slash != std::string_view::npos && is_subdir(text.substr(slash + 1))) {
            out_.subdir = std::string(text.substr(slash + 1));
            text = text.substr(0, slash);
        }
        out_.channel = text == "*" ? "" : std::string(text);
        return {};
    }

    Status read_name(std::string_view& rest) {
        std::size_t end = 0;
        while (end < rest.size() && is_name_char(rest[end])) ++end;
        if (end == 0)
            return fail("'{}' does not begin with a package's name; write NAME, NAME=VERSION or NAME=VERSION=BUILD",
                        out_.text);
        out_.name = to_lower(rest.substr(0, end));
        rest = rest.substr(end);
        if (!rest.empty() && rest[0] != ' ' && rest[0] != '\t' && !is_one_of(rest[0], operator_chars))
            return fail("'{}' follows the name in '{}'; write NAME=VERSION", rest, out_.text);
        rest = trim(rest);
        return {};
    }

    Status read_version(std::string_view rest) {
        if (rest.empty()) return {};
        if (rest == "=") return fail("'{}' has no version behind the '='; write NAME=VERSION", out_.text);
        // Legacy: "numpy 1.7 (optional)".
        if (auto open = rest.find(" ("); open != std::string_view::npos && rest.ends_with(')'))
            rest = trim(rest.substr(0, open));
        std::size_t separator = build_separator(rest);
        std::string version = without_blanks(rest.substr(0, separator));
        std::string build;
        if (separator != std::string_view::npos) {
            std::string_view word = trim(rest.substr(separator + 1));
            if (word.find(' ') != std::string_view::npos)
                return fail("'{}' has more than a name, a version and a build; write NAME=VERSION=BUILD", out_.text);
            build = std::string(word);
        } else if (rest.ends_with('=') && rest.find_first_not_of("=<>!~ ") != std::string_view::npos) {
            return fail("'{}' has no build behind its last '='; write NAME=VERSION or NAME=VERSION=BUILD", out_.text);
        }
        if (version.find_first_not_of("=<>!~,|") == std::string::npos)
            return fail("'{}' has no version behind '{}'; write NAME=VERSION", out_.text, version);
        out_.version_written = version;
        return set_version(plain_version(version, !build.empty()), build);
    }

    Status set_version(std::string version, const std::string& build) {
        if (!version.empty()) {
            auto parsed = VersionSpec::parse(version);
            if (!parsed.ok()) return fail("'{}': {}", out_.text, parsed.error().message);
            out_.version = std::move(parsed).value();
            out_.version_text = std::move(version);
        }
        if (!build.empty()) TRY(set_build(build));
        return {};
    }

    Status set_build(const std::string& build) {
        auto parsed = TextPattern::parse(build);
        if (!parsed.ok()) return fail("'{}': {}", out_.text, parsed.error().message);
        out_.build = std::move(parsed).value();
        out_.build_text = build;
        return {};
    }

    Status read_bracket(std::string_view text) {
        std::vector<std::string> seen;
        for (text = trim(text); !text.empty();) {
            auto equals = text.find('=');
            if (equals == std::string_view::npos)
                return fail("'{}' has no KEY=VALUE inside its brackets; write for instance {}[version='>=1']",
                            out_.text, out_.name);
            std::string key(trim(text.substr(0, equals)));
            text = trim(text.substr(equals + 1));
            std::size_t stop = 0;
            if (!text.empty() && (text[0] == '\'' || text[0] == '"')) {
                auto close = text.find(text[0], 1);
                if (close == std::string_view::npos) return fail("'{}' has a quote that is not closed", out_.text);
                stop = close + 1;
            } else {
                stop = std::min(text.find_first_of(", "), text.size());
            }
            std::string value(unquoted(text.substr(0, stop)));
            std::string_view behind = text.substr(stop);
            if (!behind.empty() && behind[0] != ',' && behind[0] != ' ')
                return fail("'{}' lacks a ',' between two fields in its brackets", out_.text);
            text = trim(behind);
            if (text.starts_with(',')) text = trim(text.substr(1));
            if (std::ranges::find(seen, key) != seen.end())
                return fail("'{}' has the field '{}' twice in its brackets", out_.text, key);
            if (value.empty()) return fail("'{}' has no value for '{}' in its brackets", out_.text, key);
            TRY(set_field(key, value));
            seen.push_back(key);
        }
        return {};
    }

    Status set_field(const std::string& key, const std::string& value) {
        if (key == "version") {
            out_.version_written = without_blanks(value);
            return set_version(plain_version(out_.version_written, false), "");
        }
        if (key == "build" || key == "build_string") return set_build(value);
        if (key == "build_number") {
            auto parsed = VersionSpec::parse(value);
            if (!parsed.ok()) return fail("'{}': build_number: {}", out_.text, parsed.error().message);
            out_.build_number = std::move(parsed).value();
            return {};
        }
        if (key == "channel") {
            const std::string subdir = out_.subdir;
            TRY(set_channel(value));
            if (out_.subdir.empty()) out_.subdir = subdir;
            return {};
        }
        if (key == "track_features") {
            for (std::string_view word : split(value, ' '))
                if (!trim(word).empty()) out_.track_features.emplace_back(trim(word));
            return {};
        }
        std::string* field = key == "subdir"    ? &out_.subdir
                             : key == "url"     ? &out_.url
                             : key == "fn"      ? &out_.file_name
                             : key == "md5"     ? &out_.md5
                             : key == "sha256"  ? &out_.sha256
                             : key == "license" ? &out_.license
                                                : nullptr;
        if (field) {
            *field = value;
            return {};
        }
        if (key == "name") return {}; // the one in front counts, as with conda
        if (key == "features" || key == "license_family") return {};
        return fail("'{}' has the unknown field '{}' in its brackets", out_.text, key);
    }

    Status check() {
        out_.md5 = to_lower(out_.md5);
        out_.sha256 = to_lower(out_.sha256);
        if (!out_.md5.empty() && (out_.md5.size() != 32 || !from_hex(out_.md5)))
            return fail("'{}': md5 is not 32 hexadecimal digits", out_.text);
        if (!out_.sha256.empty() && (out_.sha256.size() != 64 || !from_hex(out_.sha256)))
            return fail("'{}': sha256 is not 64 hexadecimal digits", out_.text);
        return {};
    }

    MatchSpec& out_;
};

} // namespace

Result<MatchSpec> MatchSpec::parse(std::string_view text) {
    MatchSpec out;
    TRY(MatchSpecReader(text, out).read());
    return out;
}

bool MatchSpec::plain() const {
    return !build_number && channel.empty() && subdir.empty() && url.empty() && file_name.empty() && md5.empty() &&
           sha256.empty() && license.empty() && track_features.empty();
}

bool MatchSpec::matches(const RecordView& c, const std::vector<std::string>& channels) const {
    if (version && !(c.version && version->matches(*c.version))) return false;
    if (build && !build->matches(c.build)) return false;
    if (plain()) return true;
    if (build_number) {
        auto number = VersionOrder::parse(std::to_string(c.build_number));
        if (!number.ok() || !build_number->matches(*number)) return false;
    }
    if (!channel.empty() && std::ranges::find(channels, c.channel) == channels.end()) return false;
    if (!subdir.empty() && subdir != c.subdir) return false;
    if (!file_name.empty() && file_name != c.file_name) return false;
    if (!md5.empty() && md5 != c.md5) return false;
    if (!sha256.empty() && sha256 != c.sha256) return false;
    if (!license.empty() && license != c.license) return false;
    return std::ranges::all_of(track_features, [&](const std::string& feature) {
        return std::ranges::find(c.track_features, std::string_view(feature)) != c.track_features.end();
    });
}

std::string_view dependency_name(std::string_view dependency) {
    if (auto colons = dependency.rfind("::"); colons != std::string_view::npos) dependency.remove_prefix(colons + 2);
    dependency = trim(dependency);
    return dependency.substr(0, std::min(dependency.find_first_of(" =<>!~[\t#"), dependency.size()));
}

} // namespace tinderbox::conda
