// Fuzz target for descriptions of machines. One that is accepted is written and read again, and judged for an
// environment; nothing that is shown of it may control a terminal.
#include "mutate.hpp"

#include "common/base/visible.hpp"
#include "common/machine/description.hpp"

#include <nlohmann/json.hpp>

using namespace tinderbox;

namespace {

void check(bool good) {
    if (!good) __builtin_trap();
}

format::Manifest environment() {
    format::Manifest out;
    out.platform = "linux-64";
    out.requires_.glibc = "2.28";
    out.requires_.cuda_major = 12;
    out.requires_.cuda_runtime = "12.4";
    out.requires_.driver_floor = "525.60.13";
    format::GpuLibrary library;
    library.path = "lib/libtorch_cuda.so";
    library.role = "framework";
    library.sass = {"sm_80"};
    library.ptx = {"compute_90"};
    out.requires_.gpu_libraries.push_back(std::move(library));
    return out;
}

void run(std::string_view text) {
    auto parsed = machine::parse_description(text, "fuzz");
    if (!parsed.ok()) {
        check(parsed.error().kind == ErrorKind::usage && !parsed.error().message.empty());
        return;
    }
    const std::string written = machine::description_text(machine::to_json(*parsed));
    auto again = machine::parse_description(written, "again");
    check(again.ok() && machine::description_text(machine::to_json(*again)) == written);
    static const format::Manifest manifest = environment();
    format::InstallInfo needs;
    needs.bytes = needs.inodes = 1000;
    for (const machine::Finding& finding : machine::judge_description(*parsed, manifest, needs))
        check(is_visible(finding.sentence) && is_visible(finding.advice));
}

} // namespace

FuzzHints tinderbox::fuzz_hints() {
    return {nullptr,
            {"\"gpus\":", "\"driver\":", "\"version\":", "\"count\":1024", "\"compat\":true", "\"kind\":\"open\"", "-1",
             "1e999", "18446744073709551615", "null", "true", "[]", "{}", "\"\\u001b\"", "\"8.6\"", "\"nouveau\"",
             "\"wsl\":{\"gpu\":true}", "\"jetson\":{}"}};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run({reinterpret_cast<const char*>(data), size});
    return 0;
}
