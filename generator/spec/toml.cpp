#include "generator/spec/toml.hpp"

#include "common/base/text.hpp"

namespace tinderbox::spec {

Result<TomlFile> TomlFile::parse(std::string_view text, const std::string& path, const Budget& budget) {
    TRY(check_toml_cost(text, path, budget));
    TomlFile out;
    out.path_ = path;
    try {
        auto parsed = toml::try_parse_str<TomlConfig>(std::string(text));
        if (parsed.is_err()) {
            pip::SourceLine line{path};
            std::string message = "a syntax error";
            if (!parsed.unwrap_err().empty()) {
                const toml::error_info& error = parsed.unwrap_err().front();
                message = error.title();
                // The parser begins with its own function's name.
                if (auto colon = message.rfind("::"); colon != std::string::npos)
                    if (auto space = message.find(' ', colon); space != std::string::npos)
                        message = message.substr(space + 1);
                if (!error.locations().empty()) {
                    const auto& [location, what] = error.locations().front();
                    line.line = static_cast<int>(location.first_line_number());
                    line.column = static_cast<int>(location.first_column_number());
                    if (!what.empty()) message += " (" + what + ")";
                }
            }
            return line_error(line, "it is not valid TOML: {}", message);
        }
        out.root_ = std::move(parsed).unwrap();
    } catch (const std::exception& e) {
        return make_error(ErrorKind::usage, "{}: it is not valid TOML: {}", path, trim(std::string_view(e.what())));
    }
    if (!out.root_.is_table()) return make_error(ErrorKind::usage, "{}: it is not valid TOML: no table", path);
    return out;
}

pip::SourceLine TomlFile::at(const Toml& value) const {
    auto location = value.location();
    if (!location.is_ok()) return {path_};
    return {path_, static_cast<int>(location.first_line_number()), static_cast<int>(location.first_column_number())};
}

const Toml* TomlFile::find(const Toml& table, const std::string& key) const {
    if (!table.is_table()) return nullptr;
    const auto& entries = table.as_table();
    auto found = entries.find(key);
    return found == entries.end() ? nullptr : &found->second;
}

Result<const Toml*> TomlFile::table(const Toml& table, const std::string& key) const {
    const Toml* value = find(table, key);
    if (value && !value->is_table()) return line_error(at(*value), "'{}' is not a table", key);
    return value;
}

Result<const Toml*> TomlFile::array(const Toml& table, const std::string& key) const {
    const Toml* value = find(table, key);
    if (value && !value->is_array()) return line_error(at(*value), "'{}' is not a list", key);
    return value;
}

Result<std::string> TomlFile::text(const Toml& table, const std::string& key) const {
    const Toml* value = find(table, key);
    if (!value) return std::string();
    if (!value->is_string()) return line_error(at(*value), "'{}' is not a string; put it in quotes", key);
    return value->as_string();
}

Result<std::string> TomlFile::required(const Toml& table, const std::string& key, std::string_view where) const {
    TRY_ASSIGN(std::string value, text(table, key));
    if (value.empty()) return line_error(at(table), "{} has no '{}'", where, key);
    return value;
}

Result<std::vector<std::string>> TomlFile::texts(const Toml& table, const std::string& key) const {
    std::vector<std::string> out;
    TRY_ASSIGN(const Toml* list, array(table, key));
    if (!list) return out;
    for (const Toml& one : list->as_array()) {
        if (!one.is_string()) return line_error(at(one), "an entry of '{}' is not a string; put it in quotes", key);
        out.push_back(one.as_string());
    }
    return out;
}

Result<std::uint64_t> TomlFile::number(const Toml& table, const std::string& key) const {
    const Toml* value = find(table, key);
    if (!value) return std::uint64_t{0};
    if (!value->is_integer() || value->as_integer() < 0)
        return line_error(at(*value), "'{}' is not a whole number", key);
    return static_cast<std::uint64_t>(value->as_integer());
}

Result<std::vector<const Toml*>> TomlFile::tables(const Toml& table, const std::string& key) const {
    std::vector<const Toml*> out;
    TRY_ASSIGN(const Toml* list, array(table, key));
    if (!list) return out;
    for (const Toml& one : list->as_array()) {
        if (!one.is_table()) return line_error(at(one), "an entry of '{}' is not a table", key);
        out.push_back(&one);
    }
    return out;
}

} // namespace tinderbox::spec
