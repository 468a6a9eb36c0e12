#include "generator/spec/expression.hpp"

#include "common/base/ascii.hpp"
#include "common/base/number.hpp"
#include "common/base/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

namespace tinderbox::spec {
namespace {

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// True and False count as 1 and 0, as in Python.
std::optional<std::int64_t> number_of(const Value& value) {
    if (const bool* flag = std::get_if<bool>(&value)) return *flag ? 1 : 0;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
    return std::nullopt;
}

// The text that jinja makes of a value; nullopt where that would be "None" or the look of a Python object.
std::optional<std::string> text_of(const Value& value) {
    if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (std::holds_alternative<Undefined>(value)) return "";
    return std::nullopt;
}

Value variable(const std::string& name, Value missing) {
    const char* found = std::getenv(name.c_str());
    return found ? Value(std::string(found)) : missing;
}

template <class T> bool holds_order(std::string_view op, const T& left, const T& right) {
    if (op == "<") return left < right;
    if (op == "<=") return left <= right;
    if (op == ">") return left > right;
    return left >= right;
}

// Bytes of a text whose every part is replaced.
std::uint64_t longest_replaced(std::size_t text, std::size_t from, std::size_t to) { return text / from * to + text; }

class Evaluation {
  public:
    Evaluation(std::string_view text, const Names& names, Spending& spending, UnknownName unknown)
        : text_(text), names_(names), spending_(spending), unknown_(unknown) {}

    Result<Value> run() {
        TRY_ASSIGN(Value value, conditional());
        skip_space();
        if (at_ < text_.size()) return problem(fmt::format("'{}' is not understood", trim(text_.substr(at_))));
        return value;
    }

  private:
    using Rule = Result<Value> (Evaluation::*)();

    Error problem(std::string_view what) const {
        return make_error(ErrorKind::usage, "in '{}', {}", trim(text_), what);
    }

    // ---- words ----------------------------------------------------------------------------------------

    void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    bool at_end() const { return at_ >= text_.size(); }
    bool accept(std::string_view symbol) {
        skip_space();
        if (!text_.substr(at_).starts_with(symbol)) return false;
        at_ += symbol.size();
        return true;
    }
    bool accept_word(std::string_view word) {
        const std::size_t before = at_;
        if (accept(word) && (at_end() || !is_word(text_[at_]))) return true;
        at_ = before;
        return false;
    }
    std::string name() {
        skip_space();
        const std::size_t begin = at_;
        while (!at_end() && is_word(text_[at_])) ++at_;
        return std::string(text_.substr(begin, at_ - begin));
    }

    // ---- operators, loosest first -----------------------------------------------------------------------

    // Only read: jinja evaluates no operand that the answer does not depend on, so it cannot be an error here either.
    Status skip(Rule rule) {
        ++skipping_;
        auto value = (this->*rule)();
        --skipping_;
        if (!value) return std::move(value).error();
        return {};
    }
    Result<Value> evaluate_at(std::size_t begin, Rule rule) {
        const std::size_t end = at_;
        at_ = begin;
        auto value = (this->*rule)();
        at_ = end;
        return value;
    }

