#include "generator/spec/template.hpp"

#include "common/base/text.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <variant>

namespace tinderbox {
namespace {

struct Undefined {
    std::string name;
};
struct Environ {};
// os, whose environ is meant
struct Module {};
using Value = std::variant<Undefined, bool, std::int64_t, std::string, Environ, Module>;
using Names = std::map<std::string, Value, std::less<>>;

bool truth(const Value& value) {
    if (const bool* flag = std::get_if<bool>(&value)) return *flag;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
    if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
    return !std::holds_alternative<Undefined>(value);
}

std::string text_of(const Value& value) {
    if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return "";
}

class Expression {
  public:
    // `strict`: a name that is not known is an error at once, not only when it is the answer.
    Expression(std::string_view text, const Names& names, bool strict = false)
        : text_(text), names_(names), strict_(strict) {}

    // Error: without a place.
    Result<Value> evaluate() {
        TRY_ASSIGN(Value value, conditional());
        skip_space();
        if (at_ < text_.size()) return problem(fmt::format("'{}' is not understood", trim(text_.substr(at_))));
        return value;
    }

  private:
    Error problem(std::string what) const { return make_error(ErrorKind::usage, "in '{}', {}", trim(text_), what); }

    void skip_space() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
            ++at_;
    }
    bool take(std::string_view symbol) {
        skip_space();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }
    static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    bool take_word(std::string_view word) {
        skip_space();
        std::string_view rest = text_.substr(at_);
        if (!rest.starts_with(word) || (rest.size() > word.size() && is_word(rest[word.size()]))) return false;
        at_ += word.size();
        return true;
    }
    std::string name() {
        skip_space();
        std::size_t begin = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        return std::string(text_.substr(begin, at_ - begin));
    }

