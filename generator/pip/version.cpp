#include "generator/pip/version.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::pip {
namespace {

bool is_separator(char c) { return c == '.' || c == '-' || c == '_'; }

// PEP 440's regular expression is applied to text stripped of all of Python's white space.
std::string_view strip(std::string_view text) {
    constexpr std::string_view space = " \t\n\r\f\v";
    auto begin = text.find_first_not_of(space);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

} // namespace

Number::Number(std::string_view digits) {
    auto first = digits.find_first_not_of('0');
    digits_ = first == std::string_view::npos ? "0" : std::string(digits.substr(first));
}

std::strong_ordering Number::operator<=>(const Number& other) const {
    if (auto order = digits_.size() <=> other.digits_.size(); order != 0) return order;
    return digits_ <=> other.digits_;
}

// A cursor over lower-case text; every rule either takes its text or leaves the cursor where it was.
struct VersionParser {
    std::string text;
    std::size_t at = 0;
    Version version;

    bool end() const { return at == text.size(); }
    char peek() const { return end() ? '\0' : text[at]; }

    std::string_view digits() {
        std::size_t begin = at;
        while (is_digit(peek())) ++at;
        return std::string_view(text).substr(begin, at - begin);
    }

    bool accept(std::string_view word) {
        if (std::string_view(text).substr(at, word.size()) != word) return false;
        at += word.size();
        return true;
    }

    // "[-_.]?WORD[-_.]?N?" for the first word of the list that fits; `which` receives its place.
    template <std::size_t N> bool phase(const std::string_view (&words)[N], std::size_t& which, Number& number) {
        std::size_t begin = at;
        if (is_separator(peek())) ++at;
        for (which = 0; which < N; ++which)
            if (accept(words[which])) break;
        if (which == N) {
            at = begin;
            return false;
        }
        if (is_separator(peek())) ++at;
        number = Number(digits());
        return true;
    }

    bool release() {
        accept("v");
        auto first = digits();
        if (first.empty()) return false;
        if (peek() == '!') {
            version.epoch_ = Number(first);
            ++at;
            first = digits();
            if (first.empty()) return false;
        }
        version.release_.emplace_back(first);
        while (peek() == '.' && at + 1 < text.size() && is_digit(text[at + 1])) {
            ++at;
            version.release_.emplace_back(digits());
        }
        return true;
    }

    void suffixes() {
        // Longer spellings first: "pre" and "preview" both begin with a shorter word's letters.
        static constexpr std::string_view pre_words[] = {"alpha", "beta", "preview", "pre", "rc", "a", "b", "c"};
        static constexpr std::string_view pre_names[] = {"a", "b", "rc", "rc", "rc", "a", "b", "rc"};
        static constexpr std::string_view post_words[] = {"post", "rev", "r"};
        static constexpr std::string_view dev_words[] = {"dev"};
        std::size_t which = 0;
        Number number;
        if (phase(pre_words, which, number)) version.pre_.emplace(std::string(pre_names[which]), number);
        if (peek() == '-' && at + 1 < text.size() && is_digit(text[at + 1])) {
            ++at;
            version.post_ = Number(digits()); // "1.0-1"
        } else if (phase(post_words, which, number)) {
            version.post_ = number;
        }
        if (phase(dev_words, which, number)) version.dev_ = number;
    }

