#include "generator/conda/version_spec.hpp"

#include "common/base/text.hpp"

#include <regex.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace tinderbox::conda {
namespace {

// Also of patterns that a channel sends: the C library's matcher is linear without back references, and a repetition
// count may not blow it up.
constexpr std::size_t longest_pattern = 256;
constexpr int deepest_parenthesis = 32;

// '*' matches any run of characters, without backtracking into an earlier '*'.
bool glob_matches(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

// How often repetitions stand inside of each other, as in ((a+)+)+. regcomp() copies what '+' repeats, so its memory
// doubles with each level: 60 bytes can cost gigabytes.
class RepetitionDepth {
  public:
    static constexpr int limit = 4;

    void open_group() { groups_.emplace_back(); }
    void close_group() {
        if (groups_.size() < 2) return; // regcomp() refuses it
        last_ = groups_.back();
        groups_.pop_back();
        groups_.back() = std::max(groups_.back(), last_);
        repeats_ = false;
    }
    void atom() {
        last_ = 0;
        repeats_ = false;
    }
    // false: a repetition of a repetition, which Python refuses as well, or too many inside of each other.
    bool repeat() {
        if (std::exchange(repeats_, true)) return false;
        groups_.back() = std::max(groups_.back(), ++last_);
        return last_ <= limit;
    }

  private:
    std::vector<int> groups_{0}; // the deepest in each open group
    int last_ = 0;               // of the last atom
    bool repeats_ = false;       // it is repeated already
};

// Python's regular expressions as POSIX's extended ones, as far as match specs use them.
Result<std::string> posix_regex(std::string_view text) {
    std::string out;
    bool in_class = false;
    RepetitionDepth depth;
    auto unsupported = [&] {
        return make_error(ErrorKind::usage, "'{}': this kind of pattern is not supported; use '*', '|' and '[…]'",
                          text);
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (in_class) {
            in_class = c != ']';
            out += c;
        } else if (std::string_view("*+?").find(c) != std::string_view::npos) {
            if (!depth.repeat()) return unsupported();
            out += c;
        } else if (c == '\\' && i + 1 < text.size()) {
            depth.atom();
            char next = text[++i];
            if (next == 'd') out += "[0-9]";
            else if (next == 'w') out += "[0-9A-Za-z_]";
            else if (std::string_view(".+*?()[]^$|-_\\").find(next) != std::string_view::npos)
                out += std::string("\\") + next;
            else return make_error(ErrorKind::usage, "'{}': '\\{}' is not supported in a pattern", text, next);
        } else if (text.substr(i).starts_with("(?:")) {
            depth.open_group();
            out += '(';
            i += 2;
        } else if (c == '{' || text.substr(i).starts_with("(?")) {
            return unsupported();
        } else {
            in_class = c == '[';
            if (c == '(') depth.open_group();
            else if (c == ')') depth.close_group();
            else depth.atom();
            out += c;
        }
    }
    return out;
}

} // namespace

struct TextPattern::Regex {
    regex_t compiled{};
    bool good = false;
    explicit Regex(const std::string& text) {
        good = ::regcomp(&compiled, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0;
    }
    Regex(const Regex&) = delete;
    Regex& operator=(const Regex&) = delete;
    ~Regex() {
        if (good) ::regfree(&compiled);
    }
};

Result<TextPattern> TextPattern::parse(std::string_view text) {
    TextPattern out;
    out.text_ = std::string(text);
    if (text.size() > longest_pattern)
        return make_error(ErrorKind::usage, "a pattern of {} characters is too long", text.size());
    const bool front = text.starts_with('^'), back = text.ends_with('$');
    if (front != back)
        return make_error(ErrorKind::usage, "'{}': a regular expression begins with '^' and ends with '$'", text);
    if (!front) return out;
    TRY_ASSIGN(std::string posix, posix_regex(text));
    auto regex = std::make_shared<Regex>(posix);
    if (!regex->good) return make_error(ErrorKind::usage, "'{}' is not a valid regular expression", text);
    out.regex_ = std::move(regex);
    return out;
}

bool TextPattern::matches(std::string_view text) const {
    if (!regex_) return exact() ? text == text_ : glob_matches(text_, text);
    if (text.size() > 4 * longest_pattern) return false;
    return ::regexec(&regex_->compiled, std::string(text).c_str(), 0, nullptr, 0) == 0;
}

// expression := conjunction ('|' conjunction)*; conjunction := term (',' term)*; term := '(' expression ')' | relation
class VersionSpec::Parser {
  public:
    explicit Parser(std::string_view text) : text_(text), rest_(text) {}

    Result<Node> whole() {
        TRY_ASSIGN(Node node, expression(0));
        if (!rest_.empty()) return make_error(ErrorKind::usage, "'{}' has a ')' without a '('", text_);
        return node;
    }

