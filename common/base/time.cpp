#include "common/base/time.hpp"

#include "common/base/number.hpp"

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace tinderbox {
namespace {

// Not strftime or gmtime: they ask for a locale or a time zone, which a static program must not.
std::string format_utc(std::int64_t seconds, std::string_view between) {
    using namespace std::chrono;
    const sys_seconds time{std::chrono::seconds(seconds)};
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), between,
                       clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

} // namespace

std::int64_t now_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::string utc_time(std::int64_t seconds) { return format_utc(seconds, "T") + "Z"; }
std::string utc_time_spaced(std::int64_t seconds) { return format_utc(seconds, " "); }

Result<std::optional<std::int64_t>> source_date_epoch() {
    const char* variable = std::getenv("SOURCE_DATE_EPOCH");
    if (!variable || !*variable) return std::optional<std::int64_t>();
    const std::string_view text = variable;
    std::int64_t seconds = 0;
    if (!parse_number(text, seconds))
        return make_error(ErrorKind::usage, "SOURCE_DATE_EPOCH is '{}'; it has to be a number of seconds", text);
    return std::optional(seconds);
}

} // namespace tinderbox
