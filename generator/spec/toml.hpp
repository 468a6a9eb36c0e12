// TOML with positions, shared by the readers of generator/spec. Not for use outside it.
#pragma once

#include "generator/spec/reader.hpp"

#include <toml.hpp>

namespace tinderbox::spec {

using Toml = toml::ordered_value;

class TomlFile {
  public:
    // Errors (usage): not TOML, with line and column.
    static Result<TomlFile> parse(std::string_view text, const std::string& path);

    const Toml& root() const { return root_; }
    pip::SourceLine at(const Toml& value) const;

    // nullptr when `table` has no such key. Errors: the value has another type. `table` must be a table.
    Result<const Toml*> table(const Toml& table, const std::string& key) const;
    Result<const Toml*> array(const Toml& table, const std::string& key) const;
    // "" when the key is missing.
    Result<std::string> text(const Toml& table, const std::string& key) const;
    Result<std::string> required(const Toml& table, const std::string& key, std::string_view where) const;
    Result<std::vector<std::string>> texts(const Toml& table, const std::string& key) const;
    Result<std::uint64_t> number(const Toml& table, const std::string& key) const; // 0 when missing
    // The tables of an array.
    Result<std::vector<const Toml*>> tables(const Toml& table, const std::string& key) const;

  private:
    const Toml* find(const Toml& table, const std::string& key) const;

    std::string path_;
    Toml root_;
};

} // namespace tinderbox::spec
