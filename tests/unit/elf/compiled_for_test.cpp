// A framework's own word for the GPUs that it was compiled for, in bytes that arrive in pieces of any size.
#include "generator/elf/compiled_for.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::elf;

namespace {

std::string found(std::string_view text, std::size_t piece = SIZE_MAX) {
    CompiledForScanner scanner;
    for (ByteView rest = as_bytes(text); !rest.empty(); rest = rest.subspan(std::min(piece, rest.size())))
        scanner.feed(rest.first(std::min(piece, rest.size())));
    std::string out;
    for (const DeviceCode& code : scanner.codes()) out += code.name() + ' ';
    return out;
}

std::string item(std::string_view compute, std::string_view code) {
    return fmt::format("-gencode;arch=compute_{},code={}", compute, code);
}

const std::string end(1, '\0');
// As torch 1.4.0 has it, whose last item asks for PTX.
const std::string word = item("37", "sm_37") + ';' + item("70", "sm_70") + ';' + item("37", "compute_37") + end;

} // namespace

TEST_CASE("a word is found wherever it lies and however it is cut") {
    const std::string text =
        end + "-gencode;arch=compute" + end + "NVCC architecture flags: " + end + word + "-gencode;";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) CHECK(found(text, piece) == "compute_37 sm_37 sm_70 ");
    for (std::size_t length = 0; length < word.size(); ++length) CHECK(found(end + word.substr(0, length)).empty());
    CHECK(found(end + end + word) == "compute_37 sm_37 sm_70 ");
    CHECK(found(word).empty()); // its begin is not known
    CHECK(found(end + item("90a", "sm_90a") + ';' + item("100f", "sm_100f") + end) == "sm_90a sm_100f ");
    // Of several words all.
    CHECK(found(end + word + item("80", "sm_80") + end + word) == "compute_37 sm_37 sm_70 sm_80 ");
}

TEST_CASE("what is not wholly such a list is no word") {
    for (std::string_view after :
         {"x", ";x", ";", ";-gencode;arch=compute_80", "-O2", ";-O2", " ", ";;", ",sm_80", "b"}) {
        INFO(after);
        CHECK(found(end + item("70", "sm_70") + std::string(after) + end).empty());
    }
    // As a compiler's own options lie in NVIDIA's libraries and in fatbins.
    CHECK(found(end + "-gencode arch=compute_70,code=sm_70" + end).empty());
    CHECK(found(end + "-gencode;arch=compute_70,code=[sm_70,sm_75]" + end).empty());
    CHECK(found(end + "NVCC flags: " + word).empty());
    CHECK(found(end + item("", "sm_70") + end).empty());
    CHECK(found(end + item("70", "sm_") + end).empty());
    CHECK(found(end + item("99999999999", "sm_70") + end).empty());
    std::string endless = end + item("70", "sm_70");
    while (endless.size() < 1u << 20) endless += ';' + item("70", "sm_70");
    CHECK(found(endless + end).empty());
    CHECK(found(endless + end + word, 7) == "compute_37 sm_37 sm_70 "); // and is behind it
}

TEST_CASE("no word reaches over bytes that were left out") {
    for (std::size_t cut = 1; cut < word.size(); ++cut) {
        CompiledForScanner scanner;
        scanner.feed(as_bytes(end + word.substr(0, cut)));
        scanner.skip();
        scanner.feed(as_bytes(std::string_view(word).substr(cut)));
        CHECK(scanner.codes().empty());
    }
}
