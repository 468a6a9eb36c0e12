// Which kind of SPEC a file is, and reading it.
#include "common/base/ascii.hpp"
#include "common/base/input_file.hpp"
#include "common/base/lines.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/utf8.hpp"
#include "generator/archive/endings.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/own_project.hpp"
#include "generator/spec/reader.hpp"
#include "generator/spec/spec_text.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <set>

namespace tinderbox::spec {
namespace {

// The first line that says something; "" when none does.
std::string_view first_line(const std::vector<std::string_view>& lines, std::string_view comment = "#") {
    for (std::string_view line : lines)
        if (auto text = trim(line); !text.empty() && !text.starts_with(comment) && text != "---") return text;
    return {};
}

// "key:" or "key = " at the beginning of a line, not indented; also '"key":' and "key :".
bool has_key(const std::vector<std::string_view>& lines, std::string_view key, char separator = ':') {
    return std::ranges::any_of(lines, [&](std::string_view line) {
        if (line.starts_with("---")) line = trim(line.substr(3));
        const bool quoted = line.starts_with('"') || line.starts_with('\'');
        const char quote = quoted ? line[0] : ' ';
        if (quoted) line.remove_prefix(1);
        if (!line.starts_with(key)) return false;
        line.remove_prefix(key.size());
        if (quoted && !line.starts_with(quote)) return false;
        if (quoted) line.remove_prefix(1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.starts_with(separator)) return false;
        // "name: x" has a key; YAML reads "name:x" as one word.
        return separator != ':' || line.size() == 1 || line[1] == ' ' || line[1] == '\t';
    });
}

bool has_line(const std::vector<std::string_view>& lines, std::string_view wanted) {
    return std::ranges::any_of(lines,
                               [&](std::string_view line) { return trim(line.substr(0, line.find('#'))) == wanted; });
}

bool has_any_key(const std::vector<std::string_view>& lines, std::initializer_list<std::string_view> keys) {
    return std::ranges::any_of(keys, [&](std::string_view key) { return has_key(lines, key); });
}

// nullopt: half a unit, half a surrogate pair, or no code point.
std::optional<std::string> utf8_of(std::string_view bytes, std::size_t width, bool big_endian) {
    if (bytes.size() % width != 0) return std::nullopt;
    std::string out;
    auto unit = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < width; ++i)
            value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * (big_endian ? width - 1 - i : i));
        return value;
    };
    for (std::size_t at = 0; at < bytes.size(); at += width) {
        std::uint32_t code = unit(at);
        if (width == 2 && code >= 0xd800 && code < 0xdc00) {
            at += 2;
            if (at >= bytes.size()) return std::nullopt;
            const std::uint32_t low = unit(at);
            if (low < 0xdc00 || low > 0xdfff) return std::nullopt;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        if (!is_scalar_value(code)) return std::nullopt;
        append_utf8(out, code);
    }
    return out;
}

// PEP 263's comment, which pip honours: "# -*- coding: latin-1 -*-" in one of the first two lines.
bool says_latin1(std::string_view text) {
    auto lines = split_lines(text.substr(0, 1000));
    for (std::size_t i = 0; i < lines.size() && i < 2; ++i) {
        std::string line = to_lower(lines[i]);
        if (!line.starts_with("#")) continue;
        auto at = line.find("coding");
        if (at == std::string::npos) continue;
        std::string name = replace_all(line.substr(at + 6), "_", "-");
        for (const char* latin : {"latin-1", "latin1", "iso-8859-1", "iso8859-1"})
            if (trim(std::string_view(name).substr(std::min<std::size_t>(1, name.size()))).starts_with(latin))
                return true;
    }
    return false;
}

bool has_explicit(std::string_view text) { return text.find("@EXPLICIT") != std::string_view::npos; }

