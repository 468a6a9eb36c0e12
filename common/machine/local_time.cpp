#include "common/machine/local_time.hpp"

#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/machine/system_root.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <ctime>

namespace tinderbox::machine {
namespace {

// "/usr/share/zoneinfo/Europe/Berlin" → "Europe/Berlin"; "" for any other path.
std::string below_zoneinfo(std::string_view path) {
    constexpr std::string_view directory = "/zoneinfo/";
    const auto at = path.find(directory);
    return at == std::string_view::npos ? std::string() : std::string(path.substr(at + directory.size()));
}

// TZ wins, as in libc: ":Europe/Berlin", "Europe/Berlin", a path, or a rule ("CET-1CEST,M3.5.0,M10.5.0/3").
std::string zone_name(const char* abbreviation) {
    const char* variable = std::getenv("TZ");
    if (std::string_view tz = variable ? variable : ""; !tz.empty()) {
        if (tz.starts_with(':')) tz.remove_prefix(1);
        if (tz.starts_with('/')) return below_zoneinfo(tz);
        if (tz.find('/') != std::string_view::npos && tz.find(',') == std::string_view::npos) return std::string(tz);
        return abbreviation;
    }
    const SystemRoot root;
    if (std::string name = below_zoneinfo(root.resolve("/etc/localtime")); !name.empty()) return name;
    return abbreviation;
}

} // namespace

std::optional<LocalTime> local_time(std::int64_t seconds) {
    const std::time_t then = seconds;
    std::tm local{};
    ::tzset(); // localtime_r need not look at TZ
    if (!::localtime_r(&then, &local) || local.tm_gmtoff == 0) return std::nullopt;
    const int year = local.tm_year + 1900;
    if (year < 0 || year > 9999) return std::nullopt;
    const long minutes = std::labs(local.tm_gmtoff) / 60;
    LocalTime out;
    out.time = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}", year, local.tm_mon + 1, local.tm_mday,
                           local.tm_hour, local.tm_min, local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                           minutes % 60);
    out.zone = visible(zone_name(local.tm_zone ? local.tm_zone : ""));
    return out;
}

nlohmann::json to_json(const LocalTime& local) { return {{"time", local.time}, {"zone", local.zone}}; }

} // namespace tinderbox::machine
