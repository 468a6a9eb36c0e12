// Fuzz target for the readers of files of a target's kernel and driver: no crash, no endless loop, and no string with
// bytes that control a terminal.
#include "mutate.hpp"

#include "common/base/text.hpp"
#include "common/base/utf8.hpp"
#include "common/machine/driver_texts.hpp"
#include "common/machine/libraries.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace tinderbox;

namespace {

void check(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "machine_fuzz: %s\n", what);
    std::abort();
}

void check_string(const std::string& text, std::size_t limit) {
    check(text.size() <= limit, "a string that is too long");
    check(is_valid_utf8(text), "a string that is no UTF-8");
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        check(byte >= 0x20 && byte != 0x7F && !c1, "a control character");
    }
}

void run(std::string_view bytes) {
    check_string(machine::printable_line(bytes), 200);
    check_string(machine::printable_line(bytes, 7), 7);
    check_string(machine::version_of_nvrm(bytes), 32);
    check_string(machine::version_of_module(bytes), 32);
    const machine::GpuInformation about = machine::parse_gpu_information(bytes);
    for (const std::string* text : {&about.model, &about.uuid, &about.firmware}) check_string(*text, 200);
    check(!about.minor || *about.minor >= 0, "a minor below 0");
    check(machine::vgpu_profile_of(about.model).size() <= about.model.size(), "a profile longer than the name");
    (void)machine::vgpu_profile_has_cuda(machine::vgpu_profile_of(bytes));
    (void)machine::parse_hex(bytes);
    check_string(machine::library_defect(bytes, bytes.size()), 200);
    check_string(machine::library_defect(bytes.substr(0, 64), ~std::uint64_t{0}), 200);
    for (const auto& [soname, path] : machine::parse_ld_cache(bytes))
        check(soname.size() <= bytes.size() && path.size() <= bytes.size(), "a name from nowhere");
    check(machine::glibc_version_in(bytes).size() <= bytes.size(), "a version from nowhere");
}

} // namespace

FuzzHints tinderbox::fuzz_hints() {
    return {nullptr,
            {"NVRM version:",
             "\x7f"
             "ELF",
             "glibc-ld.so.cache1.1", "\xff\xff\xff\xff", "Model: ", "\n", "-8C", "release version ", "0x", "\xc2\x9b",
             "GNU C Library", "\x1b["}};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run({reinterpret_cast<const char*>(data), size});
    return 0;
}
