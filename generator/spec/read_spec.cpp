// Which kind of SPEC a file is, and reading it.
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>
#include <cstdlib>

namespace tinderbox {
namespace {

// The first line that says something; "" when none does.
std::string_view first_line(const std::vector<std::string_view>& lines, std::string_view comment = "#") {
    for (std::string_view line : lines)
        if (auto text = trim(line); !text.empty() && !text.starts_with(comment) && text != "---") return text;
    return {};
}

// "key:" or "key = " at the beginning of a line, not indented.
bool has_key(const std::vector<std::string_view>& lines, std::string_view key, char separator = ':') {
    return std::ranges::any_of(lines, [&](std::string_view line) {
        if (line.starts_with("---")) line = trim(line.substr(3));
        if (!line.starts_with(key)) return false;
        line.remove_prefix(key.size());
        if (separator != ':') line = trim(line);
        if (!line.starts_with(separator)) return false;
        // "name: x" is a key; "name:x" is none in YAML.
        return separator != ':' || line.size() == 1 || line[1] == ' ' || line[1] == '\t';
    });
}

// The text as UTF-8, or why it is none.
Status check_encoding(std::string_view text, const std::string& path) {
    bool utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
    if (utf16)
        return make_error(ErrorKind::usage, "{}: it is UTF-16 text; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)",
                          path);
    if (text.starts_with("\x7f" "ELF") || text.starts_with("PK\x03\x04") || text.starts_with("#!"))
        return make_error(ErrorKind::usage, "{}: it is a program or an archive, not a SPEC; write --pip PATH for a wheel",
                          path);
    if (text.find('\0') != std::string_view::npos || !is_valid_utf8(text))
        return make_error(ErrorKind::usage, "{}: it is not UTF-8 text; save it as UTF-8", path);
    return {};
}

} // namespace

std::string directory_of(const std::string& file) {
    auto slash = file.rfind('/');
    return slash == std::string::npos ? std::string() : slash == 0 ? "/" : file.substr(0, slash);
}

std::string locate_path(std::string_view text, const std::string& directory) {
    std::string path(text);
    const char* home = std::getenv("HOME");
    if (path.starts_with("~/") && home) path = home + path.substr(1);
    std::error_code ignored;
    fs::path here = fs::absolute(path, ignored).lexically_normal();
    if (path.starts_with('/') || directory.empty() || fs::exists(here, ignored)) return here.string();
    fs::path there = fs::absolute(fs::path(directory) / path, ignored).lexically_normal();
    return fs::exists(there, ignored) ? there.string() : here.string();
}

std::string beside(const std::string& file, std::string_view other) {
    std::string directory = directory_of(file);
    if (other.starts_with('/') || directory.empty()) return std::string(other);
    return (directory == "/" ? "" : directory) + "/" + std::string(other);
}

std::string_view to_string(SpecKind kind) {
    switch (kind) {
    case SpecKind::requirements: return "requirements.txt";
    case SpecKind::explicit_list: return "explicit";
    case SpecKind::environment: return "environment.yml";
    case SpecKind::tinderbox_lock: return "tinderbox lock";
    case SpecKind::conda_lock: return "conda-lock.yml";
    case SpecKind::pixi_lock: return "pixi.lock";
    case SpecKind::pylock: return "pylock.toml";
    case SpecKind::construct: return "construct.yaml";
    }
    return "";
}

SpecKind recognise_spec(std::string_view text) {
    auto lines = split_lines(text);
    std::string_view first = first_line(lines);
    if (first == "@EXPLICIT") return SpecKind::explicit_list;
    if (first.starts_with('{') && text.find("\"tinderbox_lock\"") != std::string_view::npos)
        return SpecKind::tinderbox_lock;
    if (has_key(lines, "lock-version", '=')) return SpecKind::pylock;
    if (has_key(lines, "version") && has_key(lines, "package")) return SpecKind::conda_lock;
    if (has_key(lines, "version") && has_key(lines, "environments")) return SpecKind::pixi_lock;
    if (has_key(lines, "specs") && has_key(lines, "version")) return SpecKind::construct;
    for (std::string_view key : {"dependencies", "channels", "name", "variables"})
        if (has_key(lines, key)) return SpecKind::environment;
    if (std::ranges::any_of(lines, [](std::string_view line) { return trim(line) == "@EXPLICIT"; }))
        return SpecKind::explicit_list;
    return SpecKind::requirements;
}

Result<Request> parse_spec(std::string_view text, const std::string& path) {
    TRY(check_encoding(text, path));
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    SpecKind kind = recognise_spec(text);
    Request request;
    request.kind = to_string(kind);
    request.source = path;
    switch (kind) {
    case SpecKind::requirements: TRY(read_requirements(text, path, request)); break;
    case SpecKind::explicit_list: TRY(read_explicit(text, path, request)); break;
    case SpecKind::environment: TRY(read_environment(text, path, request)); break;
    case SpecKind::tinderbox_lock:
        return make_error(ErrorKind::usage, "{}: it is a lock and stands alone; give no other SPEC beside it", path);
    default:
        return make_error(ErrorKind::usage, "{}: it is a {}, which this version does not read; write an environment.yml, "
                                            "a requirements.txt or an @EXPLICIT list",
                          path, to_string(kind));
    }
    return request;
}

Result<Request> read_spec(const std::string& path) {
    std::error_code ignored;
    if (!fs::exists(path, ignored))
        return make_error(ErrorKind::usage, "{}: there is no such file; name an environment.yml, a requirements.txt or an "
                                            "@EXPLICIT list",
                          path);
    if (fs::is_directory(path, ignored))
        return make_error(ErrorKind::usage, "{}: it is a directory; name a file (or write --from-prefix for a captured "
                                            "environment)",
                          path);
    auto text = read_text(path, 64u << 20);
    if (!text) return make_error(ErrorKind::usage, "{}", text.error().message);
    return parse_spec(*text, path);
}

Status add_conda(Request& request, std::string_view spec, SourceLine line) {
    spec = trim(spec);
    bool file = (spec.find("://") != std::string_view::npos && spec.find("::") == std::string_view::npos) ||
                spec.ends_with(".conda") || spec.ends_with(".tar.bz2") || spec.starts_with("./") || spec.starts_with('/');
    TRY_ASSIGN(CondaSpec parsed, file ? read_conda_url(spec, line, "") : read_match_spec(spec, line));
    request.conda.push_back(std::move(parsed));
    return {};
}

} // namespace tinderbox
