// What fuzz targets share: run on the files of a corpus and on mutations of them, where there is no libFuzzer.
//
// With a compiler that has it: clang++ -DTINDERBOX_LIBFUZZER -fsanitize=fuzzer,address,undefined …
// Without: NAME_fuzz CORPUS_DIR [ROUNDS [SEED]].
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

#ifndef TINDERBOX_LIBFUZZER
#include "common/base/file.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

int main(int argc, char** argv) {
    using namespace tinderbox;
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s CORPUS_DIR [ROUNDS [SEED]]\n", argv[0]);
        return 2;
    }
    const long rounds = argc > 2 ? std::atol(argv[2]) : 1000;
    std::mt19937 random(argc > 3 ? static_cast<unsigned>(std::atol(argv[3])) : 1);
    std::vector<fs::path> paths;
    for (const auto& item : fs::directory_iterator(argv[1])) paths.push_back(item.path());
    std::ranges::sort(paths);
    std::vector<Bytes> corpus;
    for (const fs::path& path : paths)
        if (auto bytes = read_bytes(path, 1u << 20); bytes.ok()) corpus.push_back(std::move(bytes).value());
    if (corpus.empty()) return 2;
    auto run = [](const Bytes& bytes) { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); };
    for (const Bytes& bytes : corpus) run(bytes);
    for (long i = 0; i < rounds; ++i) {
        Bytes bytes = corpus[random() % corpus.size()];
        for (unsigned changes = 1 + random() % 4; changes > 0 && !bytes.empty(); --changes) {
            const std::size_t at = random() % bytes.size();
            const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
            switch (random() % 7) {
            case 0: bytes[at] = static_cast<std::byte>(random()); break;
            case 1: bytes[at] ^= static_cast<std::byte>(1u << (random() % 8)); break;
            case 2: bytes.erase(here); break;
            case 3: bytes.insert(here, static_cast<std::byte>(random())); break;
            case 4: bytes.resize(at); break; // cut off
            case 5: { // a piece of another place, or of another file
                const Bytes& other = corpus[random() % corpus.size()];
                const std::size_t from = random() % other.size(), size = std::min<std::size_t>(random() % 64, other.size() - from);
                bytes.insert(here, other.begin() + static_cast<std::ptrdiff_t>(from), other.begin() + static_cast<std::ptrdiff_t>(from + size));
                break;
            }
            default: { // a digit where a number may be
                bytes[at] = static_cast<std::byte>('0' + random() % 10);
                break;
            }
            }
        }
        run(bytes);
    }
    std::printf("%ld mutations of %zu files\n", rounds, corpus.size());
    return 0;
}
#endif
