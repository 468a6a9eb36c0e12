// Reading JSON whose fields have one type each: a field of another type is an error. A field that is null is missing.
#pragma once

#include "common/base/result.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tinderbox::format {

// Reads fields of one object into variables; another value than an object is the first mistake. A missing field leaves
// its variable alone. The first mistake is kept for status(); it begins with `where`, and ends with `remedy`. One
// thread at a time; `object` must outlive the reader.
class JsonFields {
  public:
    JsonFields(const nlohmann::json& object, std::string where, std::string remedy, ErrorKind kind = ErrorKind::usage);

    void text(const char* key, std::string& out, bool required = false);
    void texts(const char* key, std::vector<std::string>& out);
    void flag(const char* key, bool& out);
    // `what` names one entry in the error: "the variable 'X' is not a string".
    void text_map(const char* key, const char* what, std::map<std::string, std::string>& to);
    template <class Integer> void integer(const char* key, Integer& out, bool required = false) {
        const nlohmann::json* found = value(key, required);
        if (!found) return;
        const bool good = found->is_number_unsigned()  ? std::in_range<Integer>(found->get<std::uint64_t>())
                          : found->is_number_integer() ? std::in_range<Integer>(found->get<std::int64_t>())
                                                       : false;
        if (good) out = found->get<Integer>();
        else wrong(key, "a whole number");
    }
    // Of any type; nullptr: it is missing.
    const nlohmann::json* value(const char* key, bool required = false);
    void fail(std::string text);
    void wrong(const char* key, const char* what); // "'KEY' is not WHAT"
    void keep(const Status& inner);                // what the reader of a field's own fields found
    Status status() const {
        if (error_) return *error_;
        return {};
    }

  private:
    const nlohmann::json& object_;
    std::string where_, remedy_;
    ErrorKind kind_;
    std::optional<Error> error_;
};

} // namespace tinderbox::format
