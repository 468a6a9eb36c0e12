#include "generator/lock/lock_fields.hpp"

#include "common/base/hex.hpp"
#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/visible.hpp"

namespace tinderbox::lock {

LockFields::LockFields(const nlohmann::json& object, std::string where)
    : format::JsonFields(object, std::move(where), "make the lock again") {}

void LockFields::url(const char* key, std::string& out) {
    text(key, out, true);
    if (!is_url(out)) fail(fmt::format("'{}' is not an http, https or file URL", without_credentials(out)));
}

void LockFields::file_name(const char* key, std::string& out) {
    text(key, out, true);
    const auto safe = safe_relative_path(out);
    if (!safe.ok() || *safe != out || out.find('/') != std::string::npos)
        fail(fmt::format("'{}' is no file name", visible(out.substr(0, 200))));
}

void LockFields::variables(const char* key, std::map<std::string, std::string>& out, bool in_scripts) {
    text_map(key, "variable", out);
    for (const auto& [name, value] : out)
        if (Status good = in_scripts ? check_variable_name(name) : check_variable(name, value); !good.ok())
            fail(good.error().message);
}

void LockFields::digest(const char* key, std::string& out, std::size_t digits, bool required) {
    text(key, out, required);
    out = to_lower(out);
    if (!out.empty() && !is_hex(out, digits)) fail(fmt::format("'{}' is not {} hexadecimal digits", key, digits));
}

} // namespace tinderbox::lock
