// Conda's version order. Not PEP 440's: "1.0post1" and "1.0.post1" differ, letters sort before numbers, "dev" before
// letters, and any separator will do.
//
// Spec: conda/models/version.py (VersionOrder), which CEP 33 writes down; compared with conda's own and rattler's order
// in tests/unit/conda/match_spec_test.cpp.
#pragma once

#include "common/base/result.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::conda {

class VersionOrder {
  public:
    // Error (kind usage) without a context: "'1..2' has an empty part".
    static Result<VersionOrder> parse(std::string_view text);

    const std::string& text() const { return text_; } // as written
    std::weak_ordering operator<=>(const VersionOrder& other) const;
    bool operator==(const VersionOrder& other) const { return (*this <=> other) == 0; }
    // 1.2.3 starts with 1.2 (and 1.2.0, but not 1.20): what "=1.2" and "1.2.*" mean.
    bool starts_with(const VersionOrder& prefix) const;
    // Without its last dotted part: 1.4.2 → 1.4, for "~=1.4.2". Error for a version of one part.
    Result<VersionOrder> without_last() const;

  private:
    // One run of digits or of other characters.
    struct Atom {
        enum class Kind : std::uint8_t { text, number, post } kind = Kind::number;
        std::uint64_t number = 0; // UINT64_MAX: the digits are in `text`
        std::string text;         // lower case; "DEV" for dev, which sorts it before all other words
        std::weak_ordering operator<=>(const Atom& other) const;
        bool operator==(const Atom& other) const { return (*this <=> other) == 0; }
    };
    using Component = std::vector<Atom>;
    using Components = std::vector<Component>;

    static Status split(std::string_view text, std::string_view whole, Components& out);
    static std::weak_ordering compare(const Components& left, const Components& right);
    static std::weak_ordering compare(const Component& left, const Component& right);

    std::string text_;
    Components version_; // the epoch first
    Components local_;
};

} // namespace tinderbox::conda
