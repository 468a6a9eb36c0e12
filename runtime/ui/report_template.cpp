#include "runtime/ui/report_template.hpp"

// The stub carries the page's template; .incbin is found through the same -I as the headers.
asm(".pushsection .rodata\n"
    ".global tinderbox_report_template_begin\n"
    ".global tinderbox_report_template_end\n"
    "tinderbox_report_template_begin:\n"
    ".incbin \"templates/report.html\"\n"
    "tinderbox_report_template_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const char tinderbox_report_template_begin[];
extern const char tinderbox_report_template_end[];
}

namespace tinderbox::ui {

std::string_view report_template() {
    return {tinderbox_report_template_begin,
            static_cast<std::size_t>(tinderbox_report_template_end - tinderbox_report_template_begin)};
}

} // namespace tinderbox::ui
