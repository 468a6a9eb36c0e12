#include "generator/spec/template.hpp"

#include "common/base/text.hpp"
#include "generator/spec/expression.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>
#include <optional>

namespace tinderbox::spec {
namespace {

int line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// "{% … %}", "{{ … }}" or "{# … #}" in a text.
struct Tag {
    char kind = '{'; // the second character
    std::size_t begin = 0, end = 0;
    std::string_view inside;                      // without '-' at its ends
    bool trim_before = false, trim_after = false; // "{%-", "-%}"
    pip::SourceLine line;
};

class Jinja {
  public:
    Jinja(std::string_view text, const std::string& path, Names names)
        : text_(text), path_(path), names_(std::move(names)) {}

    Result<std::string> render() {
        while (true) {
            TRY_ASSIGN(auto tag, next_tag());
            if (!tag) break;
            TRY(append_before(*tag));
            if (tag->kind == '{' && shown()) {
                auto value = evaluate(tag->inside, names_);
                auto text = value ? shown_value(*value) : Result<std::string>(std::move(value).error());
                if (!text) return std::move(text).error().in(tag->line.str());
                out_ += *text;
            } else if (tag->kind == '%') {
                TRY(statement(trim(tag->inside), tag->line));
            }
            // Line numbers stay those of the file.
            append_line_ends(text_.substr(tag->begin, tag->end - tag->begin));
        }
        append(text_.substr(at_));
        if (!open_.empty())
            return line_error({path_, open_.back().line}, "{{% if %}} is not closed with {{% endif %}}");
        return std::move(out_);
    }

  private:
    struct If {
        bool shown, taken;
        int line;
    };
    bool shown() const { return std::ranges::all_of(open_, &If::shown); }
    void append(std::string_view text) {
        if (shown()) out_ += text;
        else append_line_ends(text);
    }
    void append_line_ends(std::string_view text) {
        out_.append(static_cast<std::size_t>(std::ranges::count(text, '\n')), '\n');
    }

    Result<std::optional<Tag>> next_tag() const {
        std::size_t open = std::string_view::npos;
        for (std::string_view opening : {"{{", "{%", "{#"}) open = std::min(open, text_.find(opening, at_));
        if (open == std::string_view::npos) return std::optional<Tag>();
        Tag tag;
        tag.begin = open;
        tag.kind = text_[open + 1];
        tag.line = {path_, line_of(text_, open)};
        const std::string closing{tag.kind == '{' ? '}' : tag.kind, '}'};
        const std::size_t close = text_.find(closing, open + 2);
        if (close == std::string_view::npos)
            return line_error(tag.line, "'{{{}' is not closed with '{}'", tag.kind, closing);
        tag.end = close + closing.size();
        tag.inside = text_.substr(open + 2, close - open - 2);
        tag.trim_before = tag.inside.starts_with('-');
        if (tag.trim_before) tag.inside.remove_prefix(1);
        tag.trim_after = tag.inside.ends_with('-');
        if (tag.trim_after) tag.inside.remove_suffix(1);
        return std::optional(std::move(tag));
    }

    // The text in front of a tag, with the white space removed that "{%-" and the last tag's "-%}" ask for. A tag that
    // is alone in its line leaves an empty line instead, which YAML does not see, so that line numbers are kept.
    Status append_before(const Tag& tag) {
        TRY(append_trimmed(tag));
        at_ = tag.end;
        if (!tag.trim_after || alone_in_line(tag)) return {};
        const std::size_t next = std::min(text_.find_first_not_of(blanks, at_), text_.size());
        if (text_.substr(at_, next - at_).find('\n') != std::string_view::npos && next < text_.size())
            return joins_lines(tag);
        at_ = next;
        return {};
    }
    Status append_trimmed(const Tag& tag) {
        std::string_view before = text_.substr(at_, tag.begin - at_);
        if (tag.trim_before && !alone_in_line(tag)) {
            const std::size_t kept = before.find_last_not_of(blanks) + 1;
            if (before.substr(kept).find('\n') != std::string_view::npos) return joins_lines(tag);
            before = before.substr(0, kept);
        }
        append(before);
        return {};
    }
    static constexpr std::string_view blanks = " \t\r\n";
    bool alone_in_line(const Tag& tag) const {
        if (tag.kind == '{') return false;
        const std::size_t before = text_.find_last_of('\n', tag.begin) + 1;
        const std::size_t after = std::min(text_.find('\n', tag.end), text_.size());
        return trim(text_.substr(before, tag.begin - before)).empty() &&
               trim(text_.substr(tag.end, after - tag.end)).empty();
    }
    static Error joins_lines(const Tag& tag) {
        return line_error(tag.line,
                          "the '-' of '{{{}-' or '-{}}}' joins two lines; write them as one line, or remove it",
                          tag.kind, tag.kind == '{' ? '}' : tag.kind);
    }

