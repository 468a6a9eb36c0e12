// Reading JSON that Tinderbox wrote: each field has one type, and a field of another type is an error.
#pragma once

#include "common/base/result.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace tinderbox::format {

// Reads fields of one object into variables. A missing field leaves its variable alone. The first mistake is kept for
// status(); it begins with `where`, and ends with `remedy`. One thread at a time; `object` must outlive the reader.
class JsonFields {
  public:
    JsonFields(const nlohmann::json& object, std::string where, std::string remedy, ErrorKind kind = ErrorKind::usage)
        : object_(object), where_(std::move(where)), remedy_(std::move(remedy)), kind_(kind) {}

    void text(const char* key, std::string& out, bool required = false);
    void texts(const char* key, std::vector<std::string>& out);
    void flag(const char* key, bool& out);
    // `what` names one entry in the error: "the variable 'X' is not a string".
    void text_map(const char* key, const char* what, std::map<std::string, std::string>& to);
    template <class Integer> void integer(const char* key, Integer& out, bool required = false) {
        const nlohmann::json* value = get(key, required);
        if (!value) return;
        const bool good = std::is_signed_v<Integer> ? value->is_number_integer() : value->is_number_unsigned();
        if (good) out = value->get<Integer>();
        else wrong(key, "a whole number");
    }
    void fail(std::string text);
    Status status() const {
        if (error_) return *error_;
        return {};
    }

  private:
    const nlohmann::json* get(const char* key, bool required);
    void wrong(const char* key, const char* what);

    const nlohmann::json& object_;
    std::string where_, remedy_;
    ErrorKind kind_;
    std::optional<Error> error_;
};

} // namespace tinderbox::format
