// Fuzz target for the readers of fatbins and of ELF sections: on any bytes they return, and the pieces in which the
// bytes arrive make no difference. Corpus: libraries with one kernel of our own, compiled by nvcc 13.0 with zstd, LZ4
// and no compression.
#include "mutate.hpp"

#include "common/base/file.hpp"
#include "generator/elf/fatbin.hpp"

#include <algorithm>

using namespace tinderbox;

namespace {

constexpr std::string_view container_magic = "\x50\xed\x55\xba";
constexpr std::string_view word("\0-gencode;arch=compute_80,code=sm_80\0", 37); // compiled_for.hpp

// Mutations hit headers: of the ELF file, of its sections (at the end), of a container and of its entries.
std::size_t header_place(ByteView bytes, std::mt19937& random) {
    const auto container =
        static_cast<std::size_t>(std::ranges::search(bytes, as_bytes(container_magic)).begin() - bytes.begin());
    const std::size_t places[] = {random() % 64,
                                  bytes.size() - 1 - random() % std::min<std::size_t>(bytes.size(), 1024),
                                  container + random() % 128, random() % bytes.size()};
    return std::min(places[random() % std::size(places)], bytes.size() - 1);
}

bool same(const std::optional<elf::FatbinInfo>& a, const std::optional<elf::FatbinInfo>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->code == b->code && a->data == b->data && a->containers == b->containers && a->entries == b->entries &&
           a->problem == b->problem && a->relocatable == b->relocatable && a->compiled_for == b->compiled_for;
}

} // namespace

FuzzHints tinderbox::fuzz_hints() { return {header_place, {container_magic, word}}; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
    const auto sections =
        elf::read_elf_sections(size, [&](std::uint64_t offset, std::uint64_t n) -> std::optional<ByteView> {
            return bytes.subspan(offset, n);
        }).sections;
    (void)elf::read_elf(bytes);
    elf::FatbinScanner whole(size), pieces(size);
    whole.feed(bytes);
    std::size_t step = 1;
    for (ByteView rest = bytes; !rest.empty(); step = step * 7 % 61 + 1) {
        const std::size_t n = std::min(step, rest.size());
        pieces.feed(rest.first(n));
        rest = rest.subspan(n);
    }
    if (!same(whole.result(sections), pieces.result(sections)) || !same(whole.result({}), pieces.result({})))
        __builtin_trap();
    return 0;
}