    bool local() {
        if (peek() != '+') return true;
        do {
            ++at; // the "+", then separators
            std::size_t begin = at;
            while (is_digit(peek()) || is_lower(peek())) ++at;
            auto segment = std::string_view(text).substr(begin, at - begin);
            if (segment.empty()) return false;
            if (std::ranges::all_of(segment, is_digit)) version.local_.emplace_back(Number(segment));
            else version.local_.emplace_back(std::string(segment));
        } while (is_separator(peek()));
        return true;
    }
};

std::optional<Version> Version::parse(std::string_view text) {
    VersionParser parser{to_lower(strip(text)), 0, {}};
    if (!parser.release()) return std::nullopt;
    parser.suffixes();
    if (!parser.local() || !parser.end()) return std::nullopt;
    return std::move(parser.version);
}

std::string Version::base_str() const {
    std::string out = epoch_ == Number() ? "" : epoch_.str() + "!";
    for (std::size_t i = 0; i < release_.size(); ++i) out += (i ? "." : "") + release_[i].str();
    return out;
}

std::string Version::public_str() const {
    std::string out = base_str();
    if (pre_) out += pre_->first + pre_->second.str();
    if (post_) out += ".post" + post_->str();
    if (dev_) out += ".dev" + dev_->str();
    return out;
}

std::string Version::str() const {
    std::string out = public_str();
    for (std::size_t i = 0; i < local_.size(); ++i) {
        out += i ? "." : "+";
        if (auto number = std::get_if<Number>(&local_[i])) out += number->str();
        else out += std::get<std::string>(local_[i]);
    }
    return out;
}

Version Version::public_version() const {
    Version copy = *this;
    copy.local_.clear();
    return copy;
}

Version Version::base_version() const {
    Version copy;
    copy.epoch_ = epoch_;
    copy.release_ = release_;
    return copy;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
    if (auto order = epoch_ <=> other.epoch_; order != 0) return order;
    const Number zero;
    for (std::size_t i = 0; i < std::max(release_.size(), other.release_.size()); ++i) {
        const Number& left = i < release_.size() ? release_[i] : zero;
        const Number& right = i < other.release_.size() ? other.release_[i] : zero;
        if (auto order = left <=> right; order != 0) return order;
    }
    // 1.0.dev1 < 1.0a1 < 1.0: a development release without phase comes before every phase.
    auto pre_rank = [](const Version& v) { return v.pre_ ? 1 : !v.post_ && v.dev_ ? 0 : 2; };
    if (auto order = pre_rank(*this) <=> pre_rank(other); order != 0) return order;
    if (pre_ && other.pre_)
        if (auto order = *pre_ <=> *other.pre_; order != 0) return order;
    if (auto order = post_ <=> other.post_; order != 0) return order; // a version without one is the least
    if (dev_.has_value() != other.dev_.has_value())
        return dev_ ? std::strong_ordering::less : std::strong_ordering::greater;
    if (auto order = dev_ <=> other.dev_; order != 0) return order;
    return local_ <=> other.local_; // without one the least; words before numbers; a longer one after its beginning
}

Version Version::first_development() const {
    Version copy = public_version();
    copy.dev_ = Number();
    return copy;
}

bool Version::is_post_of(const Version& other) const {
    if (!post_ || other.post_ || other.dev_) return false;
    Version copy = public_version();
    copy.post_.reset();
    copy.dev_.reset();
    return copy == other;
}

bool Version::release_starts_with(const Version& prefix, std::size_t components) const {
    if (epoch_ != prefix.epoch_) return false;
    const Number zero;
    for (std::size_t i = 0; i < components; ++i)
        if ((i < release_.size() ? release_[i] : zero) != prefix.release_[i]) return false;
    return true;
}

std::optional<Specifier> Specifier::parse(std::string_view text) {
    static constexpr std::pair<std::string_view, Op> operators[] = {
        {"===", Op::arbitrary}, {"~=", Op::compatible},    {"==", Op::equal}, {"!=", Op::not_equal},
        {"<=", Op::less_equal}, {">=", Op::greater_equal}, {"<", Op::less},   {">", Op::greater}};
    text = strip(text);
    Specifier out;
    std::size_t length = 0;
    for (auto [word, op] : operators)
        if (text.starts_with(word)) {
            out.op_ = op;
            length = word.size();
            break;
        }
    if (length == 0) return std::nullopt;
    text = strip(text.substr(length));
    out.text_ = std::string(text);
    if (out.op_ == Op::arbitrary) {
        if (text.empty() || text.find_first_of(" \t\n\r\f\v;)") != std::string_view::npos) return std::nullopt;
        out.version_ = Version::parse(text);
        return out;
    }
    bool equality = out.op_ == Op::equal || out.op_ == Op::not_equal;
    if (equality && text.ends_with(".*")) {
        out.wildcard_ = true;
        text.remove_suffix(2);
    }
    if (!text.empty() && text.find_first_of(" \t\n\r\f\v") != std::string_view::npos) return std::nullopt;
    out.version_ = Version::parse(text);
    if (!out.version_) return std::nullopt;
    const Version& version = *out.version_;
    if (out.wildcard_ && (version.is_prerelease() || version.is_postrelease() || version.has_local()))
        return std::nullopt;
    if (!equality && version.has_local()) return std::nullopt;
    if (out.op_ == Op::compatible && version.release().size() < 2) return std::nullopt;
    return out;
}

std::string Specifier::str() const {
    static constexpr std::string_view words[] = {"~=", "==", "!=", "<=", ">=", "<", ">", "==="};
    return std::string(words[static_cast<std::size_t>(op_)]) + text_;
}

bool Specifier::names_prerelease() const { return op_ != Op::not_equal && version_ && version_->is_prerelease(); }

bool Specifier::matches(const Version& candidate, std::string_view text) const {
    if (op_ == Op::arbitrary) {
        return to_lower(text.empty() ? candidate.str() : std::string(text)) == to_lower(text_);
    }
    const Version& own = *version_;
    switch (op_) {
    case Op::equal:
    case Op::not_equal: {
        bool same = wildcard_         ? candidate.release_starts_with(own, own.release().size())
                    : own.has_local() ? candidate == own
                                      : candidate.public_version() == own;
        return same == (op_ == Op::equal);
    }
    case Op::compatible:
        return candidate.public_version() >= own && candidate.release_starts_with(own, own.release().size() - 1);
    case Op::less_equal:
        return candidate.public_version() <= own;
    case Op::greater_equal:
        return candidate.public_version() >= own;
    case Op::less:
        return own.is_prerelease() ? candidate < own : candidate < own.first_development();
    case Op::greater:
        // ">1.7" leaves 1.7's own post-releases and local versions out.
        return candidate.public_version() > own && !candidate.is_post_of(own);
    case Op::arbitrary:
        break;
    }
    return false;
}

Result<SpecifierSet> SpecifierSet::parse(std::string_view text) {
    SpecifierSet out;
    for (std::string_view clause : split(text, ',')) {
        clause = strip(clause);
        if (clause.empty()) continue;
        auto specifier = Specifier::parse(clause);
        if (!specifier) {
            if (clause.starts_with("=>") || clause.starts_with("=<"))
                return make_error(ErrorKind::usage, "'{}' is not a version clause; write '{}={}'", clause, clause[1],
                                  clause.substr(2));
            if (clause.size() > 1 && clause[0] == '=' && clause[1] != '=')
                return make_error(ErrorKind::usage, "'{}' is not a version clause; write '={}'", clause, clause);
            return make_error(ErrorKind::usage, "'{}' is not a version clause; write one such as '==1.2.3' or '>=1.2'",
                              clause);
        }
        out.clauses_.push_back(std::move(*specifier));
    }
    return out;
}

std::string SpecifierSet::str() const {
    std::string out;
    for (const Specifier& clause : clauses_) out += (out.empty() ? "" : ",") + clause.str();
    return out;
}

bool SpecifierSet::matches(const Version& version) const {
    return std::ranges::all_of(clauses_, [&](const Specifier& clause) { return clause.matches(version); });
}

bool SpecifierSet::names_prerelease() const {
    return std::ranges::any_of(clauses_, [](const Specifier& clause) { return clause.names_prerelease(); });
}

bool SpecifierSet::contains(const Version& version, bool prereleases) const {
    if (version.is_prerelease() && !prereleases && !names_prerelease()) return false;
    return matches(version);
}

std::optional<std::string> SpecifierSet::pin() const {
    for (const Specifier& clause : clauses_) {
        bool exact =
            clause.op() == Specifier::Op::arbitrary || (clause.op() == Specifier::Op::equal && !clause.wildcard());
        if (exact) return clause.version_text();
    }
    return std::nullopt;
}

} // namespace tinderbox::pip
