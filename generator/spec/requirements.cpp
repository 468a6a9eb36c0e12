// requirements.txt as pip reads it: https://pip.pypa.io/en/stable/reference/requirements-file-format/
//
// Every line pip refuses is refused here with its number, and so is every line that pip would build something for
// (an editable, a VCS checkout): an installer that must work without network carries wheels only.
#include "common/base/ascii.hpp"
#include "common/base/hash.hpp"
#include "common/base/input_file.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"
#include "generator/spec/reader.hpp"
#include "generator/spec/spec_text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tinderbox::spec {
namespace {

// Where a line comes from, and what it may add to.
struct Context {
    Request& request;
    std::string file; // relative names start beside it
    bool constraint = false;
    std::vector<std::string> open_files; // of -r and -c, to find a circle
    RequirementsReading& reading;
};

struct LogicalLine {
    std::string text;
    int number = 0; // of its first physical line
};

// Lines as Python's str.splitlines() cuts them, which pip uses: at a form feed or a Unicode line separator, too.
// Takes the next one off the front of `text`, which is not empty.
std::string_view next_python_line(std::string_view& text) {
    std::size_t width = 0, end = 0;
    for (; end < text.size(); ++end) {
        const auto c = static_cast<unsigned char>(text[end]);
        if (c > 0x1e && c != 0xc2 && c != 0xe2) continue; // most
        const std::string_view rest = text.substr(end);
        if (rest.starts_with("\r\n")) width = 2;
        else if ((c >= '\n' && c <= '\r') || (c >= 0x1c && c <= 0x1e)) width = 1;
        else if (rest.starts_with("\xc2\x85")) width = 2;
        else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) width = 3;
        if (width != 0) break;
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + width);
    return line;
}

// Logical lines one after another. Lines that end with a backslash are joined and comments dropped, in pip's order: a
// comment line inside a continuation ends it.
class LogicalLines {
  public:
    explicit LogicalLines(std::string_view text) : rest_(text) {}

    // False at the end. `line` keeps its memory.
    bool next(LogicalLine& line) {
        line.text.clear();
        line.number = 0;
        while (!rest_.empty()) {
            std::string_view piece = next_python_line(rest_);
            ++number_;
            if (line.number == 0) line.number = number_;
            const auto first = piece.find_first_not_of(" \t");
            const bool comment = first != std::string_view::npos && piece[first] == '#';
            if (comment) line.text += ' ';
            const bool continued = !comment && piece.ends_with('\\');
            if (continued) piece.remove_suffix(1);
            line.text += piece;
            if (!continued) return true;
        }
        return line.number != 0;
    }

  private:
    std::string_view rest_;
    int number_ = 0; // of physical lines
};

std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i)
        if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return trim(line.substr(0, i));
    return trim(line);
}

// "${NAME}" becomes the variable's value; an unset one stays as it is written, as with pip.
std::string expand_variables(std::string_view line) {
    std::string out;
    while (true) {
        auto begin = line.find("${");
        auto end = begin == std::string_view::npos ? begin : line.find('}', begin);
        if (end == std::string_view::npos) return out.append(line);
        std::string name(line.substr(begin + 2, end - begin - 2));
        bool valid = !name.empty() && std::ranges::all_of(name, [](char c) { return is_word(c) && !is_lower(c); });
        const char* value = valid ? std::getenv(name.c_str()) : nullptr;
        out.append(line.substr(0, begin));
        out.append(value ? std::string_view(value) : line.substr(begin, end + 1 - begin));
        line.remove_prefix(end + 1);
    }
}

// Words of an option line, with a shell's quotes.
Result<std::vector<std::string>> shell_words(std::string_view text, const pip::SourceLine& line) {
    std::vector<std::string> out;
    std::string word;
    bool open = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '"' || c == '\'') {
            auto close = text.find(c, i + 1);
            if (close == std::string_view::npos)
                return line_error(line, "the quote {} is not closed; write a second one behind the value", c);
            word += text.substr(i + 1, close - i - 1);
            open = true;
            i = close;
        } else if (c == ' ' || c == '\t') {
            if (open) out.push_back(std::exchange(word, {}));
            open = false;
        } else {
            if (c == '\\' && i + 1 < text.size()) c = text[++i];
            word += c;
            open = true;
        }
    }
    if (open) out.push_back(word);
    return out;
}

