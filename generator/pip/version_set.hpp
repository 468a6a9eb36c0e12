// A set of a package's candidates, one bit each: what the solver computes with.
//
// The candidates of a package (the files that its index offers) are finite and known before the first set is made. So
// sets of candidates replace the version ranges of other PubGrub solvers. PEP 440's special cases (local versions that
// "==1.0" matches, "===", pre-releases left out of "<2") then need no algebra: a requirement is the set of candidates
// that it matches.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tinderbox::pip {

// Bit 0 means "not installed", bit i + 1 means candidate i. A set without bit 0 says that the package must be
// installed.
class VersionSet {
  public:
    VersionSet() = default;
    static VersionSet none(std::size_t candidates) {
        VersionSet out;
        out.bits_ = candidates + 1;
        out.words_.assign((out.bits_ + 63) / 64, 0);
        return out;
    }
    static VersionSet all(std::size_t candidates) { return none(candidates).complement(); }
    static VersionSet only(std::size_t candidates, std::size_t candidate) {
        VersionSet out = none(candidates);
        out.add(candidate);
        return out;
    }
    static VersionSet absent(std::size_t candidates) {
        VersionSet out = none(candidates);
        out.words_[0] = 1;
        return out;
    }

    void add(std::size_t candidate) { words_[(candidate + 1) / 64] |= std::uint64_t{1} << ((candidate + 1) % 64); }
    bool has(std::size_t candidate) const { return words_[(candidate + 1) / 64] >> ((candidate + 1) % 64) & 1; }
    bool has_absent() const { return words_[0] & 1; }
    std::size_t candidates() const { return bits_ - 1; }

    bool empty() const {
        for (std::uint64_t word : words_)
            if (word) return false;
        return true;
    }
    bool full() const { return complement().empty(); }
    bool operator==(const VersionSet& other) const = default;
    bool subset_of(const VersionSet& other) const {
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_[i] & ~other.words_[i]) return false;
        return true;
    }
    bool disjoint(const VersionSet& other) const {
        for (std::size_t i = 0; i < words_.size(); ++i)
            if (words_[i] & other.words_[i]) return false;
        return true;
    }
    VersionSet complement() const {
        VersionSet out = *this;
        for (std::uint64_t& word : out.words_) word = ~word;
        if (bits_ % 64) out.words_.back() &= (std::uint64_t{1} << (bits_ % 64)) - 1;
        return out;
    }
    VersionSet& operator&=(const VersionSet& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
        return *this;
    }
    VersionSet& operator|=(const VersionSet& other) {
        for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
        return *this;
    }
    friend VersionSet operator&(VersionSet a, const VersionSet& b) { return a &= b; }
    friend VersionSet operator|(VersionSet a, const VersionSet& b) { return a |= b; }

    // Candidates in it, bit 0 not counted.
    std::size_t size() const {
        std::size_t out = 0;
        for (std::uint64_t word : words_) out += static_cast<std::size_t>(std::popcount(word));
        return out - (has_absent() ? 1 : 0);
    }
    // The best (lowest) candidate, candidates() when there is none.
    std::size_t first() const {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            std::uint64_t word = i == 0 ? words_[0] & ~std::uint64_t{1} : words_[i];
            if (word) return i * 64 + static_cast<std::size_t>(std::countr_zero(word)) - 1;
        }
        return candidates();
    }

  private:
    std::size_t bits_ = 1;
    std::vector<std::uint64_t> words_ = {0};
};

} // namespace tinderbox::pip
