// Conda match specs, as far as a request has to understand them: name, version, build and channel taken apart.
// What a version expression means is decided by generator/conda/match_spec.hpp.
#include "common/base/text.hpp"
#include "generator/conda/match_spec.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

std::string_view unquoted(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && (text[0] == '\'' || text[0] == '"') && text.back() == text[0])
        text = text.substr(1, text.size() - 2);
    return text;
}

// "[version='>=1,<2', build=py*, md5=…]": fields win over what stands in front of the bracket.
Status read_bracket(std::string_view text, CondaSpec& out) {
    while (!trim(text).empty()) {
        text = trim(text);
        auto equals = text.find('=');
        if (equals == std::string_view::npos)
            return line_error(out.line, "'{}' has no KEY=VALUE inside its brackets", out.text);
        std::string_view key = trim(text.substr(0, equals));
        text = trim(text.substr(equals + 1));
        std::size_t stop = 0;
        if (!text.empty() && (text[0] == '\'' || text[0] == '"')) {
            auto close = text.find(text[0], 1);
            if (close == std::string_view::npos)
                return line_error(out.line, "'{}' has a quote that is not closed", out.text);
            stop = close + 1;
        } else {
            stop = std::min(text.find(','), text.size());
        }
        std::string value(unquoted(text.substr(0, stop)));
        text = trim(text.substr(stop));
        if (!text.empty() && text[0] != ',')
            return line_error(out.line, "'{}' lacks a ',' between two fields in its brackets", out.text);
        if (!text.empty()) text.remove_prefix(1);
        if (key == "version") out.version = value;
        else if (key == "build") out.build = value;
        else if (key == "channel") out.channel = value;
        else if (key == "md5") out.md5 = value;
        else if (key == "sha256") out.sha256 = value;
        else if (key == "url") out.url = value;
        else if (key == "subdir") out.channel += out.channel.empty() ? "" : "/" + value;
        else if (key != "build_number" && key != "fn" && key != "license" && key != "features" && key != "track_features")
            return line_error(out.line, "'{}' has the unknown field '{}' in its brackets", out.text, key);
    }
    return {};
}

} // namespace

Result<CondaSpec> read_match_spec(std::string_view text, const SourceLine& line) {
    CondaSpec out;
    out.line = line;
    text = trim(text);
    // conda allows a comment behind a spec.
    if (auto hash = text.find(" #"); hash != std::string_view::npos) text = trim(text.substr(0, hash));
    out.text = std::string(text);
    std::string_view rest = text;
    std::string_view bracket;
    if (rest.ends_with(']')) {
        auto open = rest.find('[');
        if (open == std::string_view::npos) return line_error(line, "'{}' has a ']' without a '['", text);
        bracket = rest.substr(open + 1, rest.size() - open - 2);
        rest = trim(rest.substr(0, open));
    }
    if (auto colons = rest.rfind("::"); colons != std::string_view::npos) {
        out.channel = std::string(trim(rest.substr(0, colons)));
        rest = trim(rest.substr(colons + 2));
        if (out.channel.empty()) return line_error(line, "'{}' has no channel before '::'", text);
    }
    std::size_t name_end = 0;
    while (name_end < rest.size() && is_name_char(rest[name_end])) ++name_end;
    out.name = to_lower(rest.substr(0, name_end));
    rest = trim(rest.substr(name_end));
    if (out.name.empty() && !text.starts_with('*'))
        return line_error(line, "'{}' does not begin with a package's name; write NAME, NAME=VERSION or "
                                "NAME=VERSION=BUILD",
                          text);
    if (!rest.empty() && std::string_view("=<>!~").find(rest[0]) == std::string_view::npos && rest.data() > text.data() &&
        *(rest.data() - 1) != ' ')
        return line_error(line, "'{}' follows the name in '{}'; write NAME=VERSION", rest, text);
    if (rest.starts_with('=') && !rest.starts_with("==")) {
        // NAME=VERSION and NAME=VERSION=BUILD
        rest = trim(rest.substr(1));
        auto equals = rest.find('=');
        if (equals == 0 || rest.empty()) return line_error(line, "'{}' has no version behind the '='", text);
        out.version = std::string(trim(rest.substr(0, equals)));
        if (equals != std::string_view::npos) out.build = std::string(trim(rest.substr(equals + 1)));
        // "NAME=VERSION BUILD"
        if (auto space = out.version.find(' '); space != std::string::npos && out.build.empty()) {
            out.build = std::string(trim(std::string_view(out.version).substr(space + 1)));
            out.version.resize(space);
        }
        if (out.build.starts_with('=') || (equals != std::string_view::npos && out.build.empty()))
            return line_error(line, "'{}' is not NAME=VERSION=BUILD", text);
    } else if (!rest.empty()) {
        // "NAME ==1.0 BUILD", "NAME >=1,<2", "NAME >= 1": an operator's spaces belong to it, a later one parts the build.
        std::string version;
        std::size_t at = 0;
        while (at < rest.size()) {
            char c = rest[at];
            if (c != ' ') {
                version += c;
            } else {
                auto next = rest.find_first_not_of(' ', at);
                char before = version.empty() ? ' ' : version.back();
                bool joins = std::string_view("=<>!~,|").find(before) != std::string_view::npos ||
                             std::string_view(",|").find(rest[next]) != std::string_view::npos;
                if (!joins) {
                    out.build = std::string(trim(rest.substr(next)));
                    break;
                }
                at = next;
                continue;
            }
            ++at;
        }
        out.version = version;
        // "NAME==VERSION=BUILD"
        if (version.starts_with("==") && out.build.empty())
            if (auto equals = version.find('=', 2); equals != std::string::npos) {
                out.build = version.substr(equals + 1);
                out.version.resize(equals);
            }
        if (out.version.find_first_not_of("=<>!~,| ") == std::string::npos)
            return line_error(line, "'{}' has no version behind '{}'", text, out.version);
        if (out.build.find(' ') != std::string::npos)
            return line_error(line, "'{}' has more than a name, a version and a build", text);
    }
    TRY(read_bracket(bracket, out));
    // What the words mean is decided there; a version that is none is said here, with its line.
    auto understood = conda::MatchSpec::parse(text);
    if (!understood.ok()) return std::move(understood).error().in(line.str());
    return out;
}

} // namespace tinderbox