struct Option {
    std::string name, value; // the long name
};

struct OptionRow {
    std::string_view name, letter;
    bool takes_value;
};

constexpr OptionRow option_table[] = {{"--index-url", "-i", true},
                                      {"--pypi-url", "", true},
                                      {"--extra-index-url", "", true},
                                      {"--no-index", "", false},
                                      {"--find-links", "-f", true},
                                      {"--requirement", "-r", true},
                                      {"--constraint", "-c", true},
                                      {"--editable", "-e", true},
                                      {"--no-binary", "", true},
                                      {"--only-binary", "", true},
                                      {"--prefer-binary", "", false},
                                      {"--require-hashes", "", false},
                                      {"--no-require-hashes", "", false},
                                      {"--all-releases", "", true},
                                      {"--only-final", "", true},
                                      {"--pre", "", false},
                                      {"--trusted-host", "", true},
                                      {"--use-feature", "", true},
                                      {"--hash", "", true},
                                      {"--config-settings", "-C", true},
                                      {"--config-setting", "", true},
                                      {"--global-option", "", true},
                                      {"--install-option", "", true},
                                      {"--use-pep517", "", false},
                                      {"--no-use-pep517", "", false},
                                      {"--always-unzip", "-Z", false},
                                      {"--no-use-wheel", "", false}};

// A word of an option line: the row of its option, and the value that is written in the same word.
struct OptionWord {
    const OptionRow* row = nullptr; // null: no option, or one that pip does not have
    std::string name;
    std::optional<std::string> value;
};

OptionWord read_option_word(const std::string& word) {
    OptionWord out;
    out.name = word;
    if (auto equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
        out.name = word.substr(0, equals);
        out.value = word.substr(equals + 1);
    }
    for (const OptionRow& row : option_table) {
        const bool letter = !row.letter.empty() && !word.starts_with("--") && word.starts_with(row.letter);
        if (out.name != row.name && !letter) continue;
        out.row = &row;
        if (letter && word.size() > 2) out.value = word.substr(2);
        return out;
    }
    if (!out.name.starts_with("--") || out.name.size() == 2) return out;
    // optparse takes an abbreviation that can mean only one option.
    auto fits = [&](const OptionRow& row) { return row.name.starts_with(out.name); };
    if (std::ranges::count_if(option_table, fits) == 1) out.row = &*std::ranges::find_if(option_table, fits);
    return out;
}

Error unknown_option(const std::string& word, const OptionWord& option, const pip::SourceLine& line) {
    if (word == "-")
        return line_error(line,
                          "it looks like a YAML list; write the packages without '-', or 'dependencies:' above them");
    if (word.starts_with(';'))
        return line_error(line, "the marker stands behind an option; write it behind the requirement, before '--'");
    if (word.starts_with('-'))
        return line_error(line,
                          "unknown option '{}'; requirements files have only pip's --index-url, "
                          "--extra-index-url, --find-links, --no-index, --pre, --trusted-host, "
                          "--require-hashes, -r, -c and --hash",
                          pip::printable(option.name));
    return line_error(line, "'{}' is left over behind an option; put it on a line of its own",
                      pip::printable(option.name));
}

Result<std::vector<Option>> parse_options(std::string_view text, const pip::SourceLine& line) {
    TRY_ASSIGN(auto words, shell_words(text, line));
    std::vector<Option> out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        OptionWord option = read_option_word(words[i]);
        if (!option.row) return unknown_option(words[i], option, line);
        if (!option.row->takes_value && option.value)
            return line_error(line, "the option '{}' takes no value; write it alone", option.row->name);
        if (option.row->takes_value && !option.value) {
            if (++i == words.size())
                return line_error(line, "the option '{}' has no value; write it behind the option", option.row->name);
            option.value = words[i];
        }
        out.push_back({std::string(option.row->name), option.value.value_or("")});
    }
    return out;
}