    Result<Value> conditional() {
        if (++depth_ > 50) return problem("it is nested more than 50 deep");
        skip_space();
        const std::size_t begin = at_;
        TRY(skip(&Evaluation::either));
        bool holds = true;
        Value other = Undefined{};
        if (accept_word("if")) {
            TRY_ASSIGN(Value condition, either());
            holds = truth(condition);
            if (accept_word("else")) {
                if (holds) {
                    TRY(skip(&Evaluation::conditional));
                } else {
                    TRY_ASSIGN(other, conditional());
                }
            }
        }
        if (holds && !skipping_) {
            TRY_ASSIGN(other, evaluate_at(begin, &Evaluation::either));
        }
        --depth_;
        return other;
    }
    Result<Value> either() {
        TRY_ASSIGN(Value value, both());
        while (accept_word("or")) {
            if (truth(value)) {
                TRY(skip(&Evaluation::both));
            } else {
                TRY_ASSIGN(value, both());
            }
        }
        return value;
    }
    Result<Value> both() {
        TRY_ASSIGN(Value value, negation());
        while (accept_word("and")) {
            if (!truth(value)) {
                TRY(skip(&Evaluation::negation));
            } else {
                TRY_ASSIGN(value, negation());
            }
        }
        return value;
    }
    Result<Value> negation() {
        bool negated = false, any = false;
        while (accept_word("not")) {
            negated = !negated;
            any = true;
        }
        TRY_ASSIGN(Value value, comparison());
        if (any) return Value(truth(value) != negated);
        return value;
    }
    Result<Value> comparison() {
        TRY_ASSIGN(Value left, sum());
        for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (!accept(op)) continue;
            TRY_ASSIGN(Value right, sum());
            return compare(left, op, right);
        }
        const bool negated = accept_word("not");
        if (accept_word("in")) {
            TRY_ASSIGN(Value right, sum());
            TRY_ASSIGN(bool found, contains(right, left));
            return Value(found != negated);
        }
        if (negated) return problem("'not' stands where 'not in' should be");
        return left;
    }
    Result<Value> compare(const Value& left, std::string_view op, const Value& right) const {
        if (skipping_) return Value(false);
        const auto a = number_of(left), b = number_of(right);
        const auto* s = std::get_if<std::string>(&left);
        const auto* t = std::get_if<std::string>(&right);
        if (op == "==" || op == "!=") {
            bool equal = left.index() == right.index(); // none is none, and undefined is undefined
            if (a && b) equal = *a == *b;
            if (s && t) equal = *s == *t;
            return Value(equal == (op == "=="));
        }
        if (a && b) return Value(holds_order(op, *a, *b));
        if (s && t) return Value(holds_order(op, *s, *t));
        TRY(require_defined(left));
        TRY(require_defined(right));
        return problem(fmt::format("'{}' compares two texts or two numbers only", op));
    }
    Result<bool> contains(const Value& whole, const Value& part) const {
        if (skipping_) return false;
        const auto* searched = std::get_if<std::string>(&part);
        if (searched && std::holds_alternative<Environ>(whole)) return std::getenv(searched->c_str()) != nullptr;
        const auto* text = std::get_if<std::string>(&whole);
        if (searched && text) return text->find(*searched) != std::string::npos;
        TRY(require_defined(whole));
        TRY(require_defined(part));
        return problem("'in' searches a text in a text, or a variable in environ");
    }
    // No construct.yaml needs arithmetic.
    Result<Value> sum() {
        TRY_ASSIGN(Value value, concatenation());
        while (accept("+")) {
            TRY_ASSIGN(Value other, concatenation());
            if (skipping_) continue;
            TRY(require_defined(value));
            TRY(require_defined(other));
            auto* left = std::get_if<std::string>(&value);
            const auto* right = std::get_if<std::string>(&other);
            if (!left || !right) return problem("'+' joins two texts; write the sum of numbers, or join with '~'");
            TRY(spending_.bytes(right->size()));
            *left += *right;
        }
        return value;
    }
    Result<Value> concatenation() {
        TRY_ASSIGN(Value value, filtered());
        while (accept("~")) {
            TRY_ASSIGN(Value other, filtered());
            if (skipping_) continue;
            TRY_ASSIGN(std::string left, text(value));
            TRY_ASSIGN(std::string right, text(other));
            TRY(spending_.bytes(left.size() + right.size()));
            value = left + right;
        }
        return value;
    }
    Result<Value> filtered() {
        TRY_ASSIGN(Value value, primary());
        while (accept("|")) {
            const std::string filter = name();
            std::vector<Value> arguments;
            if (accept("(")) {
                TRY_ASSIGN(arguments, rest_of_arguments());
            }
            TRY_ASSIGN(value, apply_filter(filter, value, arguments));
        }
        return value;
    }

    // ---- operands -----------------------------------------------------------------------------------------

