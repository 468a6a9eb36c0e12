#include "generator/spec/template.hpp"

#include "common/base/lines.hpp"
#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "generator/spec/expression.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>
#include <optional>

namespace tinderbox::spec {
namespace {

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
    Jinja(std::string_view text, const std::string& path, Names names, Spending& spending)
        : text_(text), path_(path), names_(std::move(names)), spending_(spending) {}

    Result<std::string> render() {
        while (true) {
            TRY_ASSIGN(auto tag, next_tag());
            if (!tag) break;
            TRY(spending_.nodes());
            TRY(append_before(*tag));
            if (tag->kind == '{' && shown()) {
                auto value = evaluate(tag->inside, names_, spending_);
                auto text = value ? shown_value(*value) : Result<std::string>(std::move(value).error());
                if (!text) return std::move(text).error().in(tag->line.str());
                TRY(spending_.bytes(text->size()));
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
        bool shown_outside; // what surrounds it is shown
    };
    bool shown() const { return open_.empty() || (open_.back().shown && open_.back().shown_outside); }
    void append(std::string_view text) {
        if (shown()) out_ += text;
        else append_line_ends(text);
    }
    void append_line_ends(std::string_view text) {
        out_.append(static_cast<std::size_t>(std::ranges::count(text, '\n')), '\n');
    }

    // Each byte is looked at once, however many tags there are.
    std::size_t next_opening() const {
        for (std::size_t open = text_.find('{', at_); open < text_.size(); open = text_.find('{', open + 1))
            if (open + 1 < text_.size() && std::string_view("{%#").find(text_[open + 1]) != std::string_view::npos)
                return open;
        return std::string_view::npos;
    }
    int line_of(std::size_t at) {
        const auto begin = text_.begin();
        line_ += static_cast<int>(
            std::count(begin + static_cast<std::ptrdiff_t>(counted_), begin + static_cast<std::ptrdiff_t>(at), '\n'));
        counted_ = at;
        return line_;
    }

    Result<std::optional<Tag>> next_tag() {
        const std::size_t open = next_opening();
        if (open == std::string_view::npos) return std::optional<Tag>();
        Tag tag;
        tag.begin = open;
        tag.kind = text_[open + 1];
        tag.line = {path_, line_of(open)};
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
    static bool is_blank(char c) { return c != '\n' && blanks.find(c) != std::string_view::npos; }
    bool alone_in_line(const Tag& tag) const {
        if (tag.kind == '{') return false;
        std::size_t before = tag.begin, after = tag.end;
        while (before > 0 && is_blank(text_[before - 1])) --before;
        while (after < text_.size() && is_blank(text_[after])) ++after;
        return (before == 0 || text_[before - 1] == '\n') && (after == text_.size() || text_[after] == '\n');
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
            if (!check_variable_name(name).ok()) return line_error(line, "'{}' is not {{% set NAME = VALUE %}}", text);
            TRY_ASSIGN(names_[name], evaluate(rest.substr(equals + 1), names_, spending_).in(line.str()));
        } else if (word == "if") {
            bool holds = false;
            if (shown()) {
                TRY_ASSIGN(Value value, evaluate(rest, names_, spending_).in(line.str()));
                holds = truth(value);
            }
            TRY(spending_.depth(open_.size() + 1).in(line.str()));
            open_.push_back({holds, holds, line.line, shown()});
        } else if (word == "elif" || word == "else" || word == "endif") {
            if (open_.empty()) return line_error(line, "{{% {} %}} stands without {{% if %}}", word);
            If& current = open_.back();
            if (word == "endif") {
                open_.pop_back();
                return {};
            }
            current.shown = false;
            if (current.taken || !current.shown_outside) return {};
            Value holds = true;
            if (word == "elif") {
                TRY_ASSIGN(holds, evaluate(rest, names_, spending_).in(line.str()));
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
    std::string_view text_;
    const std::string& path_;
    Names names_;
    Spending& spending_;
    std::vector<If> open_;
    std::size_t at_ = 0;
    std::size_t counted_ = 0; // line_ is the line of this byte
    int line_ = 1;
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

Result<std::string> render_template(std::string_view text, const std::string& path, std::string_view platform,
                                    const Budget& budget) {
    Names names = platform_names(platform);
    Spending spending(budget, path);
    TRY(spending.bytes(text.size()));
    TRY_ASSIGN(std::string rendered,
               Jinja(text, path, {{"environ", Environ{}}, {"os", OsModule{}}}, spending).render());
    std::string out;
    int number = 0;
    for (std::string_view line : Lines(rendered)) {
        ++number;
        std::string_view kept, selector;
        if (!trim(line).starts_with('#') && split_selector(line, kept, selector)) {
            TRY_ASSIGN(
                Value holds,
                evaluate(selector, names, spending, UnknownName::refused).in(pip::SourceLine{path, number}.str()));
            line = truth(holds) ? kept : std::string_view();
        }
        out += line;
        out += '\n';
    }
    return out;
}

} // namespace tinderbox::spec