Result<std::string> parse_hash(std::string_view value, const pip::SourceLine& line) {
    auto colon = value.find(':');
    auto algorithm = to_lower(value.substr(0, colon));
    auto digest = colon == std::string_view::npos ? std::string() : to_lower(value.substr(colon + 1));
    std::size_t digits = algorithm == "sha256" ? 64 : algorithm == "sha384" ? 96 : algorithm == "sha512" ? 128 : 0;
    bool hex = !digest.empty() && digest.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (colon == std::string_view::npos || digits == 0)
        return line_error(line,
                          "'--hash={}' is not ALGORITHM:DIGEST with sha256, sha384 or sha512; write "
                          "--hash=sha256: and 64 hexadecimal digits",
                          value);
    if (!hex || digest.size() != digits)
        return line_error(line, "'--hash={}' does not have {} hexadecimal digits behind the ':'; copy the whole hash",
                          value, digits);
    return algorithm + ":" + digest;
}

// pip would build this. The request keeps it, so that `inspect` shows it; check_bundled() refuses it.
std::string vcs_problem(std::string_view text) {
    return fmt::format("'{}' is a version control checkout, which has to be built; build a wheel of it with "
                       "'pip wheel --no-deps' and write the wheel's path here",
                       pip::printable(text));
}

// "[a,b]" → {"a", "b"}
Result<std::vector<std::string>> extras_of(std::string_view bracketed, const pip::SourceLine& line) {
    auto parsed = pip::Requirement::parse("x" + std::string(bracketed));
    if (!parsed || !parsed->specifier.empty())
        return line_error(line, "'{}' is not a list of extras such as [cuda,test]", bracketed);
    return parsed->extras;
}

// "file://./wheels/x.whl" names a machine called ".", and "file:///croot/…" of conda's builds a directory that only
// they had.
Status check_file_url(const pip::RequirementLine& line) {
    if (!line.url.starts_with("file:")) return {};
    if (!line.url.starts_with("file:///") && !line.url.starts_with("file://localhost/"))
        return line_error(line.line, "'{}' is no URL of a file; write file:// and an absolute path, or the path alone",
                          pip::printable(line.url));
    const std::string path = file_url_to_path(line.url);
    for (const char* place :
         {"/croot/", "/home/conda/feedstock_root/", "/tmp/build/", "/opt/conda/conda-bld/", "/work/"})
        if (path.starts_with(place) && !fs::exists(path))
            return line_error(
                line.line,
                "'{}' is where conda built the package: this is 'pip freeze' of a conda environment; "
                "write 'conda env export >environment.yml', or 'pip list --format=freeze >requirements.txt'",
                pip::printable(line.url));
    return {};
}

// What a URL's or path's last element says about the package.
void name_from_file(pip::RequirementLine& out) {
    if (auto wheel = pip::parse_wheel_name(fetch::file_name_at(out.url))) out.name = wheel->name;
}

Status check_marker(const pip::RequirementLine& requirement) {
    if (requirement.marker.empty()) return {};
    auto parsed = pip::Marker::parse(requirement.marker);
    if (!parsed) return std::move(parsed.error()).in(requirement.line.str());
    return {};
}

// "https://host/x.whl", "https://host/x.whl#egg=name[extra]", "https://host/x.whl ; marker"
Status read_url_requirement(std::string_view text, pip::RequirementLine& out) {
    auto stop = text.find("; ");
    if (auto spaced = text.find(" ;"); spaced < stop) stop = spaced;
    std::string_view url = trim(text.substr(0, stop));
    if (stop != std::string_view::npos) out.marker = std::string(trim(text.substr(text.find(';', stop) + 1)));
    if (url.find_first_of(" \t") != std::string_view::npos)
        return line_error(out.line, "'{}' has white space inside its URL; write %20 instead", pip::printable(url));
    out.url = std::string(url);
    std::string fragment = fetch::Url::parse(url).fragment;
    for (std::string_view part : split(fragment, '&')) {
        if (!part.starts_with("egg=")) continue;
        part.remove_prefix(4);
        auto bracket = part.find('[');
        if (bracket != std::string_view::npos) {
            TRY_ASSIGN(out.extras, extras_of(part.substr(bracket), out.line));
        }
        if (pip::is_valid_name(part.substr(0, bracket))) out.name = pip::normalize_name(part.substr(0, bracket));
    }
    TRY(check_file_url(out));
    if (is_vcs_url(url)) out.unbundled = vcs_problem(text);
    name_from_file(out);
    return check_marker(out);
}

