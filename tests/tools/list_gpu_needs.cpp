// list_gpu_needs WHEEL…: prints what a build would say about CUDA, driver and GPU of an environment that consists of
// the wheel alone, one JSON object a line. Nothing is packed: libraries are read one at a time into memory.
#include "generator/advise/gpu_needs.hpp"
#include "generator/elf/elf.hpp"
#include "generator/pip/wheel.hpp"

#include "common/machine/gpu_code.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <list>

using namespace tinderbox;
using nlohmann::json;

namespace {

Result<Bytes> contents(const parcel::Artifact& wheel, std::size_t index) {
    TRY_ASSIGN(auto source, wheel.open(index));
    Bytes out(static_cast<std::size_t>(wheel.entries()[index].size));
    for (std::size_t done = 0; done < out.size();) {
        TRY_ASSIGN(const std::size_t n, source->read(std::span(out).subspan(done)));
        if (n == 0) return make_error(ErrorKind::damaged, "{}: cut short", wheel.entries()[index].path);
        done += n;
    }
    return out;
}

Result<json> describe(const std::string& path) {
    TRY_ASSIGN(const auto wheel, pip::open_wheel(path));
    std::list<parcel::Parcel::ElfFact> facts;
    std::vector<advise::InstalledElf> files;
    json problems = json::object();
    const std::string name = wheel->metadata().value("name", "");
    for (std::size_t i = 0; i < wheel->entries().size(); ++i) {
        const parcel::Entry& entry = wheel->entries()[i];
        if (entry.kind != format::EntryKind::file || entry.path.find(".so") == std::string::npos) continue;
        TRY_ASSIGN(const Bytes bytes, contents(*wheel, i));
        const auto elf = elf::read_elf(bytes);
        if (!elf) continue;
        parcel::Parcel::ElfFact& fact = facts.emplace_back();
        fact.path = entry.path;
        fact.soname = elf->soname.value;
        for (const elf::ElfString& needed : elf->needed) fact.needed.push_back(needed.value);
        fact.device = elf::read_fatbins(bytes);
        if (fact.device && !fact.device->problem.empty()) problems[fact.path] = fact.device->problem;
        files.push_back({fact.path, name, &fact});
    }
    format::PackageInfo package;
    package.kind = "wheel";
    package.name = name;
    package.version = wheel->metadata().value("version", "");
    format::Requirements needs;
    advise::add_gpu_needs(needs, {package}, files);
    json lines = json::array();
    for (const auto& [label, text] : machine::gpu_lines(needs)) lines.push_back(label + ": " + text);
    return json{{"wheel", wheel->display_name()}, {"lines", lines}, {"problems", problems}};
}

} // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        auto line = describe(argv[i]);
        if (!line.ok()) {
            std::fprintf(stderr, "%s\n", line.error().message.c_str());
            return 1;
        }
        std::printf("%s\n", line->dump().c_str());
        std::fflush(stdout);
    }
}
