// The local time of this machine, beside UTC. Thread-safe.
//
// localtime_r is safe in a static program: it reads /etc/localtime (or the file that TZ names) as data. It loads no
// library and asks for no locale, unlike strftime. A reader of our own would need TZif and the rules of POSIX TZ.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace tinderbox::machine {

struct LocalTime {
    std::string time; // "2026-11-30T19:04:16+01:00" (RFC 3339)
    std::string zone; // "Europe/Berlin"; where only an abbreviation is known, "CET"
};

// `seconds` since 1970. nullopt: local time is UTC then, or the year has more than four digits.
std::optional<LocalTime> local_time(std::int64_t seconds);

nlohmann::json to_json(const LocalTime& local);

} // namespace tinderbox::machine