bool looks_like_path(std::string_view text) {
    text = trim(text.substr(0, text.find(';')));
    if (auto bracket = text.find('['); bracket != std::string_view::npos) text = text.substr(0, bracket);
    return text.starts_with('.') || text.starts_with('~') || text.find('/') != std::string_view::npos ||
           archive::is_distribution(text);
}

// "./dir/x.whl[extra] ; marker"
Status read_path_requirement(std::string_view text, const std::string& directory, pip::RequirementLine& out) {
    auto semicolon = text.find(';');
    std::string_view path = trim(text.substr(0, semicolon));
    if (semicolon != std::string_view::npos) out.marker = std::string(trim(text.substr(semicolon + 1)));
    if (auto bracket = path.rfind('['); bracket != std::string_view::npos && path.ends_with(']')) {
        TRY_ASSIGN(out.extras, extras_of(path.substr(bracket), out.line));
        path = path.substr(0, bracket);
    }
    out.url = locate_path(path, directory);
    std::error_code ignored;
    if (fs::is_directory(out.url, ignored)) {
        out.unbundled = fmt::format("'{}' is a source directory, which has to be built; build a wheel of it with "
                                    "'pip wheel --no-deps {}' and write the wheel's path here",
                                    path, path);
        return check_marker(out);
    }
    if (!fs::exists(out.url, ignored))
        return line_error(out.line, "the file '{}' does not exist (looked for {})", path, out.url);
    name_from_file(out);
    return check_marker(out);
}

// "name[extra]==1.0 ; marker" and "name @ URL ; marker"
Status read_named_requirement(std::string_view text, pip::RequirementLine& out) {
    auto parsed = pip::Requirement::parse(text);
    if (!parsed) {
        Error error = std::move(parsed).error();
        error.message = pip::printable(error.message);
        return std::move(error).in(out.line.str());
    }
    out.name = parsed->name;
    out.extras = parsed->extras;
    out.specifier = parsed->specifier.str();
    out.marker = parsed->marker ? parsed->marker->str() : "";
    out.url = parsed->url;
    if (out.url.empty()) return {};
    if (is_vcs_url(out.url)) {
        out.unbundled = vcs_problem(text);
        return {};
    }
    TRY(check_file_url(out));
    if (!is_url(out.url))
        return line_error(out.line, "'{}' is not a URL; write http://, https:// or file:// behind the '@'",
                          pip::printable(out.url));
    return {};
}

// A hash behind a URL promises a check: it is read here, and compared with the file.
Status check_fragment(const pip::RequirementLine& line) {
    if (!is_url(line.url) || !line.unbundled.empty()) return {};
    for (const auto& [algorithm, digest] : fetch::fragment_hashes(fetch::Url::parse(line.url).fragment))
        TRY(fetch::check_hash(algorithm, digest).in(line.line.str()));
    return {};
}

Status read_requirement(std::string_view text, std::string_view options, const pip::SourceLine& line,
                        Context& context) {
    pip::RequirementLine out;
    out.text = std::string(text);
    out.line = line;
    TRY_ASSIGN(auto parsed_options, parse_options(options, line));
    for (const Option& option : parsed_options) {
        if (option.name == "--hash") {
            TRY_ASSIGN(std::string hash, parse_hash(option.value, line));
            out.hashes.push_back(std::move(hash));
        } else if (option.name.starts_with("--config-setting") || option.name == "--global-option" ||
                   option.name == "--install-option") {
            context.request.ignored.push_back({option.name, "it only matters when a package is built", line});
        } else {
            context.request.ignored.push_back({option.name + (option.value.empty() ? "" : " " + option.value),
                                               "pip ignores it behind a requirement; put it on a line of its own",
                                               line});
        }
    }
    auto at = text.find('@');
    bool named_url = at != std::string_view::npos && at > 0 && pip::Requirement::parse(trim(text.substr(0, at)));
    if (is_url(text) || is_vcs_url(text)) TRY(read_url_requirement(text, out));
    else if (!named_url && looks_like_path(text)) TRY(read_path_requirement(text, directory_of(context.file), out));
    else TRY(read_named_requirement(text, out));
    TRY(check_fragment(out));
    if (context.constraint) {
        if (out.name.empty()) return line_error(line, "a constraint has to begin with a package's name");
        if (!out.extras.empty()) return line_error(line, "a constraint cannot have extras; write the name alone");
        context.request.pip_constraints.push_back(std::move(out));
    } else {
        context.request.pip.push_back(std::move(out));
    }
    return {};
}