    Result<Value> conditional() {
        if (++depth_ > 50) return problem("it is nested more than 50 deep");
        TRY_ASSIGN(Value value, either());
        if (take_word("if")) {
            TRY_ASSIGN(Value condition, either());
            Value other = std::string();
            if (take_word("else")) {
                TRY_ASSIGN(other, conditional());
            }
            --depth_;
            return truth(condition) ? value : other;
        }
        --depth_;
        return value;
    }
    Result<Value> either() {
        TRY_ASSIGN(Value value, both());
        while (take_word("or")) {
            TRY_ASSIGN(Value other, both());
            if (!truth(value)) value = std::move(other);
        }
        return value;
    }
    Result<Value> both() {
        TRY_ASSIGN(Value value, negation());
        while (take_word("and")) {
            TRY_ASSIGN(Value other, negation());
            if (truth(value)) value = std::move(other);
        }
        return value;
    }
    Result<Value> negation() {
        bool negated = false;
        while (take_word("not")) negated = !negated;
        TRY_ASSIGN(Value value, comparison());
        if (negated) return Value(!truth(value));
        return value;
    }
    Result<Value> comparison() {
        TRY_ASSIGN(Value left, sum());
        skip_space();
        for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (!take(op)) continue;
            TRY_ASSIGN(Value right, sum());
            return compare(left, op, right);
        }
        const bool not_in = take_word("not") && (take_word("in") || (at_ = text_.size() + 1, false));
        if (at_ > text_.size()) return problem("'not' stands where 'not in' should be");
        if (not_in || take_word("in")) {
            TRY_ASSIGN(Value right, sum());
            bool found = false;
            if (std::holds_alternative<Environ>(right)) found = std::getenv(text_of(left).c_str()) != nullptr;
            else if (std::holds_alternative<std::string>(right))
                found = text_of(right).find(text_of(left)) != std::string::npos;
            else return problem("'in' is asked of something that is no text");
            return Value(found != not_in);
        }
        return left;
    }
    Result<Value> compare(const Value& left, std::string_view op, const Value& right) const {
        int order = 0;
        const auto* a = std::get_if<std::int64_t>(&left);
        const auto* b = std::get_if<std::int64_t>(&right);
        const bool same_kind = left.index() == right.index() ||
                               (std::holds_alternative<Undefined>(left) || std::holds_alternative<Undefined>(right));
        if (op == "==" || op == "!=") {
            const bool equal = left.index() == right.index() && text_of(left) == text_of(right);
            return Value(equal == (op == "=="));
        }
        if (!same_kind) return problem("a text is compared with a number");
        order = a && b ? (*a < *b ? -1 : *a > *b) : text_of(left).compare(text_of(right));
        return Value(op == "<" ? order < 0 : op == "<=" ? order <= 0 : op == ">" ? order > 0 : order >= 0);
    }
    Result<Value> sum() {
        TRY_ASSIGN(Value value, filtered());
        while (true) {
            skip_space();
            if (take("~")) {
                TRY_ASSIGN(Value other, filtered());
                value = text_of(value) + text_of(other);
            } else if (take("+")) {
                TRY_ASSIGN(Value other, filtered());
                auto* a = std::get_if<std::int64_t>(&value);
                auto* b = std::get_if<std::int64_t>(&other);
                if (a && b) value = *a + (*b % 1000000000);
                else if (std::holds_alternative<std::string>(value) && std::holds_alternative<std::string>(other))
                    value = text_of(value) + text_of(other);
                else return problem("'+' joins two texts or two numbers");
            } else {
                return value;
            }
        }
    }
    Result<Value> filtered() {
        TRY_ASSIGN(Value value, primary());
        while (take("|")) {
            std::string filter = name();
            TRY_ASSIGN(auto arguments, optional_arguments());
            TRY_ASSIGN(value, apply(filter == "trim" ? "strip" : filter, std::move(value), arguments, true));
        }
        return value;
    }
    Result<std::vector<Value>> optional_arguments() {
        std::vector<Value> out;
        if (!take("(")) return out;
        while (!take(")")) {
            TRY_ASSIGN(Value one, conditional());
            out.push_back(std::move(one));
            if (!take(",") && (skip_space(), at_ >= text_.size() || text_[at_] != ')'))
                return problem("a ')' is missing");
        }
        return out;
    }
    Result<Value> primary() {
        skip_space();
        if (at_ >= text_.size()) return problem("a value is missing");
        char c = text_[at_];
        Value value;
        if (c == '"' || c == '\'') {
            auto close = text_.find(c, at_ + 1);
            if (close == std::string_view::npos) return problem("a quote is not closed");
            value = std::string(text_.substr(at_ + 1, close - at_ - 1));
            at_ = close + 1;
        } else if (c == '(') {
            ++at_;
            TRY_ASSIGN(value, conditional());
            if (!take(")")) return problem("a ')' is missing");
        } else if (c >= '0' && c <= '9') {
            std::int64_t number = 0;
            auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
            if (error != std::errc()) return problem("a number is too large");
            at_ = static_cast<std::size_t>(end - text_.data());
            if (at_ < text_.size() && text_[at_] == '.') return problem("a number with a point has to stand in quotes");
            value = number;
        } else if (is_word(c)) {
            std::string word = name();
            if (word == "True" || word == "true" || word == "False" || word == "false")
                value = word[0] == 'T' || word[0] == 't';
            else if (word == "None" || word == "none") value = std::string();
            else if (auto known = names_.find(word); known != names_.end()) value = known->second;
            else if (strict_) return problem(fmt::format("'{}' is no platform that selectors know", word));
            else value = Undefined{word};
        } else {
            return problem(fmt::format("'{}' is not understood", text_.substr(at_)));
        }
        return suffixes(std::move(value));
    }
    // .name, .method(…), [key]
    Result<Value> suffixes(Value value) {
        while (true) {
            if (take(".")) {
                std::string member = name();
                if (std::holds_alternative<Module>(value) && member == "environ") {
                    value = Environ{};
                } else if (std::holds_alternative<Module>(value) && member == "getenv") {
                    TRY_ASSIGN(auto arguments, optional_arguments());
                    TRY_ASSIGN(value, apply("get", Environ{}, arguments, false));
                } else {
                    TRY_ASSIGN(auto arguments, optional_arguments());
                    TRY_ASSIGN(value, apply(member, std::move(value), arguments, false));
                }
            } else if (take("[")) {
                TRY_ASSIGN(Value key, conditional());
                if (!take("]")) return problem("a ']' is missing");
                if (!std::holds_alternative<Environ>(value))
                    return problem("only environ[\"NAME\"] can be asked with brackets");
                const char* found = std::getenv(text_of(key).c_str());
                value = found ? Value(std::string(found)) : Value(Undefined{"environ[\"" + text_of(key) + "\"]"});
            } else {
                return value;
            }
        }
    }
    Result<Value> apply(const std::string& what, Value value, const std::vector<Value>& arguments, bool filter) const {
        auto argument = [&](std::size_t i) { return i < arguments.size() ? text_of(arguments[i]) : std::string(); };
        const std::string text = text_of(value);
        if (what == "get" && std::holds_alternative<Environ>(value)) {
            const char* found = std::getenv(argument(0).c_str());
            return found                  ? Value(std::string(found))
                   : arguments.size() > 1 ? arguments[1]
                                          : Value(Undefined{argument(0)});
        }
        if (filter && what == "default") return std::holds_alternative<Undefined>(value) ? Value(argument(0)) : value;
        if (filter && what == "int") {
            std::int64_t number = 0;
            std::from_chars(text.data(), text.data() + text.size(), number);
            return Value(number);
        }
        if (filter && what == "string") return Value(text);
        if (const auto* missing = std::get_if<Undefined>(&value))
            return problem(fmt::format("'{}' is not defined", missing->name));
        if (what == "lower") return Value(to_lower(text));
        if (what == "upper") {
            std::string upper = text;
            for (char& c : upper)
                if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
            return Value(upper);
        }
        if (what == "strip") return Value(std::string(trim(text)));
        if (what == "replace" && arguments.size() == 2 && !argument(0).empty())
            return Value(replace_all(text, argument(0), argument(1)));
        if (what == "startswith") return Value(text.starts_with(argument(0)));
        if (what == "endswith") return Value(text.ends_with(argument(0)));
        return problem(fmt::format("'{}' is not understood; write what it gives", what));
    }

