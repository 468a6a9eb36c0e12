#include "generator/pip/lenient.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

constexpr std::string_view operators = "<>=!~^";

bool is_operator(char c) { return operators.find(c) != std::string_view::npos; }

// Digits and single dots from `at` on: "3.10" of "3.10.*". Returns the place behind them.
std::size_t end_of_release(std::string_view text, std::size_t at) {
    while (at < text.size() && is_digit(text[at])) {
        while (at < text.size() && is_digit(text[at])) ++at;
        if (at + 1 >= text.size() || text[at] != '.' || !is_digit(text[at + 1])) break;
        ++at;
    }
    return at;
}

// Each function below repairs one mistake in the clauses of a requirement.

// ">=7.2.0<8.0.0" → ">=7.2.0,<8.0.0"
std::string add_comma(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (is_operator(c) && !out.empty() && is_digit(out.back())) out += ',';
        out += c;
    }
    return out;
}

// "!=~5.0" → "!=5.0.*"
std::string replace_tilde(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.substr(at).starts_with("!=~") ? end_of_release(text, at + 3) : 0;
        if (end > at + 3) {
            out.append("!=").append(text.substr(at + 3, end - at - 3)).append(".*");
            at = end;
        } else {
            out += text[at++];
        }
    }
    return out;
}

// ">=1.9.*" → ">=1.9": only == and != have wildcards.
std::string remove_star(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        out += text[at];
        if (text[at] != '<' && text[at] != '>') {
            ++at;
            continue;
        }
        ++at;
        if (at < text.size() && text[at] == '=') out += text[at++];
        const std::size_t end = end_of_release(text, at);
        out += text.substr(at, end - at);
        at = end > at && text.substr(end).starts_with(".*") ? end + 2 : end;
    }
    return out;
}

// "!=3.0*" → "!=3.0.*"; uv does so behind a number of one digit only.
std::string add_dot(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool follows = at >= 3 && is_digit(text[at - 1]) && text[at - 2] == '.' && is_digit(text[at - 3]);
        if (text[at] == '*' && follows) out += '.';
        out += text[at];
    }
    return out;
}

// ">=3.6," → ">=3.6"
std::string remove_comma(std::string_view text) {
    text = trim(text);
    if (text.ends_with(',')) text.remove_suffix(1);
    return std::string(text);
}

// ">dev" → ">0.0.0dev"
std::string replace_dev(std::string_view text) { return replace_all(std::string(text), ">dev", ">0.0.0dev"); }

// ">=9.0.0a1.0" → ">=9.0.0a1"
std::string remove_zero(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = end_of_release(text, at);
        if (end == at) {
            out += text[at++];
            continue;
        }
        bool phase = false;
        for (std::string_view word : {"a", "b", "rc", "post", "dev"}) {
            if (!text.substr(end).starts_with(word)) continue;
            std::size_t digits = end + word.size();
            while (digits < text.size() && is_digit(text[digits])) ++digits;
            phase = digits > end + word.size();
            if (phase) end = digits;
            break;
        }
        out += text.substr(at, end - at);
        at = phase && text.substr(end).starts_with(".0") ? end + 2 : end;
    }
    return out;
}

std::string remove_quotes(std::string_view text) {
    std::string out(text);
    std::erase_if(out, [](char c) { return c == '\'' || c == '"'; });
    return out;
}

// Everything is repaired in uv's order, and read again after each repair. `head` is the part before the clauses, `tail`
// the one behind them.
template <class T>
Result<T> parse_repaired(std::string head, std::string clauses, std::string_view tail,
                         Result<T> (*parse)(std::string_view)) {
    for (auto* repair :
         {add_comma, replace_tilde, remove_star, add_dot, remove_comma, replace_dev, remove_zero, remove_quotes}) {
        std::string repaired = repair(clauses);
        std::string name = repair == remove_quotes ? remove_quotes(head) : head;
        if (repaired == clauses && name == head) continue;
        clauses = std::move(repaired);
        head = std::move(name);
        if (auto parsed = parse(head + clauses + std::string(tail))) return parsed;
    }
    return make_error(ErrorKind::usage, "");
}

} // namespace

Result<Requirement> parse_requires_dist(std::string_view text) {
    auto strict = Requirement::parse(text);
    if (strict) return strict;
    // A marker has quotes and operators of its own.
    const std::size_t marker = std::min(text.find(';'), text.size());
    const std::size_t begin = std::min(text.find_first_of(operators), marker);
    std::size_t end = marker;
    if (const auto close = text.substr(begin, marker - begin).rfind(')'); close != std::string_view::npos)
        end = begin + close;
    auto repaired =
        parse_repaired<Requirement>(std::string(text.substr(0, begin)), std::string(text.substr(begin, end - begin)),
                                    text.substr(end), [](std::string_view t) { return Requirement::parse(t); });
    return repaired ? std::move(repaired) : std::move(strict);
}

Result<SpecifierSet> parse_requires_python(std::string_view text) {
    auto strict = SpecifierSet::parse(text);
    if (strict) return strict;
    auto repaired = parse_repaired<SpecifierSet>("", std::string(text), "",
                                                 [](std::string_view t) { return SpecifierSet::parse(t); });
    return repaired ? std::move(repaired) : std::move(strict);
}

} // namespace tinderbox::pip
