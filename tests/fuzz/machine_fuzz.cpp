// The readers of what a target machine's kernel and driver say, on bytes of any kind: no crash, no endless loop, and
// nothing in a string that would drive a terminal.
//
//   machine_fuzz CORPUS [runs [seed]]   mutates the corpus, a fixed number of runs (part of the unit tests)
//   with -DTINDERBOX_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target with the same corpus
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/machine/driver_texts.hpp"
#include "common/machine/libraries.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace tinderbox {
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
    check_string(printable_line(bytes), 200);
    check_string(printable_line(bytes, 7), 7);
    check_string(version_of_nvrm(bytes), 32);
    check_string(version_of_module(bytes), 32);
    const GpuInformation about = parse_gpu_information(bytes);
    for (const std::string* text : {&about.model, &about.uuid, &about.firmware})
        check_string(*text, 200);
    check(!about.minor || *about.minor >= 0, "a minor below 0");
    check(vgpu_profile_of(about.model).size() <= about.model.size(), "a profile longer than the name");
    (void)vgpu_profile_has_cuda(vgpu_profile_of(bytes));
    (void)parse_hex(bytes);
    check_string(library_defect(bytes, bytes.size()), 200);
    check_string(library_defect(bytes.substr(0, 64), ~std::uint64_t{0}), 200);
    for (const auto& [soname, path] : parse_ld_cache(bytes))
        check(soname.size() <= bytes.size() && path.size() <= bytes.size(), "a name from nowhere");
    check(glibc_version_in(bytes).size() <= bytes.size(), "a version from nowhere");
}

} // namespace
} // namespace tinderbox

#ifdef TINDERBOX_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tinderbox::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
#else
int main(int argc, char** argv) {
    using namespace tinderbox;
    if (argc < 2) return 2;
    const int runs = argc > 2 ? std::atoi(argv[2]) : 3000;
    std::mt19937 random(argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1u);
    std::vector<std::string> corpus;
    for (const auto& entry : fs::directory_iterator(argv[1]))
        if (auto text = read_text(entry.path()); text.ok()) corpus.push_back(*std::move(text));
    check(!corpus.empty(), "an empty corpus");
    for (const std::string& text : corpus) {
        run(text);
        for (std::size_t n = 0; n < std::min<std::size_t>(text.size(), 2000); ++n) // every truncation
            run(std::string_view(text).substr(0, n));
    }
    static constexpr std::string_view pieces[] = {"NVRM version:", "\x7f" "ELF", "glibc-ld.so.cache1.1", "\xff\xff\xff\xff",
                                                  "Model: ",       "\n",         "-8C",                  "release version ",
                                                  "0x",            "\xc2\x9b",   "GNU C Library",        "\x1b["};
    for (int i = 0; i < runs; ++i) {
        std::string text = corpus[random() % corpus.size()];
        for (int change = static_cast<int>(random() % 8); change >= 0; --change) {
            const std::size_t at = text.empty() ? 0 : random() % text.size();
            switch (random() % 5) {
            case 0:
                if (!text.empty()) text[at] = static_cast<char>(random());
                break;
            case 1:
                text.insert(at, pieces[random() % std::size(pieces)]);
                break;
            case 2:
                text.erase(at, random() % 40);
                break;
            case 3:
                text.insert(at, text.substr(at, random() % 200));
                break;
            default:
                if (!text.empty()) text[at] = static_cast<char>(text[at] ^ (1 << random() % 8));
            }
        }
        run(text);
    }
    std::printf("machine_fuzz: %zu seeds, %d mutations\n", corpus.size(), runs);
    return 0;
}
#endif
