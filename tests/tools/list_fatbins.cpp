// list_fatbins FILE…: prints the GPU architectures of libraries as the packer finds them, one JSON object a line.
// --time prints the throughput of the scan alone: files are read into memory first and scanned in the packer's pieces.
#include "common/base/file.hpp"
#include "generator/elf/fatbin.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

using namespace tinderbox;
using namespace tinderbox::elf;
using nlohmann::json;

namespace {

json describe(const std::map<DeviceCode, std::uint32_t>& codes) {
    json out = json::object();
    for (const auto& [code, containers] : codes)
        out[code.kind == DeviceCode::Kind::ptx ? fmt::format("{} {}.{}", code.name(), code.isa_major, code.isa_minor)
                                               : code.name()] = containers;
    return out;
}

json describe(const std::string& path, const std::optional<elf::FatbinInfo>& info) {
    json out = {{"file", path}, {"code", json::object()}};
    if (!info) return out;
    out["code"] = describe(info->code);
    out["data"] = describe(info->data);
    out["containers"] = info->containers;
    out["entries"] = info->entries;
    out["relocatable"] = info->relocatable;
    for (const DeviceCode& code : info->compiled_for) out["compiled_for"].push_back(code.name());
    if (!info->problem.empty()) out["problem"] = info->problem;
    return out;
}

double scan_seconds(const Bytes& bytes) {
    const auto start = std::chrono::steady_clock::now();
    elf::FatbinScanner scanner(bytes.size());
    for (ByteView rest = bytes; !rest.empty();) {
        const std::size_t n = std::min<std::size_t>(rest.size(), 4u << 20);
        scanner.feed(rest.first(n));
        rest = rest.subspan(n);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace

int main(int argc, char** argv) {
    bool time = false;
    for (int i = 1; i < argc; ++i) {
        const std::string path = argv[i];
        if (path == "--time") {
            time = true;
            continue;
        }
        auto bytes = read_bytes(path, 8ull << 30);
        if (!bytes.ok()) {
            std::fprintf(stderr, "%s\n", bytes.error().message.c_str());
            return 1;
        }
        json line = describe(path, read_fatbins(*bytes));
        if (time) {
            const double seconds = scan_seconds(*bytes);
            line["bytes"] = bytes->size();
            line["seconds"] = seconds;
        }
        std::printf("%s\n", line.dump().c_str());
    }
}
