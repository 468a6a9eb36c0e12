// Shared by the fuzz targets. Without libFuzzer it runs a target on the files of a corpus, on every truncation of them
// and on mutations: NAME_fuzz CORPUS_DIR [ROUNDS [SEED]]. With libFuzzer (preset fuzz, scripts/fuzz) every other
// mutation is ours, because ours know the target's format.
#pragma once

#include "common/base/bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace tinderbox {

// Knowledge of a target's format, so that mutations hit important bytes.
struct FuzzHints {
    // Chooses the position of the next change, below bytes.size(), which is not 0. Null: any position.
    std::size_t (*place)(ByteView bytes, std::mt19937& random) = nullptr;
    // Words of the format, to insert.
    std::vector<std::string_view> words;
};

// Optional: only targets with hints define it.
FuzzHints fuzz_hints() __attribute__((weak));

} // namespace tinderbox

namespace tinderbox {

class Mutator {
  public:
    Mutator(const std::vector<Bytes>& corpus, FuzzHints hints, unsigned seed)
        : corpus_(corpus), hints_(std::move(hints)), random_(seed) {}

    Bytes next() {
        Bytes bytes = corpus_[random_() % corpus_.size()];
        for (unsigned changes = 1 + random_() % 4; changes > 0 && !bytes.empty(); --changes)
            change(bytes, hints_.place ? hints_.place(bytes, random_) : random_() % bytes.size());
        return bytes;
    }

  private:
    void change(Bytes& bytes, std::size_t at) {
        const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (random_() % (hints_.words.empty() ? 8 : 10)) {
        case 0:
            bytes[at] = static_cast<std::byte>(random_());
            break;
        case 1:
            bytes[at] ^= static_cast<std::byte>(1u << (random_() % 8));
            break;
        case 2:
            bytes[at] = random_() % 2 == 0 ? std::byte{0xff} : std::byte{0};
            break; // the smallest and the largest byte
        case 3:
            bytes[at] = static_cast<std::byte>('0' + random_() % 10);
            break; // a digit
        case 4:
            bytes.erase(
                here, here + static_cast<std::ptrdiff_t>(1 + random_() % std::min<std::size_t>(bytes.size() - at, 40)));
            break;
        case 5:
            bytes.insert(here, static_cast<std::byte>(random_()));
            break;
        case 6:
            bytes.resize(at);
            break; // truncated
        case 7: {  // inserts bytes of this or another corpus file
            const Bytes& other = corpus_[random_() % corpus_.size()];
            if (other.empty()) break;
            const std::size_t from = random_() % other.size();
            insert(bytes, here,
                   ByteView(other).subspan(from, std::min<std::size_t>(random_() % 64, other.size() - from)));
            break;
        }
        default:
            insert(bytes, here, as_bytes(hints_.words[random_() % hints_.words.size()]));
            break;
        }
    }

    static void insert(Bytes& bytes, Bytes::iterator here, ByteView piece) {
        bytes.insert(here, piece.begin(), piece.end());
    }

    const std::vector<Bytes>& corpus_;
    FuzzHints hints_;
    std::mt19937 random_;
};

} // namespace tinderbox

#ifdef TINDERBOX_LIBFUZZER
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t capacity);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t capacity,
                                               unsigned seed) {
    using namespace tinderbox;
    static const FuzzHints hints = fuzz_hints ? fuzz_hints() : FuzzHints();
    if (seed % 2 == 0 || size == 0) return LLVMFuzzerMutate(data, size, capacity);
    const ByteView input(reinterpret_cast<const std::byte*>(data), size);
    const std::vector<Bytes> corpus{Bytes(input.begin(), input.end())};
    const Bytes changed = Mutator(corpus, hints, seed).next();
    const std::size_t kept = std::min(changed.size(), capacity);
    std::memcpy(data, changed.data(), kept);
    return kept;
}
#else
#include "common/base/file.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    using namespace tinderbox;
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s CORPUS_DIR [ROUNDS [SEED]]\n", argv[0]);
        return 2;
    }
    const long rounds = argc > 2 ? std::atol(argv[2]) : 1000;
    std::vector<fs::path> paths;
    for (const auto& item : fs::directory_iterator(argv[1])) paths.push_back(item.path());
    std::ranges::sort(paths);
    std::vector<Bytes> corpus;
    for (const fs::path& path : paths)
        if (auto bytes = read_bytes(path, 1u << 20); bytes.ok()) corpus.push_back(std::move(bytes).value());
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: there is no corpus in '%s'\n", argv[0], argv[1]);
        return 2;
    }
    // A copy for each run, so that a sanitizer sees a read past the end.
    auto run = [](Bytes bytes) {
        bytes.shrink_to_fit();
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    };
    long truncations = 0;
    for (const Bytes& bytes : corpus) {
        run(bytes);
        for (std::size_t size = 0; size < std::min<std::size_t>(bytes.size(), 2000); ++size, ++truncations)
            run(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    }
    Mutator mutator(corpus, fuzz_hints ? fuzz_hints() : FuzzHints(),
                    argc > 3 ? static_cast<unsigned>(std::atol(argv[3])) : 1);
    for (long i = 0; i < rounds; ++i) run(mutator.next());
    std::printf("%zu files, %ld truncations, %ld mutations\n", corpus.size(), truncations, rounds);
    return 0;
}
#endif
