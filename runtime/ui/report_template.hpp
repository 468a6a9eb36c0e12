// The contents of templates/report.html.
#pragma once

#include <string_view>

namespace tinderbox::ui {

std::string_view report_template();

} // namespace tinderbox::ui