// Texts that are no SPEC, told by their first bytes or lines; the remedy depends on what they are.
Status refuse_other_texts(std::string_view text, const std::string& path) {
    const std::string start = to_lower(trim(text.substr(0, 200)));
    if (start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<?xml"))
        return make_error(ErrorKind::usage,
                          "{}: it is a web page, not a SPEC; download the file itself (on a code host: 'Raw')", path);
    int number = 0;
    for (std::string_view line : Lines(text)) {
        ++number;
        if (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> "))
            return line_error({path, number}, "a merge conflict is not resolved here; keep one of the two sides");
        if (number <= 4 && line.starts_with("# $ conda create --name <env> --file") && !has_explicit(text))
            return make_error(
                ErrorKind::usage,
                "{}: it is the output of 'conda list --export', which names no channels and holds pip's "
                "packages as conda's; write 'conda env export >environment.yml' or 'conda list --explicit "
                "--md5 >explicit.txt'",
                path);
    }
    return {};
}

// 1-based line of the first byte that is no UTF-8.
int first_bad_line(std::string_view text) {
    int number = 0;
    for (std::string_view line : Lines(text)) {
        ++number;
        if (!is_valid_utf8(line) || line.find('\0') != std::string_view::npos) return number;
    }
    return 0;
}

// "aiohttp, yarl and 2 more" by name of the package that they need. A lock does not name the requested packages: they
// are those that no other package needs.
std::map<std::string, std::string> needs_of(const std::vector<const ForeignPackage*>& packages) {
    constexpr std::size_t shown = 3;
    std::map<std::string, std::set<std::string>> parents;
    for (const ForeignPackage* package : packages)
        for (const ForeignEdge& edge : package->needs)
            if (edge.name != package->name) parents[edge.name].insert(package->name);
    std::map<std::string, std::string> out;
    for (const auto& [name, by] : parents) out[name] = all_or_some({by.begin(), by.end()}, shown);
    return out;
}

// The conda packages and channels of a selection; its wheels follow when the target's Python is known.
void add_lock(LockSelection selection, Request& request) {
    const ForeignLock& lock = *selection.lock;
    const std::string channel_key = lock.kind == to_string(SpecKind::pixi_lock) ? selection.groups.front() : "";
    if (auto channels = lock.channels.find(channel_key); channels != lock.channels.end())
        request.channels = channels->second;
    if (!channel_key.empty() && channel_key != "default") request.name = channel_key;
    const std::vector<const ForeignPackage*> packages = conda_of(selection);
    const auto needed_by = needs_of(packages);
    for (const ForeignPackage* package : packages) {
        CondaSpec spec;
        spec.name = package->name;
        if (auto by = needed_by.find(spec.name); by != needed_by.end()) spec.needed_by = by->second;
        spec.version = package->version;
        spec.build = package->build;
        spec.line = package->line;
        if (!package->files.empty()) {
            const ForeignFile& file = package->files.front();
            spec.url = file.url;
            spec.md5 = file.md5;
            spec.sha256 = file.sha256;
            spec.hashes = file.hashes;
            spec.size = file.size;
            spec.channel = channel_of_url(file.url);
        }
        spec.text = fmt::format("{}={}={}", spec.name, spec.version, spec.build);
        request.conda.push_back(std::move(spec));
    }
    request.locks.push_back(std::move(selection));
}

// A package that the lock's own tool would build.
Status refuse_conda_sources(const LockSelection& selection) {
    std::string problems;
    for (const ForeignPackage* package : conda_of(selection))
        if (!package->source.empty())
            problems +=
                fmt::format("{}{}: {} is {}; build it, and give its URL or path with --conda in a lock without it",
                            problems.empty() ? "" : "\n", package->line.str(), package->name, package->source);
    if (!problems.empty()) return Error{ErrorKind::usage, problems};
    return {};
}

} // namespace

std::string directory_of(const std::string& file) {
    if (is_stream(file)) return {};
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
    case SpecKind::requirements:
        return "requirements.txt";
    case SpecKind::explicit_list:
        return "explicit";
    case SpecKind::environment:
        return "environment.yml";
    case SpecKind::tinderbox_lock:
        return "tinderbox lock";
    case SpecKind::conda_lock:
        return "conda-lock.yml";
    case SpecKind::pixi_lock:
        return "pixi.lock";
    case SpecKind::pylock:
        return "pylock.toml";
    case SpecKind::uv_lock:
        return "uv.lock";
    case SpecKind::pyproject:
        return "pyproject.toml";
    case SpecKind::construct:
        return "construct.yaml";
    }
    return "";
}