    std::string_view text_;
    const Names& names_;
    bool strict_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

int line_of(std::string_view text, std::size_t at) {
    return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// {% … %}, {{ … }}, {# … #}
class Jinja {
  public:
    Jinja(std::string_view text, const std::string& path, Names names)
        : text_(text), path_(path), names_(std::move(names)) {}

    Result<std::string> render() {
        std::string out;
        std::size_t at = 0;
        while (true) {
            std::size_t open = text_.find('{', at);
            while (open != std::string_view::npos && open + 1 < text_.size() &&
                   std::string_view("%{#").find(text_[open + 1]) == std::string_view::npos)
                open = text_.find('{', open + 1);
            if (open == std::string_view::npos || open + 1 >= text_.size()) {
                append(out, text_.substr(at));
                break;
            }
            append(out, text_.substr(at, open - at));
            const char kind = text_[open + 1];
            const std::string closing = kind == '{' ? "}}" : std::string(1, kind) + "}";
            std::size_t close = text_.find(closing, open + 2);
            const SourceLine line{path_, line_of(text_, open)};
            if (close == std::string_view::npos)
                return line_error(line, "'{{{}' is not closed with '{}'", kind, closing);
            std::string_view inside = text_.substr(open + 2, close - open - 2);
            if (inside.starts_with('-')) inside.remove_prefix(1);
            if (inside.ends_with('-')) inside.remove_suffix(1);
            if (kind == '{') {
                if (shown()) {
                    TRY_ASSIGN(Value value, evaluate(inside, line));
                    if (const auto* missing = std::get_if<Undefined>(&value))
                        return line_error(line, "'{}' is not defined; set it with {{% set %}}, or in the environment",
                                          missing->name);
                    out += text_of(value);
                }
            } else if (kind == '%') {
                TRY(statement(trim(inside), line));
            }
            // Lines are counted: what falls away leaves its ends of line.
            for (char c : text_.substr(open, close - open))
                if (c == '\n') out += '\n';
            at = close + closing.size();
        }
        if (!open_.empty())
            return line_error({path_, open_.back().line}, "{{% if %}} is not closed with {{% endif %}}");
        return out;
    }

  private:
    struct If {
        bool shown, taken;
        int line;
    };
    bool shown() const { return std::ranges::all_of(open_, &If::shown); }
    void append(std::string& out, std::string_view text) const {
        if (shown()) {
            out += text;
            return;
        }
        for (char c : text)
            if (c == '\n') out += '\n';
    }
    Result<Value> evaluate(std::string_view text, const SourceLine& line) {
        return Expression(text, names_).evaluate().in(line.str());
    }

    Status statement(std::string_view text, const SourceLine& line) {
        auto space = std::min(text.find_first_of(" \t\n("), text.size());
        std::string_view word = text.substr(0, space), rest = trim(text.substr(space));
        if (word == "set") {
            auto equals = rest.find('=');
            if (equals == std::string_view::npos) return line_error(line, "'{}' is not {{% set NAME = VALUE %}}", text);
            if (!shown()) return {};
            TRY_ASSIGN(names_[std::string(trim(rest.substr(0, equals)))], evaluate(rest.substr(equals + 1), line));
        } else if (word == "if") {
            bool holds = false;
            if (shown()) {
                TRY_ASSIGN(Value value, evaluate(rest, line));
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
                TRY_ASSIGN(holds, evaluate(rest, line));
            }
            current.shown = current.taken = truth(holds);
        } else {
            return line_error(
                line, "jinja's '{}' is not understood here; write what it gives (set, if, elif, else and endif are)",
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
            {"os", Module{}}};
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
    TRY_ASSIGN(std::string rendered, Jinja(text, path, {{"environ", Environ{}}, {"os", Module{}}}).render());
    std::string out;
    int number = 0;
    for (std::string_view line : split_lines(rendered)) {
        ++number;
        std::string_view kept, selector;
        if (!trim(line).starts_with('#') && split_selector(line, kept, selector)) {
            TRY_ASSIGN(Value holds, Expression(selector, names, true).evaluate().in(SourceLine{path, number}.str()));
            line = truth(holds) ? kept : std::string_view();
        }
        out += line;
        out += '\n';
    }
    return out;
}

} // namespace tinderbox
