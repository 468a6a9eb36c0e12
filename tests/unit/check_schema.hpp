// A document against its published schema.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>

namespace tinderbox::test {

// Checks the part of JSON Schema that the schemas in docs/inside use.
inline void check_schema(const nlohmann::json& schema, const nlohmann::json& value, const std::string& where) {
    INFO(where << " = " << value.dump());
    if (schema.contains("const")) CHECK(value == schema["const"]);
    if (schema.contains("enum"))
        CHECK(std::find(schema["enum"].begin(), schema["enum"].end(), value) != schema["enum"].end());
    if (schema.contains("type")) {
        auto is = [&](const std::string& type) {
            return type == "object"    ? value.is_object()
                   : type == "array"   ? value.is_array()
                   : type == "string"  ? value.is_string()
                   : type == "integer" ? value.is_number_integer()
                   : type == "number"  ? value.is_number()
                   : type == "boolean" ? value.is_boolean()
                   : type == "null"    ? value.is_null()
                                       : false;
        };
        bool any = false;
        for (const nlohmann::json& type :
             schema["type"].is_array() ? schema["type"] : nlohmann::json::array({schema["type"]}))
            any = any || is(type);
        CHECK(any);
    }
    if (value.is_object() && schema.contains("required"))
        for (const nlohmann::json& name : schema["required"]) CHECK(value.contains(name.get<std::string>()));
    if (value.is_object() && schema.contains("properties"))
        for (const auto& [name, member] : value.items()) {
            INFO("member " << name);
            REQUIRE(schema["properties"].contains(name)); // a new member is documented
            check_schema(schema["properties"][name], member, where + "." + name);
        }
    if (value.is_array() && schema.contains("items"))
        for (const nlohmann::json& item : value) check_schema(schema["items"], item, where + "[]");
}

} // namespace tinderbox::test