SpecKind recognise_spec(std::string_view text) {
    // What tells the kinds apart stands near the top.
    constexpr std::size_t looked_at = 16u << 20;
    auto lines = split_lines(text.substr(0, looked_at));
    std::string_view first = first_line(lines);
    if (first == "@EXPLICIT") return SpecKind::explicit_list;
    if (first.starts_with('{') && text.find("\"tinderbox_lock\"") != std::string_view::npos)
        return SpecKind::tinderbox_lock;
    if (has_key(lines, "lock-version", '=')) return SpecKind::pylock;
    if (has_key(lines, "version", '=') && has_line(lines, "[[package]]")) return SpecKind::uv_lock;
    for (std::string_view table : {"[project]", "[dependency-groups]", "[build-system]"})
        if (has_line(lines, table)) return SpecKind::pyproject;
    if (has_key(lines, "version") && has_key(lines, "package")) return SpecKind::conda_lock;
    if (has_key(lines, "version") && has_key(lines, "environments")) return SpecKind::pixi_lock;
    // Keys that only constructor has; its `specs` are `dependencies` elsewhere.
    if (has_any_key(lines, {"specs", "environment_file", "user_requested_specs", "installer_type", "extra_envs",
                            "channels_remap"}) ||
        (has_key(lines, "version") &&
         has_any_key(lines, {"environment", "post_install", "license_file", "extra_files"})))
        return SpecKind::construct;
    // Constructor requires both; a misspelt `specs` is left.
    if (has_key(lines, "name") && has_key(lines, "version") && !has_key(lines, "dependencies"))
        return SpecKind::construct;
    if (first.starts_with('{') && text.find("dependencies") != std::string_view::npos) return SpecKind::environment;
    for (std::string_view key : {"dependencies", "channels", "name", "variables"})
        if (has_key(lines, key)) return SpecKind::environment;
    // "depencencies:" is a mistake in one of these, and nothing in a list of requirements.
    for (std::string_view line : lines)
        if (const auto colon = line.find(':'); colon != std::string_view::npos &&
                                               trim(line.substr(colon + 1)).empty() &&
                                               !meant_key(line.substr(0, colon), {"dependencies", "channels"}).empty())
            return SpecKind::environment;
    if (std::ranges::any_of(lines, [](std::string_view line) { return trim(line) == "@EXPLICIT"; }))
        return SpecKind::explicit_list;
    return SpecKind::requirements;
}

Result<std::string> decode_spec(std::string text, const std::string& path) {
    TRY(refuse_other_files(std::string_view(text).substr(0, refused_by), path));
    std::optional<std::string> decoded;
    // UTF-32's mark begins like UTF-16's.
    if (text.starts_with(std::string_view("\xff\xfe\0\0", 4)))
        decoded = utf8_of(std::string_view(text).substr(4), 4, false);
    else if (text.starts_with(std::string_view("\0\0\xfe\xff", 4)))
        decoded = utf8_of(std::string_view(text).substr(4), 4, true);
    else if (text.starts_with("\xff\xfe")) decoded = utf8_of(std::string_view(text).substr(2), 2, false);
    else if (text.starts_with("\xfe\xff")) decoded = utf8_of(std::string_view(text).substr(2), 2, true);
    else if (text.starts_with("\xef\xbb\xbf")) decoded = text.substr(3);
    else if (!is_valid_utf8(text) && says_latin1(text)) decoded = latin1_to_utf8(text);
    else decoded = std::move(text);
    if (!decoded)
        return make_error(ErrorKind::usage,
                          "{}: its byte-order mark says UTF-16 or UTF-32, and it is not; save it as UTF-8", path);
    // Old Macs ended lines with CR alone. Every reader below knows LF and CR LF.
    for (std::size_t at = decoded->find('\r'); at != std::string::npos; at = decoded->find('\r', at + 1))
        if (at + 1 == decoded->size() || (*decoded)[at + 1] != '\n') (*decoded)[at] = '\n';
    if (const auto zero = decoded->find('\0'); zero != std::string::npos)
        return line_error({path, first_bad_line(*decoded)},
                          "it has a NUL byte, which no text has; the file is damaged, or it is UTF-16 without a mark");
    if (!is_valid_utf8(*decoded))
        return line_error({path, first_bad_line(*decoded)},
                          "it is not UTF-8 text; save it as UTF-8 (PowerShell: Out-File -Encoding utf8)");
    TRY(refuse_other_texts(*decoded, path));
    return std::move(*decoded);
}

std::string head_of(const std::string& path) {
    std::error_code ignored;
    if (is_stream(path) || !fs::is_regular_file(path, ignored)) return "";
    std::ifstream file(path, std::ios::binary);
    std::string out(refused_by, '\0');
    file.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(file.gcount()));
    return out;
}

