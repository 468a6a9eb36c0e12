// Python package versions and version specifiers: PEP 440, decided as the `packaging` library decides
// (tests compare with a table made by it).
#pragma once

#include "common/base/result.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tinderbox::pip {

// A non-negative integer of any length: PEP 440 sets no limit, and dates with times or all-digit commit
// hashes in local versions do overflow 64 bits.
class Number {
  public:
    Number() : digits_("0") {}
    explicit Number(std::string_view digits);
    const std::string& str() const { return digits_; }
    std::strong_ordering operator<=>(const Number& other) const;
    bool operator==(const Number& other) const = default;

  private:
    std::string digits_; // without leading zeros
};

class Version {
  public:
    // nullopt for a text that PEP 440 does not allow. Every alternative spelling is accepted ("v1.0-RC.1").
    static std::optional<Version> parse(std::string_view text);

    std::string str() const;        // normalised, with the local part
    std::string public_str() const; // without the local part
    std::string base_str() const;   // epoch and release only
    Version public_version() const;
    Version base_version() const;
    // This version's first development release: "<3.1" excludes pre-releases of 3.1, so it means "<3.1.dev0".
    Version first_development() const;
    // Whether this is a post-release of exactly `other`, which is no post-release itself.
    bool is_post_of(const Version& other) const;

    const std::vector<Number>& release() const { return release_; }
    const Number& epoch() const { return epoch_; }
    bool is_prerelease() const { return pre_.has_value() || dev_.has_value(); }
    bool is_postrelease() const { return post_.has_value(); }
    bool has_local() const { return !local_.empty(); }

    std::strong_ordering operator<=>(const Version& other) const;
    bool operator==(const Version& other) const { return (*this <=> other) == std::strong_ordering::equal; }

    // The epoch is equal and the release, padded with zeros, begins with `prefix`'s: "==1.2.*".
    bool release_starts_with(const Version& prefix, std::size_t components) const;

  private:
    using LocalSegment = std::variant<std::string, Number>; // in this order: a number sorts after a word
    friend struct VersionParser;
    Number epoch_;
    std::vector<Number> release_;
    std::optional<std::pair<std::string, Number>> pre_; // "a", "b" or "rc"
    std::optional<Number> post_, dev_;
    std::vector<LocalSegment> local_;
};

// One clause: "~=1.4.2".
class Specifier {
  public:
    enum class Op { compatible, equal, not_equal, less_equal, greater_equal, less, greater, arbitrary };

    static std::optional<Specifier> parse(std::string_view text);
    Op op() const { return op_; }
    const std::string& version_text() const { return text_; }
    bool wildcard() const { return wildcard_; }
    std::string str() const;
    // Whether `version` satisfies the clause. The caller decides whether pre-releases count at all.
    bool matches(const Version& version, std::string_view version_text = {}) const;
    // The clause itself names a pre-release, and so asks for them (PEP 440, "Handling of pre-releases").
    bool names_prerelease() const;

  private:
    Op op_ = Op::equal;
    bool wildcard_ = false;
    std::string text_;
    std::optional<Version> version_; // none for an arbitrary clause that is no version
};

// Clauses joined by commas; all must hold. "" matches everything.
class SpecifierSet {
  public:
    // Error (kind usage): which clause is wrong, and why.
    static Result<SpecifierSet> parse(std::string_view text);
    bool empty() const { return clauses_.empty(); }
    const std::vector<Specifier>& clauses() const { return clauses_; }
    // As written, normalised in spacing and in the order given.
    std::string str() const;

    // Every clause holds; pre-releases as good as any other version.
    bool matches(const Version& version) const;
    // The same, and a pre-release only when a clause names one or `prereleases` is set (--pre).
    bool contains(const Version& version, bool prereleases = false) const;
    bool names_prerelease() const;

    // The version text of an exact pin: one "==V" without wildcard, or "===V", among the clauses.
    std::optional<std::string> pin() const;

  private:
    std::vector<Specifier> clauses_;
};

} // namespace tinderbox::pip
