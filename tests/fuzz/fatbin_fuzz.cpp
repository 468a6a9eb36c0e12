// Fuzz target for the readers of fatbins and of ELF sections: whatever the bytes are, they return, and the same comes
// out however the bytes are cut into pieces. Corpus: libraries of one kernel of our own, compiled by nvcc 13.0 with
// zstd, LZ4 and no compression.
//
// With a compiler that has libFuzzer: clang++ -DTINDERBOX_LIBFUZZER -fsanitize=fuzzer,address,undefined …
// Without: the program mutates the files of its corpus itself, `fatbin_fuzz CORPUS_DIR [ROUNDS [SEED]]`.
#include "common/base/file.hpp"
#include "generator/parcel/fatbin.hpp"

#include <algorithm>

using namespace tinderbox;

namespace {

bool same(const std::optional<FatbinInfo>& a, const std::optional<FatbinInfo>& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->code == b->code && a->data == b->data && a->containers == b->containers && a->entries == b->entries && a->problem == b->problem &&
           a->relocatable == b->relocatable;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
    const auto sections = read_elf_sections(size, [&](std::uint64_t offset, std::uint64_t n) -> std::optional<ByteView> {
                              return bytes.subspan(offset, n);
                          }).sections;
    (void)read_elf(bytes);
    FatbinScanner whole(size), pieces(size);
    whole.feed(bytes);
    std::size_t step = 1;
    for (ByteView rest = bytes; !rest.empty(); step = step * 7 % 61 + 1) {
        const std::size_t n = std::min(step, rest.size());
        pieces.feed(rest.first(n));
        rest = rest.subspan(n);
    }
    if (!same(whole.result(sections), pieces.result(sections)) || !same(whole.result({}), pieces.result({}))) __builtin_trap();
    return 0;
}

#ifndef TINDERBOX_LIBFUZZER
#include <cstdio>
#include <cstdlib>
#include <random>

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: fatbin_fuzz CORPUS_DIR [ROUNDS [SEED]]\n");
        return 2;
    }
    const long rounds = argc > 2 ? std::atol(argv[2]) : 1000;
    std::mt19937 random(argc > 3 ? static_cast<unsigned>(std::atol(argv[3])) : 1);
    std::vector<Bytes> corpus;
    for (const auto& item : fs::directory_iterator(argv[1]))
        if (auto bytes = read_bytes(item.path(), 1u << 20); bytes.ok()) corpus.push_back(std::move(bytes).value());
    if (corpus.empty()) return 2;
    auto run = [](const Bytes& bytes) {
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    };
    for (const Bytes& bytes : corpus) run(bytes);
    const Bytes magic = {std::byte{0x50}, std::byte{0xed}, std::byte{0x55}, std::byte{0xba}};
    for (long i = 0; i < rounds; ++i) {
        Bytes bytes = corpus[random() % corpus.size()];
        // Headers are where it matters: of the ELF file, of its sections (at the end), of a container and its entries.
        auto found = std::ranges::search(bytes, magic);
        const auto container = static_cast<std::size_t>(found.begin() - bytes.begin());
        for (unsigned changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
            const std::size_t places[] = {random() % 64, bytes.size() - 1 - random() % std::min<std::size_t>(bytes.size(), 1024),
                                          container + random() % 128, random() % bytes.size()};
            const std::size_t at = std::min(places[random() % 4], bytes.size() - 1);
            switch (random() % 6) {
            case 0: bytes[at] = static_cast<std::byte>(random()); break;
            case 1: bytes[at] ^= static_cast<std::byte>(1u << (random() % 8)); break;
            case 2: bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); break;
            case 3: bytes.resize(at); break;
            case 4: bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), magic.begin(), magic.end()); break;
            default: bytes[at] = random() % 2 == 0 ? std::byte{0xff} : std::byte{0}; break;
            }
        }
        run(bytes);
    }
    std::printf("%ld mutations of %zu files\n", rounds, corpus.size());
    return 0;
}
#endif