Result<std::string> read_spec_text(const std::string& path) {
    std::error_code ignored;
    if (!is_stream(path) && !fs::exists(path, ignored) && pip::Requirement::parse(path).ok())
        return make_error(ErrorKind::usage,
                          "{0}: there is no such file; for a package write --pip '{0}' or --conda '{0}'", path);
    if (!is_stream(path) && !fs::exists(path, ignored))
        return make_error(
            ErrorKind::usage,
            "{}: there is no such file; name an environment.yml, a requirements.txt, a lock or another SPEC", path);
    if (fs::is_directory(path, ignored))
        return make_error(ErrorKind::usage,
                          "{}: it is a directory; name a file (or write --from-prefix for a captured "
                          "environment)",
                          path);
    TRY(refuse_other_files(head_of(path), path)); // before its size counts: a wheel may have gigabytes
    return read_input(path, spec_limit);
}

SpecArgument split_argument(const std::string& argument) {
    std::error_code ignored;
    auto bracket = argument.rfind('[');
    if (!argument.ends_with(']') || bracket == std::string::npos || bracket == 0 || fs::exists(argument, ignored))
        return {argument, {}};
    SpecArgument out{argument.substr(0, bracket), {}};
    for (std::string_view name :
         split(std::string_view(argument).substr(bracket + 1, argument.size() - bracket - 2), ','))
        if (auto plain = trim(name); !plain.empty()) out.names.emplace_back(plain);
    return out;
}

Result<ForeignLock> parse_foreign_lock(SpecKind kind, std::string_view text, const std::string& path) {
    try {
        switch (kind) {
        case SpecKind::conda_lock:
            return read_conda_lock(text, path);
        case SpecKind::pixi_lock:
            return read_pixi_lock(text, path);
        case SpecKind::pylock:
            return read_pylock(text, path);
        case SpecKind::uv_lock:
            return read_uv_lock(text, path);
        default:
            return make_error(ErrorKind::bug, "{}: a {} is no lock of another tool", path, to_string(kind));
        }
    } catch (const std::exception& e) { // of a YAML or TOML node of another type
        return make_error(ErrorKind::usage, "{}: it is not a {}: {}", path, to_string(kind), e.what());
    }
}

Result<Request> parse_spec(std::string_view raw, const std::string& path, const LockChoice& choice) {
    TRY_ASSIGN(const std::string text, decode_spec(std::string(raw), path));
    SpecKind kind = recognise_spec(text);
    Request request;
    request.kind = to_string(kind);
    request.source = path;
    try {
        switch (kind) {
        case SpecKind::requirements:
            TRY(read_requirements(text, path, request));
            break;
        case SpecKind::pyproject:
            TRY(read_pyproject(text, path, choice, request));
            break;
        case SpecKind::explicit_list:
            TRY(read_explicit(text, path, request));
            break;
        case SpecKind::environment:
            TRY(read_environment(text, path, choice, request));
            break;
        case SpecKind::construct:
            TRY(read_construct(text, path, choice, request));
            break;
        case SpecKind::tinderbox_lock:
            return make_error(ErrorKind::usage, "{}: it is a lock and stands alone; give no other SPEC beside it",
                              path);
        case SpecKind::conda_lock:
        case SpecKind::pixi_lock:
        case SpecKind::pylock:
        case SpecKind::uv_lock: {
            TRY_ASSIGN(ForeignLock lock, parse_foreign_lock(kind, text, path));
            request.project = project_of_lock(lock, path);
            TRY_ASSIGN(LockSelection selection,
                       select_packages(std::make_shared<const ForeignLock>(std::move(lock)), choice));
            TRY(refuse_conda_sources(selection));
            add_lock(std::move(selection), request);
            break;
        }
        }
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not a {}: {}", path, to_string(kind), e.what());
    }
    const bool chooses = !request.locks.empty() || kind == SpecKind::pyproject;
    if (!choice.names.empty() && !chooses)
        return make_error(ErrorKind::usage, "{}: it is a {}, which has nothing to choose; leave the [{}] away", path,
                          to_string(kind), choice.names.front());
    return request;
}

Result<Request> read_spec(const std::string& argument, LockChoice choice) {
    auto [path, names] = split_argument(argument);
    choice.names = std::move(names);
    TRY_ASSIGN(const std::string text, read_spec_text(path));
    return parse_spec(text, path, choice);
}

Status add_conda(Request& request, std::string_view spec, pip::SourceLine line) {
    spec = trim(spec);
    bool file = (spec.find("://") != std::string_view::npos && spec.find("::") == std::string_view::npos) ||
                archive::is_conda_package(spec) || spec.starts_with("./") || spec.starts_with('/');
    TRY_ASSIGN(CondaSpec parsed, file ? read_conda_url(spec, line, "") : read_match_spec(spec, line));
    request.conda.push_back(std::move(parsed));
    return {};
}

} // namespace tinderbox::spec