Status read_lines(std::string_view text, Context& context);

Status read_nested(const Option& option, const pip::SourceLine& line, Context& context) {
    if (is_url(option.value) && !option.value.starts_with("file:"))
        return line_error(line, "'{} {}' names a URL; download the file and name it by its path", option.name,
                          pip::printable(option.value));
    // As for pip, a file that a constraints file includes with -r has requirements, not constraints.
    Context nested{context.request,
                   beside(context.file, is_url(option.value) ? file_url_to_path(option.value) : option.value),
                   option.name == "--constraint", context.open_files, context.reading};
    if (std::ranges::find(nested.open_files, nested.file) != nested.open_files.end())
        return line_error(line, "'{}' includes itself", nested.file);
    Spending& spending = context.reading.spending;
    TRY(spending.depth(nested.open_files.size() + 1).in(line.str()));
    TRY(spending.files().in(line.str()));
    // A second reading would say the same again, and eight lines a file in nine files ask for a hundred million.
    const std::string normal = fs::path(nested.file).lexically_normal().string();
    if (!context.reading.included.emplace(normal, nested.constraint).second) return {};
    nested.open_files.push_back(nested.file);
    auto content = read_input(nested.file, spec_limit);
    if (!content) return line_error(line, "{}", content.error().message);
    TRY_ASSIGN(const std::string decoded, decode_spec(std::move(*content), nested.file));
    return read_lines(decoded, nested);
}

void split_list(std::string_view text, std::vector<std::string>& out) {
    for (std::string_view part : split(text, ','))
        if (auto one = trim(part); !one.empty()) out.emplace_back(one);
}

Status apply_option(const Option& option, const pip::SourceLine& line, Context& context) {
    pip::Options& options = context.request.pip_options;
    const std::string& name = option.name;
    if (name == "--requirement" || name == "--constraint") return read_nested(option, line, context);
    if (name == "--editable") {
        pip::RequirementLine out;
        out.text = "-e " + option.value;
        out.line = line;
        out.editable = true;
        if (is_vcs_url(option.value)) {
            TRY(read_url_requirement(option.value, out));
            out.unbundled = vcs_problem(out.text);
        } else {
            out.url = locate_path(option.value, directory_of(context.file));
            out.unbundled =
                fmt::format("'-e {}' is an editable install of a source directory; build a wheel of it with "
                            "'pip wheel --no-deps {}' and write the wheel's path here",
                            pip::printable(option.value), pip::printable(option.value));
        }
        context.request.pip.push_back(std::move(out));
        return {};
    }
    if (name == "--hash") return line_error(line, "'--hash' has no requirement in front of it; write it behind one");
    bool index = name == "--index-url" || name == "--pypi-url";
    if (index || name == "--extra-index-url") {
        if (!is_url(option.value))
            return line_error(line, "'{}' is not a URL of a package index; write https://HOST/simple",
                              pip::printable(option.value));
        if (index) options.index_url = option.value;
        else options.extra_index_urls.push_back(option.value);
    } else if (name == "--find-links") {
        std::string location =
            is_url(option.value) ? option.value : locate_path(option.value, directory_of(context.file));
        options.find_links.push_back(std::move(location));
    } else if (name == "--no-index") {
        options.no_index = true;
    } else if (name == "--pre") {
        options.pre = true;
    } else if (name == "--all-releases" && option.value != ":all:") {
        return line_error(line,
                          "'--all-releases {}' is not understood for single packages; write NAME>=0.dev0, which takes "
                          "pre-releases of NAME",
                          option.value);
    } else if (name == "--all-releases") {
        options.pre = true;
    } else if (name == "--require-hashes") {
        options.require_hashes = true;
    } else if (name == "--prefer-binary") {
        options.prefer_binary = true;
    } else if (name == "--trusted-host") {
        options.trusted_hosts.push_back(option.value);
    } else if (name == "--only-binary") {
        split_list(option.value, options.only_binary);
    } else if (name == "--no-binary") {
        split_list(option.value, options.no_binary);
    } else {
        context.request.ignored.push_back({name, "it changes how pip works, not what is installed", line});
    }
    return {};
}