  private:
    void skip() {
        while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
    }
    bool take(char c) {
        skip();
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    Result<Node> expression(int depth) {
        if (depth > deepest_parenthesis) return make_error(ErrorKind::usage, "'{}' has too many parentheses", text_);
        return joined(Kind::any_of, '|', [&] { return joined(Kind::all_of, ',', [&] { return leaf(depth); }); });
    }

    template <class Part> Result<Node> joined(Kind kind, char separator, Part part) {
        TRY_ASSIGN(Node first, part());
        if (!take(separator)) return first;
        Node out;
        out.kind = kind;
        out.children.push_back(std::move(first));
        do {
            TRY_ASSIGN(Node next, part());
            out.children.push_back(std::move(next));
        } while (take(separator));
        return out;
    }

    Result<Node> leaf(int depth) {
        if (take('(')) {
            TRY_ASSIGN(Node node, expression(depth + 1));
            if (!take(')')) return make_error(ErrorKind::usage, "'{}' has a '(' that is not closed", text_);
            return node;
        }
        std::size_t stop = rest_.find_first_of(rest_.starts_with('^') ? "$" : "(),|");
        if (rest_.starts_with('^') && stop != std::string_view::npos) ++stop;
        std::string_view term = trim(rest_.substr(0, stop));
        rest_.remove_prefix(std::min(stop, rest_.size()));
        if (term.empty()) return make_error(ErrorKind::usage, "'{}' lacks a version beside its ',' or '|'", text_);
        skip();
        if (!rest_.empty() && rest_[0] == '(')
            return make_error(ErrorKind::usage, "'{}' lacks a ',' or '|' before its '('", text_);
        return VersionSpec::term(term);
    }

    std::string_view text_, rest_;
};

Result<VersionSpec::Node> VersionSpec::relation(std::string_view text) {
    static constexpr std::pair<std::string_view, Kind> operators[] = {
        {"==", Kind::equal},      {"!=", Kind::unequal}, {"<=", Kind::less_equal}, {">=", Kind::greater_equal},
        {"~=", Kind::compatible}, {"=", Kind::starts},   {"<", Kind::less},        {">", Kind::greater}};
    Node out;
    std::string_view sign;
    for (auto [name, kind] : operators)
        if (text.starts_with(name)) {
            out.kind = kind;
            sign = name;
            break;
        }
    std::string_view version = trim(text.substr(sign.size()));
    if (sign.empty() || (!version.empty() && std::string_view("=<>!~").find(version[0]) != std::string_view::npos))
        return make_error(ErrorKind::usage,
                          "'{}' has an unknown operator; there are ==, !=, <, <=, >, >=, ~= and =", text);
    if (version.empty()) return make_error(ErrorKind::usage, "there is no version behind '{}'", sign);
    if (version.ends_with(".*")) {
        if (out.kind == Kind::compatible)
            return make_error(ErrorKind::usage, "'{}': '~=' needs a version without '.*'", text);
        version.remove_suffix(2);
        if (out.kind == Kind::unequal) out.kind = Kind::starts_not;
        // conda reads "==1.2.*" as "==1.2"; people who write it mean what pip does.
        if (out.kind == Kind::equal) out.kind = Kind::starts;
    } else if (version.ends_with('*') && (out.kind == Kind::starts || out.kind == Kind::equal ||
                                          out.kind == Kind::unequal || out.kind == Kind::greater_equal)) {
        version.remove_suffix(1);
        out.kind = out.kind == Kind::unequal         ? Kind::starts_not
                   : out.kind == Kind::greater_equal ? out.kind
                                                     : Kind::starts;
        if (version.empty()) return Node();
    }
    TRY_ASSIGN(VersionOrder parsed, VersionOrder::parse(version));
    if (out.kind == Kind::compatible) {
        TRY_ASSIGN(VersionOrder prefix, parsed.without_last());
        out.prefix = std::make_shared<VersionOrder>(std::move(prefix));
    }
    out.version = std::make_shared<VersionOrder>(std::move(parsed));
    return out;
}

Result<VersionSpec::Node> VersionSpec::term(std::string_view text) {
    Node out;
    if (text == "*") return out;
    if (text.starts_with('^') || text.ends_with('$')) {
        TRY_ASSIGN(TextPattern pattern, TextPattern::parse(text));
        out.kind = Kind::pattern;
        out.pattern = std::make_shared<TextPattern>(std::move(pattern));
        return out;
    }
    if (std::string_view("=<>!~").find(text[0]) != std::string_view::npos) return relation(text);
    std::string_view bare = text;
    while (bare.ends_with('*')) bare.remove_suffix(1);
    if (bare.find('*') != std::string_view::npos) {
        TRY_ASSIGN(TextPattern pattern, TextPattern::parse(text));
        out.kind = Kind::pattern;
        out.pattern = std::make_shared<TextPattern>(std::move(pattern));
        return out;
    }
    out.kind = bare.size() < text.size() ? Kind::starts : Kind::equal;
    while (out.kind == Kind::starts && bare.ends_with('.')) bare.remove_suffix(1);
    if (bare.empty()) return Node();
    TRY_ASSIGN(VersionOrder version, VersionOrder::parse(bare));
    out.version = std::make_shared<VersionOrder>(std::move(version));
    return out;
}

Result<VersionSpec> VersionSpec::parse(std::string_view text) {
    VersionSpec out;
    out.text_ = std::string(trim(text));
    if (out.text_.empty()) return make_error(ErrorKind::usage, "the version is empty");
    TRY_ASSIGN(out.root_, Parser(out.text_).whole());
    return out;
}

bool VersionSpec::matches(const Node& node, const VersionOrder& version) {
    switch (node.kind) {
    case Kind::any:
        return true;
    case Kind::all_of:
        return std::ranges::all_of(node.children, [&](const Node& child) { return matches(child, version); });
    case Kind::any_of:
        return std::ranges::any_of(node.children, [&](const Node& child) { return matches(child, version); });
    case Kind::equal:
        return version == *node.version;
    case Kind::unequal:
        return version != *node.version;
    case Kind::less:
        return version < *node.version;
    case Kind::less_equal:
        return version <= *node.version;
    case Kind::greater:
        return version > *node.version;
    case Kind::greater_equal:
        return version >= *node.version;
    case Kind::starts:
        return version.starts_with(*node.version);
    case Kind::starts_not:
        return !version.starts_with(*node.version);
    case Kind::compatible:
        return version >= *node.version && version.starts_with(*node.prefix);
    case Kind::pattern:
        return node.pattern->matches(version.text());
    }
    return false;
}

} // namespace tinderbox::conda