    Result<std::vector<Value>> rest_of_arguments() {
        std::vector<Value> out;
        while (!accept(")")) {
            TRY_ASSIGN(Value one, conditional());
            out.push_back(std::move(one));
            if (accept(",")) continue;
            if (!text_.substr(at_).starts_with(')')) return problem("a ')' is missing");
        }
        return out;
    }
    Result<Value> primary() {
        skip_space();
        if (at_end()) return problem("a value is missing");
        const char c = text_[at_];
        Value value;
        if (c == '"' || c == '\'') {
            TRY_ASSIGN(value, quoted(c));
        } else if (c == '(') {
            ++at_;
            TRY_ASSIGN(value, conditional());
            if (!accept(")")) return problem("a ')' is missing");
        } else if (is_digit(c)) {
            TRY_ASSIGN(value, number());
        } else if (is_word(c)) {
            TRY_ASSIGN(value, named(name()));
        } else {
            return problem(fmt::format("'{}' is not understood", trim(text_.substr(at_))));
        }
        return suffixes(std::move(value));
    }
    Result<Value> quoted(char quote) {
        const std::size_t close = text_.find(quote, at_ + 1);
        if (close == std::string_view::npos) return problem("a quote is not closed");
        const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
        // Jinja reads escapes there.
        if (inside.find('\\') != std::string_view::npos)
            return problem("a text has a backslash; write the character itself");
        at_ = close + 1;
        return Value(std::string(inside));
    }
    Result<Value> number() {
        const std::size_t begin = at_;
        const std::string digits = name();
        std::int64_t value = 0;
        const bool whole = parse_number(digits, value);
        const bool octal = digits.size() > 1 && digits[0] == '0';
        if (!whole || octal || text_.substr(at_).starts_with('.'))
            return problem(fmt::format("'{}' is no whole number of at most 18 digits; write it in quotes",
                                       trim(text_.substr(begin, text_.find_first_of(" \t\r\n", begin) - begin))));
        return Value(value);
    }
    Result<Value> named(const std::string& word) const {
        if (word == "True" || word == "true") return Value(true);
        if (word == "False" || word == "false") return Value(false);
        if (word == "None" || word == "none") return Value(None{});
        if (auto known = names_.find(word); known != names_.end()) {
            if (const auto* text = std::get_if<std::string>(&known->second); text && !skipping_)
                TRY(spending_.bytes(text->size()));
            return known->second;
        }
        if (unknown_ == UnknownName::refused)
            return problem(
                fmt::format("selectors know no platform '{}'; write one such as linux, linux64, osx or win", word));
        return Value(Undefined{word});
    }
    // .attribute, .method(…), [key]
    Result<Value> suffixes(Value value) {
        while (true) {
            if (accept(".")) {
                TRY_ASSIGN(value, member(value, name()));
            } else if (accept("[")) {
                TRY_ASSIGN(Value key, conditional());
                if (!accept("]")) return problem("a ']' is missing");
                const auto* variable_name = std::get_if<std::string>(&key);
                if (skipping_) continue;
                if (!std::holds_alternative<Environ>(value) || !variable_name)
                    return problem("only environ[\"NAME\"] can be asked with brackets");
                value = variable(*variable_name, Undefined{"environ[\"" + *variable_name + "\"]"});
            } else {
                return value;
            }
        }
    }
    Result<Value> member(const Value& value, const std::string& what) {
        const bool os = std::holds_alternative<OsModule>(value);
        if (os && what == "environ") return Value(Environ{});
        if (!accept("(")) return not_understood(what);
        TRY_ASSIGN(auto arguments, rest_of_arguments());
        if (skipping_) return value;
        if ((os && what == "getenv") || (std::holds_alternative<Environ>(value) && what == "get"))
            return get_variable(what, arguments);
        TRY(require_defined(value));
        const auto* text = std::get_if<std::string>(&value);
        if (!text) return not_understood(what);
        if (arguments.size() == 1 && (what == "startswith" || what == "endswith")) {
            const auto* part = std::get_if<std::string>(&arguments[0]);
            if (!part) return not_understood(what);
            return Value(what == "startswith" ? text->starts_with(*part) : text->ends_with(*part));
        }
        if (what == "trim") return not_understood(what); // of Python's texts it is strip()
        return text_function(what == "strip" ? "trim" : what, *text, arguments);
    }
    Result<Value> get_variable(const std::string& what, const std::vector<Value>& arguments) const {
        const auto* wanted = arguments.empty() ? nullptr : std::get_if<std::string>(&arguments[0]);
        if (!wanted || arguments.size() > 2) return problem(fmt::format("{}() is asked as {}('NAME')", what, what));
        return variable(*wanted, arguments.size() == 2 ? arguments[1] : Value(None{*wanted}));
    }
    Result<Value> apply_filter(const std::string& what, const Value& value, const std::vector<Value>& arguments) const {
        if (skipping_) return value;
        if ((what == "default" || what == "d") && arguments.size() <= 2) {
            const bool falsy_too = arguments.size() == 2 && truth(arguments[1]);
            if (!std::holds_alternative<Undefined>(value) && !(falsy_too && !truth(value))) return value;
            return arguments.empty() ? Value(std::string()) : arguments[0];
        }
        TRY(require_defined(value));
        TRY_ASSIGN(std::string subject, text(value));
        if (what == "string" && arguments.empty()) return Value(subject);
        return text_function(what, subject, arguments);
    }
    // What methods and filters share.
    Result<Value> text_function(const std::string& what, const std::string& text,
                                const std::vector<Value>& arguments) const {
        if (what == "replace" && arguments.size() == 2) {
            const auto* from = std::get_if<std::string>(&arguments[0]);
            const auto* to = std::get_if<std::string>(&arguments[1]);
            if (from && to && !from->empty()) {
                TRY(spending_.bytes(longest_replaced(text.size(), from->size(), to->size())));
                return Value(replace_all(text, *from, *to));
            }
        }
        if ((what != "lower" && what != "upper" && what != "trim") || !arguments.empty()) return not_understood(what);
        if (!is_ascii(text))
            return problem(
                fmt::format("'{}' works here only on texts of ASCII letters; write its result instead", what));
        TRY(spending_.bytes(text.size()));
        if (what == "trim") return Value(std::string(trim(text)));
        if (what == "lower") return Value(to_lower(text));
        std::string upper = text;
        for (char& c : upper)
            if (is_lower(c)) c = static_cast<char>(c - 'a' + 'A');
        return Value(upper);
    }

