// The version part of a match spec: ">=1.8,<2.0a0", "3.9.*", "1.0|1.2", "~=1.4.2", "^1\.[02].*$".
//
// Spec: conda/models/version.py (VersionSpec); ',' binds closer than '|', parentheses as usual.
#pragma once

#include "generator/conda/version.hpp"

#include <memory>

namespace tinderbox::conda {

// '*' stands for any characters; text between '^' and '$' is a regular expression. The same for versions, builds,
// names.
class TextPattern {
  public:
    static Result<TextPattern> parse(std::string_view text);
    bool matches(std::string_view text) const;
    bool matches_all() const { return text_ == "*"; }
    bool exact() const { return !regex_ && text_.find('*') == std::string::npos; }
    const std::string& text() const { return text_; }

  private:
    struct Regex;
    std::string text_;
    std::shared_ptr<const Regex> regex_;
};

class VersionSpec {
  public:
    // Error (kind usage) without a context, with what to write instead.
    static Result<VersionSpec> parse(std::string_view text);

    bool matches(const VersionOrder& version) const { return matches(root_, version); }
    bool any() const { return root_.kind == Kind::any; }
    // "==1.0", "1.0": the version, nullptr otherwise.
    const VersionOrder* exact() const { return root_.kind == Kind::equal ? root_.version.get() : nullptr; }
    const std::string& text() const { return text_; }

  private:
    enum class Kind {
        any,
        all_of,
        any_of,
        equal,
        unequal,
        less,
        less_equal,
        greater,
        greater_equal,
        starts,
        starts_not,
        compatible,
        pattern
    };
    struct Node {
        Kind kind = Kind::any;
        std::vector<Node> children;
        std::shared_ptr<const VersionOrder> version, prefix; // `prefix` of ~=
        std::shared_ptr<const TextPattern> pattern;
    };
    class Parser;
    static Result<Node> term(std::string_view text);
    static Result<Node> relation(std::string_view text);
    static bool matches(const Node& node, const VersionOrder& version);

    std::string text_;
    Node root_;
};

} // namespace tinderbox::conda
