// The fields of a lock's JSON objects: checked types and values.
#pragma once

#include "common/format/json_fields.hpp"

#include <string>

namespace tinderbox::lock {

// Adds the types of value in a lock's file rows. Every error ends with "make the lock again".
class LockFields : public format::JsonFields {
  public:
    // Any type but an object is an error, too. `where` begins the error: "demo.lock:artifacts[3]".
    LockFields(const nlohmann::json& object, std::string where);

    void url(const char* key, std::string& out);       // required; http, https or file
    void file_name(const char* key, std::string& out); // required; it becomes a name in the cache
    // Names and values (common/base/names.hpp). `in_scripts`: those of the installer's scripts, whose values are free.
    void variables(const char* key, std::map<std::string, std::string>& out, bool in_scripts = false);
    // Hexadecimal, made lower case; "" stands for a hash that is not known yet.
    void digest(const char* key, std::string& out, std::size_t digits, bool required = false);
};

} // namespace tinderbox::lock