    Error not_understood(std::string_view what) const {
        return problem(fmt::format("'{}' is not understood; write its result instead", what));
    }
    Status require_defined(const Value& value) const {
        if (const auto* missing = std::get_if<Undefined>(&value))
            return problem(missing->name.empty() ? "an 'if' without 'else' gives no value"
                                                 : fmt::format("'{}' is not defined", missing->name));
        return {};
    }
    Result<std::string> text(const Value& value) const {
        if (const auto* missing = std::get_if<Undefined>(&value); missing && !missing->name.empty())
            return problem(fmt::format("'{}' is not defined", missing->name));
        auto out = text_of(value);
        if (!out) return problem("a value is none, environ or os, which is no text");
        return *out;
    }

    std::string_view text_;
    const Names& names_;
    Spending& spending_;
    UnknownName unknown_;
    std::size_t at_ = 0;
    int depth_ = 0;
    int skipping_ = 0; // > 0: operands are read and not evaluated
};

} // namespace

bool truth(const Value& value) {
    if (auto number = number_of(value)) return *number != 0;
    if (const auto* text = std::get_if<std::string>(&value)) return !text->empty();
    return std::holds_alternative<Environ>(value) || std::holds_alternative<OsModule>(value);
}

Result<Value> evaluate(std::string_view expression, const Names& names, Spending& spending, UnknownName unknown) {
    return Evaluation(expression, names, spending, unknown).run();
}

Result<std::string> shown_value(const Value& value) {
    if (const auto* missing = std::get_if<Undefined>(&value); missing && !missing->name.empty())
        return make_error(ErrorKind::usage, "'{}' is not defined; set it with {{% set %}}, or in the environment",
                          missing->name);
    if (const auto* none = std::get_if<None>(&value))
        return make_error(ErrorKind::usage,
                          "'{}' is not set, so jinja would write 'None'; write a default, as in "
                          "environ.get('NAME', 'DEFAULT')",
                          none->variable.empty() ? "none" : none->variable);
    if (auto text = text_of(value)) return *text;
    return make_error(ErrorKind::usage, "environ and os are no texts; write environ['NAME']");
}

} // namespace tinderbox::spec
