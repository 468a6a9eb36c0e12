#include "generator/lock/lock_fields.hpp"

#include "common/base/hex.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"

namespace tinderbox::lock {

LockFields::LockFields(const nlohmann::json& object, std::string where)
    : format::JsonFields(object, std::move(where), "make the lock again") {}

void LockFields::url(const char* key, std::string& out) {
    text(key, out, true);
    if (!is_url(out)) fail(fmt::format("'{}' is not an http, https or file URL", without_credentials(out)));
}

void LockFields::file_name(const char* key, std::string& out) {
    text(key, out, true);
    const bool good = !out.empty() && out != "." && out != ".." && out.find('/') == std::string::npos &&
                      out.find('\0') == std::string::npos;
    if (!good) fail(fmt::format("'{}' is no file name", out));
}

void LockFields::digest(const char* key, std::string& out, std::size_t digits, bool required) {
    text(key, out, required);
    out = to_lower(out);
    if (!out.empty() && !is_hex(out, digits)) fail(fmt::format("'{}' is not {} hexadecimal digits", key, digits));
}

} // namespace tinderbox::lock