    Status statement(std::string_view text, const pip::SourceLine& line) {
        auto space = std::min(text.find_first_of(" \t\n("), text.size());
        std::string_view word = text.substr(0, space), rest = trim(text.substr(space));
        if (word == "set") {
            auto equals = rest.find('=');
            if (equals == std::string_view::npos) return line_error(line, "'{}' is not {{% set NAME = VALUE %}}", text);
            if (!shown()) return {};
            const std::string name(trim(rest.substr(0, equals)));
            if (!is_variable_name(name)) return line_error(line, "'{}' is not {{% set NAME = VALUE %}}", text);
            TRY_ASSIGN(names_[name], evaluate(rest.substr(equals + 1), names_).in(line.str()));
        } else if (word == "if") {
            bool holds = false;
            if (shown()) {
                TRY_ASSIGN(Value value, evaluate(rest, names_).in(line.str()));
                holds = truth(value);
            }
            open_.push_back({holds, holds, line.line});
        } else if (word == "elif" || word == "else" || word == "endif") {
            if (open_.empty()) return line_error(line, "{{% {} %}} stands without {{% if %}}", word);
            If& current = open_.back();
            if (word == "endif") {
                open_.pop_back();
                return {};
            }
            current.shown = false;
            if (current.taken || !shown_outside()) return {};
            Value holds = true;
            if (word == "elif") {
                TRY_ASSIGN(holds, evaluate(rest, names_).in(line.str()));
            }
            current.shown = current.taken = truth(holds);
        } else {
            return line_error(
                line,
                "jinja's '{}' is not understood here, only set, if, elif, else and endif; write its result instead",
                word);
        }
        return {};
    }
    bool shown_outside() const {
        return std::all_of(open_.begin(), open_.end() - 1, [](const If& one) { return one.shown; });
    }

    std::string_view text_;
    const std::string& path_;
    Names names_;
    std::vector<If> open_;
    std::size_t at_ = 0;
    std::string out_;
};

// What constructor calls a platform in selectors.
Names platform_names(std::string_view platform) {
    auto is = [&](std::string_view name) { return platform == name; };
    const bool linux = platform.starts_with("linux-"), osx = platform.starts_with("osx-"),
               win = platform.starts_with("win-");
    return {{"linux", linux},
            {"linux32", is("linux-32")},
            {"linux64", is("linux-64")},
            {"armv7l", is("linux-armv7l")},
            {"aarch64", is("linux-aarch64")},
            {"ppc64le", is("linux-ppc64le")},
            {"s390x", is("linux-s390x")},
            {"arm64", is("osx-arm64") || is("win-arm64")},
            {"x86", platform.ends_with("-32") || platform.ends_with("-64")},
            {"x86_64", platform.ends_with("-64")},
            {"osx", osx},
            {"unix", linux || osx},
            {"win", win},
            {"win32", is("win-32")},
            {"win64", is("win-64")},
            {"environ", Environ{}},
            {"os", OsModule{}}};
}

// "text  # [selector]" or "text  [selector]" at the end of a line: the text and the selector. Brackets that belong to
// YAML or to a match spec have no white space in front.
bool split_selector(std::string_view line, std::string_view& text, std::string_view& selector) {
    std::string_view rest = trim(line);
    if (!rest.ends_with(']')) return false;
    auto open = line.rfind('[');
    if (open == std::string_view::npos || open == 0 ||
        (line[open - 1] != ' ' && line[open - 1] != '\t' && line[open - 1] != '#'))
        return false;
    text = line.substr(0, open);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    const bool comment = text.ends_with('#');
    if (comment) text.remove_suffix(1);
    // "specs: [a, b]" is a YAML list.
    if (!comment && (trim(text).ends_with(':') || trim(text).ends_with('-') || trim(text).empty())) return false;
    rest = line.substr(open + 1);
    selector = rest.substr(0, rest.rfind(']'));
    return !trim(selector).empty();
}

} // namespace

Result<std::string> render_template(std::string_view text, const std::string& path, std::string_view platform) {
    Names names = platform_names(platform);
    TRY_ASSIGN(std::string rendered, Jinja(text, path, {{"environ", Environ{}}, {"os", OsModule{}}}).render());
    std::string out;
    int number = 0;
    for (std::string_view line : split_lines(rendered)) {
        ++number;
        std::string_view kept, selector;
        if (!trim(line).starts_with('#') && split_selector(line, kept, selector)) {
            TRY_ASSIGN(Value holds,
                       evaluate(selector, names, UnknownName::refused).in(pip::SourceLine{path, number}.str()));
            line = truth(holds) ? kept : std::string_view();
        }
        out += line;
        out += '\n';
    }
    return out;
}

} // namespace tinderbox::spec
