// TOML with positions, shared by the readers of generator/spec. Not for use outside it.
#pragma once

#include "generator/spec/reader.hpp"
#include "generator/spec/toml_cost.hpp"
#include "generator/spec/toml_table.hpp"

#include <toml.hpp>

namespace tinderbox::spec {

struct TomlConfig : toml::ordered_type_config {
    template <class Key, class Value> using table_type = IndexedTable<Key, Value>;
};
using Toml = toml::basic_value<TomlConfig>;

class TomlFile {
  public:
    // Errors (usage): not TOML, with line and column; more than the budget.
    static Result<TomlFile> parse(std::string_view text, const std::string& path, const Budget& budget = toml_budget);

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
