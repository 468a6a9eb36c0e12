// Compatibility tags of wheels: PEP 425 (compressed sets), PEP 600 and its aliases (manylinux1, 2010, 2014),
// abi3, abi3t, free-threaded builds; and wheel file names (PEP 427, PEP 491).
#pragma once

#include "generator/pip/target.hpp"
#include "generator/pip/version.hpp"

#include <optional>
#include <unordered_map>

namespace tinderbox::pip {

struct Tag {
    std::string interpreter, abi, platform; // "cp311", "abi3", "manylinux_2_17_x86_64"
    std::string str() const { return interpreter + "-" + abi + "-" + platform; }
    bool operator==(const Tag&) const = default;
};

// Every tag a CPython of the target can install, best first: the order pip prefers them in.
std::vector<Tag> supported_tags(const Target& target);

// The same, indexed.
class TagRanking {
  public:
    explicit TagRanking(const Target& target);
    std::optional<std::size_t> rank(const Tag& tag) const; // 0 is best
    // Of the best of a wheel's tags.
    std::optional<std::size_t> rank(const std::vector<Tag>& tags) const;

  private:
    std::unordered_map<std::string, std::size_t> ranks_;
};

// (28, "1a") of "28_1a"-like build tags: the number first, then the rest; none is least.
struct BuildTag {
    Number number;
    std::string rest;
    bool present = false;
    std::strong_ordering operator<=>(const BuildTag& other) const;
    bool operator==(const BuildTag& other) const = default;
};

struct WheelName {
    std::string name; // normalised
    std::string version_text;
    Version version;
    BuildTag build;
    std::string build_text;
    std::vector<Tag> tags; // the compressed set, spread out
};

// Of "NAME-VERSION(-BUILD)?-PY-ABI-PLATFORM.whl". nullopt for anything else.
std::optional<WheelName> parse_wheel_name(std::string_view file_name);

// The version in the name of an archive whose version only its build backend knows (PEP 621, dynamic).
inline constexpr const char* dynamic_version = "0";
// The version of "NAME-VERSION.tar.gz" (or .zip, .tar.bz2) for the project `name` (normalised).
std::optional<Version> parse_sdist_name(std::string_view file_name, std::string_view name);

} // namespace tinderbox::pip
