// UTC times as text, and the time that reproducible builds are told. Nothing here asks for a locale or a time zone: the
// static programs must not.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace tinderbox {

// Seconds since 1970-01-01 00:00:00 UTC.
std::int64_t now_seconds();
// "2026-11-26T09:08:07Z" (RFC 3339).
std::string utc_time(std::int64_t seconds);
// "2026-11-26 09:08:07".
std::string utc_time_spaced(std::int64_t seconds);

// SOURCE_DATE_EPOCH (reproducible-builds.org), in seconds since 1970; nullopt when it is unset or empty. Error of kind
// usage: it is no whole number.
Result<std::optional<std::int64_t>> source_date_epoch();

} // namespace tinderbox
