#include "generator/conda/version.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::conda {
namespace {

constexpr std::size_t longest_version = 512;

bool is_version_char(char c) {
    return is_digit(c) || is_lower(c) || c == '.' || c == '_' || c == '+' || c == '!' || c == '*';
}

} // namespace

std::weak_ordering VersionOrder::Atom::operator<=>(const Atom& other) const {
    if (kind != other.kind) return kind <=> other.kind; // words before numbers before "post"
    if (kind == Kind::post) return std::weak_ordering::equivalent;
    if (kind == Kind::text) return text.compare(other.text) <=> 0;
    if (number != other.number || number != UINT64_MAX) return number <=> other.number;
    if (text.size() != other.text.size()) return text.size() <=> other.text.size();
    return text.compare(other.text) <=> 0;
}

// "1.2g.beta15" → [[1], [2, "g"], [0, "beta", 15]]
Status VersionOrder::split(std::string_view text, std::string_view whole, Components& out) {
    std::size_t at = 0;
    for (;;) {
        std::size_t stop = at;
        // A '_' at the end belongs to the last part: 1.0.1_ < 1.0.1a, for OpenSSL's way of counting.
        while (stop < text.size() && text[stop] != '.' && (text[stop] != '_' || stop + 1 == text.size())) ++stop;
        std::string_view part = text.substr(at, stop - at);
        if (part.empty()) return make_error(ErrorKind::usage, "'{}' has an empty part", whole);
        Component component;
        if (!is_digit(part[0])) component.emplace_back();
        for (std::size_t i = 0; i < part.size();) {
            auto kind_of = [](char c) { return is_digit(c) ? 0 : c == '*' ? 1 : 2; };
            std::size_t end = i + 1;
            while (end < part.size() && kind_of(part[end]) == kind_of(part[i])) ++end;
            std::string_view run = part.substr(i, end - i);
            Atom atom;
            if (is_digit(run[0])) {
                run.remove_prefix(std::min(run.find_first_not_of('0'), run.size() - 1));
                if (run.size() <= 19) {
                    for (char c : run) atom.number = atom.number * 10 + static_cast<unsigned>(c - '0');
                } else {
                    atom.number = UINT64_MAX;
                    atom.text = run;
                }
            } else if (run == "post") {
                atom.kind = Atom::Kind::post;
            } else {
                atom.kind = Atom::Kind::text;
                atom.text = run == "dev" ? "DEV" : run;
            }
            component.push_back(std::move(atom));
            i = end;
        }
        out.push_back(std::move(component));
        if (stop >= text.size()) return {};
        at = stop + 1;
    }
}

Result<VersionOrder> VersionOrder::parse(std::string_view text) {
    VersionOrder out;
    out.text_ = std::string(trim(text));
    std::string lower = to_lower(out.text_);
    if (lower.empty()) return make_error(ErrorKind::usage, "the version is empty");
    if (lower.size() > longest_version)
        return make_error(ErrorKind::usage, "the version has {} characters", lower.size());
    if (lower.find('_') == std::string::npos) std::ranges::replace(lower, '-', '_');
    for (char c : lower)
        if (!is_version_char(c))
            return make_error(ErrorKind::usage, "'{}' is no version: '{}' cannot be in one", out.text_, c);
    std::string_view rest = lower;
    out.version_.emplace_back(1);
    if (auto mark = rest.find('!'); mark != std::string_view::npos) {
        std::string_view epoch = rest.substr(0, mark);
        if (epoch.empty() || !std::ranges::all_of(epoch, is_digit) ||
            rest.find('!', mark + 1) != std::string_view::npos)
            return make_error(ErrorKind::usage, "'{}' is no version: before its '!' there is no whole number",
                              out.text_);
        out.version_.clear();
        TRY(split(epoch, out.text_, out.version_));
        rest.remove_prefix(mark + 1);
    }
    if (auto plus = rest.find('+'); plus != std::string_view::npos) {
        std::string_view local = rest.substr(plus + 1);
        if (local.find('+') != std::string_view::npos)
            return make_error(ErrorKind::usage, "'{}' is no version: it has two '+'", out.text_);
        rest = rest.substr(0, plus);
        if (local.ends_with('_')) return make_error(ErrorKind::usage, "'{}' has an empty part", out.text_);
        TRY(split(local, out.text_, out.local_));
    }
    if (rest.empty())
        return make_error(ErrorKind::usage, "'{}' is no version: nothing stands before its '+'", out.text_);
    TRY(split(rest, out.text_, out.version_));
    return out;
}

// A missing part counts as 0: 1.1 is 1.1.0.
std::weak_ordering VersionOrder::compare(const Component& left, const Component& right) {
    static const Atom zero;
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
        auto order = (i < left.size() ? left[i] : zero) <=> (i < right.size() ? right[i] : zero);
        if (order != 0) return order;
    }
    return std::weak_ordering::equivalent;
}

std::weak_ordering VersionOrder::compare(const Components& left, const Components& right) {
    static const Component none;
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
        auto order = compare(i < left.size() ? left[i] : none, i < right.size() ? right[i] : none);
        if (order != 0) return order;
    }
    return std::weak_ordering::equivalent;
}

std::weak_ordering VersionOrder::operator<=>(const VersionOrder& other) const {
    auto order = compare(version_, other.version_);
    return order != 0 ? order : compare(local_, other.local_);
}

bool VersionOrder::starts_with(const VersionOrder& prefix) const {
    if (!prefix.local_.empty() && compare(version_, prefix.version_) != 0) return false;
    const Components& whole = prefix.local_.empty() ? version_ : local_;
    const Components& front = prefix.local_.empty() ? prefix.version_ : prefix.local_;
    static const Component none;
    static const Atom zero;
    const std::size_t last = front.size() - 1;
    auto part = [&](std::size_t i) -> const Component& { return i < whole.size() ? whole[i] : none; };
    for (std::size_t i = 0; i < last; ++i)
        if (compare(part(i), front[i]) != 0) return false;
    const Component& mine = part(last);
    const Component& wanted = front[last];
    const std::size_t end = wanted.size() - 1;
    auto atom = [&](std::size_t i) -> const Atom& { return i < mine.size() ? mine[i] : zero; };
    for (std::size_t i = 0; i < end; ++i)
        if (atom(i) != wanted[i]) return false;
    const Atom& tail = wanted[end];
    if (tail.kind == Atom::Kind::text)
        return atom(end).kind == Atom::Kind::text && atom(end).text.starts_with(tail.text);
    return atom(end) == tail;
}

Result<VersionOrder> VersionOrder::without_last() const {
    auto dot = text_.rfind('.');
    if (dot == std::string::npos)
        return make_error(ErrorKind::usage, "'~={0}' needs a version of two parts, such as ~={0}.0", text_);
    return parse(std::string_view(text_).substr(0, dot));
}

} // namespace tinderbox::conda