Status read_line(std::string_view raw, const pip::SourceLine& line, Context& context) {
    const std::string_view content = without_comment(raw);
    std::string expanded = expand_variables(content);
    std::string_view text = trim(expanded);
    if (text.empty()) return {};
    pip::SourceLine begin = line;
    begin.column = static_cast<int>(content.data() - raw.data());
    TRY(refuse_no_break_space(content, begin));
    TRY(context.reading.spending.nodes());
    if (text.size() > requirement_line_bytes)
        return over_budget(ErrorKind::usage, line.str(), Resource::bytes, requirement_line_bytes);
    // pip's rule: options begin at the first word that begins with a dash.
    std::size_t options_at = text.size();
    if (text.starts_with('-')) options_at = 0;
    else if (auto at = std::min(text.find(" -"), text.find("\t-")); at != std::string_view::npos) options_at = at + 1;
    std::string_view requirement = trim(text.substr(0, options_at));
    // pip reads "name ;" as a name without a marker.
    if (requirement.ends_with(';')) requirement = trim(requirement.substr(0, requirement.size() - 1));
    if (!requirement.empty()) return read_requirement(requirement, text.substr(options_at), line, context);
    TRY_ASSIGN(auto options, parse_options(text, line));
    for (const Option& option : options) TRY(apply_option(option, line, context));
    return {};
}

Status read_lines(std::string_view text, Context& context) {
    TRY(context.reading.spending.bytes(text.size()));
    LogicalLines lines(text);
    Faults faults;
    for (LogicalLine line; lines.next(line);) {
        const pip::SourceLine at{context.file, line.number};
        if (!faults.add(at, read_line(line.text, at, context))) break;
    }
    return faults.result();
}

} // namespace

Status refuse_no_break_space(std::string_view text, pip::SourceLine line) {
    const auto at = text.find("\xc2\xa0");
    if (at == std::string_view::npos) return {};
    // Columns count characters; those of UTF-8 that only continue one are passed over.
    const auto before = text.substr(0, at);
    line.column += 1 + static_cast<int>(std::ranges::count_if(before, [](char c) { return (c & 0xc0) != 0x80; }));
    return line_error(line, "there is a no-break space (U+00A0), which looks like a space and is none; type a space");
}

bool is_vcs_url(std::string_view text) {
    return std::ranges::any_of(
        std::array<std::string_view, 4>{"git+", "hg+", "svn+", "bzr+"},
        [&](std::string_view scheme) { return to_lower(text.substr(0, scheme.size())) == scheme; });
}

Status read_requirements(std::string_view text, const std::string& path, Request& request) {
    RequirementsReading reading(path);
    Context context{request, path, false, {path}, reading};
    return read_lines(text, context);
}

Status read_requirement_line(std::string_view text, const pip::SourceLine& line, const std::string& file,
                             Request& request, RequirementsReading& reading) {
    Context context{request, file, false, {file}, reading};
    return read_line(text, line, context);
}

Status read_pep508(std::string_view text, const pip::SourceLine& line, Request& request) {
    pip::RequirementLine out;
    out.text = std::string(trim(text));
    out.line = line;
    TRY(read_named_requirement(out.text, out));
    TRY(check_fragment(out));
    request.pip.push_back(std::move(out));
    return {};
}

Status add_pip(Request& request, std::string_view requirement, pip::SourceLine line) {
    if (trim(requirement).empty()) return line_error(line, "the requirement is empty");
    RequirementsReading reading("");
    return read_requirement_line(requirement, line, "", request, reading);
}

} // namespace tinderbox::spec
