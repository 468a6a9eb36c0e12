// Fuzz target for the zip reader and, through it, inflating: whatever the bytes are, open() and read() return.
//
// With a compiler that has libFuzzer: clang++ -DTINDERBOX_LIBFUZZER -fsanitize=fuzzer,address,undefined …
// Without: the program mutates the files of its corpus itself, `zip_fuzz CORPUS_DIR [ROUNDS [SEED]]`.
#include "generator/parcel/file_source.hpp"
#include "generator/parcel/inflate.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    if (!fd || !write_exact(fd.get(), {reinterpret_cast<const std::byte*>(data), size}, "fuzz").ok()) return 0;
    auto zip = ZipReader::open(fmt::format("/proc/self/fd/{}", fd.get()), "fuzz.zip");
    if (!zip.ok()) return 0;
    for (const ZipMember& member : (*zip)->members()) {
        if (member.size > (4u << 20)) continue;
        auto whole = (*zip)->read(member);
        auto raw = (*zip)->open_raw(member);
        if (!raw.ok()) continue;
        auto source = make_checked_source(std::move(raw).value(), member.method, member.size, member.crc32, "fuzz");
        auto streamed = read_all(*source, 8u << 20, "fuzz");
        // Both ways have to agree.
        if (whole.ok() != streamed.ok() || (whole.ok() && *whole != *streamed)) __builtin_trap();
    }
    return 0;
}

#ifndef TINDERBOX_LIBFUZZER
#include <cstdio>
#include <cstdlib>
#include <random>

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: zip_fuzz CORPUS_DIR [ROUNDS [SEED]]\n");
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
    for (long i = 0; i < rounds; ++i) {
        Bytes bytes = corpus[random() % corpus.size()];
        for (unsigned changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
            // Mostly near the end, where the directory is.
            const std::size_t window = random() % 3 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 300);
            const std::size_t at = bytes.size() - 1 - random() % window;
            switch (random() % 5) {
            case 0: bytes[at] = static_cast<std::byte>(random()); break;
            case 1: bytes[at] ^= static_cast<std::byte>(1u << (random() % 8)); break;
            case 2: bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); break;
            case 3: bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::byte>(random())); break;
            default: bytes[at] = random() % 2 == 0 ? std::byte{0xff} : std::byte{0}; break;
            }
        }
        run(bytes);
    }
    std::printf("%ld mutations of %zu files\n", rounds, corpus.size());
    return 0;
}
#endif
