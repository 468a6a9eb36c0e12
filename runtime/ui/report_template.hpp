// templates/report.html, as it is in the tree.
#pragma once

#include <string_view>

namespace tinderbox::ui {

std::string_view report_template();

} // namespace tinderbox::ui
