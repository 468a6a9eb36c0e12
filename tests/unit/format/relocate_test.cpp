#include "common/format/relocate.hpp"

#include "common/base/base64url.hpp"
#include "common/base/file.hpp"
#include "common/base/text.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

namespace {

const std::string old_prefix = "/opt/anaconda1anaconda2anaconda3/placehold";

std::string apply(std::string_view original, const std::vector<Reloc>& relocs, std::string_view prefix,
                  const InstalledLookup& lookup = {}) {
    auto result = apply_relocations(as_bytes(original), relocs, prefix, lookup);
    if (!result.ok()) return "error: " + result.error().message;
    return std::string(as_text(*result));
}

Reloc cstring(std::uint64_t offset, std::uint64_t length) {
    return {.kind = RelocKind::cstring, .offset = offset, .length = length, .text = old_prefix};
}

// conda's binary replacement in another form: split at NULs, replace in each part, pad each part.
std::string conda_binary(std::string_view data, std::string_view prefix) {
    std::string out;
    std::size_t at = 0;
    while (at <= data.size()) {
        auto end = std::min(data.find('\0', at), data.size());
        std::string piece(data.substr(at, end - at));
        std::size_t length = piece.size();
        piece = replace_all(piece, old_prefix, prefix);
        piece.resize(length, '\0');
        out += piece;
        if (end == data.size()) break;
        out += '\0';
        at = end + 1;
    }
    return out;
}

// The records that a packer makes of binary data (see `cstring` in table.hpp).
std::vector<Reloc> cstrings_of(std::string_view data) {
    std::vector<Reloc> out;
    for (std::size_t at = data.find(old_prefix); at != std::string_view::npos;) {
        auto end = std::min(data.find('\0', at), data.size());
        out.push_back(cstring(at, end - at));
        at = data.find(old_prefix, end);
    }
    return out;
}

} // namespace

TEST_CASE("text: the prefix at every position", "[relocate]") {
    for (const std::string& prefix :
         {std::string("/p"),
          std::string("/a much/longer prefix than the one that was there before, really/quite/long")})
        for (std::size_t at = 0; at <= 64; ++at) {
            std::string filler(64, '.');
            std::string before = filler.substr(0, at), after = filler.substr(at);
            CHECK(apply(before + old_prefix + after,
                        {{.kind = RelocKind::text, .offset = at, .length = old_prefix.size()}},
                        prefix) == before + prefix + after);
        }
    CHECK(apply("", {}, "/p") == "");
    CHECK(apply("abc", {}, "/p") == "abc");
}

TEST_CASE("text: neighbours, and a relocation that is the whole file", "[relocate]") {
    std::string two = old_prefix + old_prefix;
    std::vector<Reloc> relocs = {{.kind = RelocKind::text, .offset = 0, .length = old_prefix.size()},
                                 {.kind = RelocKind::text, .offset = old_prefix.size(), .length = old_prefix.size()}};
    CHECK(apply(two, relocs, "/x") == "/x/x");
}

TEST_CASE("cstring: padding, several occurrences, the end of the file", "[relocate]") {
    using namespace std::string_literals;
    std::vector<std::string> samples = {
        old_prefix,
        old_prefix + "/lib\0rest"s,
        "\0\0"s + old_prefix + "/lib:" + old_prefix + "/lib64\0after\0"s,
        "before " + old_prefix + "\0"s + old_prefix + "/x\0\0tail"s,
        "x" + old_prefix + old_prefix + old_prefix + "\0"s,
        "no prefix at all\0"s,
    };
    for (const std::string& sample : samples)
        for (const std::string& prefix : {"/p"s, "/opt/x"s, old_prefix, std::string(old_prefix.size(), 'q')}) {
            std::string out = apply(sample, cstrings_of(sample), prefix);
            CHECK(out.size() == sample.size());
            CHECK(out == conda_binary(sample, prefix));
        }
}

TEST_CASE("cstring: at every position of a piece of binary data", "[relocate]") {
    for (std::size_t at = 0; at < 48; ++at) {
        std::string data(200, '\0');
        data.replace(at, old_prefix.size(), old_prefix);
        data.replace(at + old_prefix.size(), 6, "/lib:x");
        std::string out = apply(data, cstrings_of(data), "/n");
        CHECK(out == conda_binary(data, "/n"));
        CHECK(std::string(out.c_str() + at) == "/n/lib:x");
    }
}

TEST_CASE("cstring: a prefix longer than the placeholder is refused", "[relocate]") {
    auto result = apply_relocations(as_bytes(old_prefix), {cstring(0, old_prefix.size())},
                                    std::string(old_prefix.size() + 1, '/'));
    REQUIRE(!result.ok());
    CHECK(result.error().kind == ErrorKind::usage);
    CHECK(apply(old_prefix, {cstring(0, old_prefix.size())}, std::string(old_prefix.size(), '/')) ==
          std::string(old_prefix.size(), '/'));
}

TEST_CASE("longest_prefix is the shortest placeholder", "[relocate]") {
    Content content;
    CHECK_FALSE(longest_prefix(content).has_value());
    content.relocs = {{.kind = RelocKind::text, .length = 3}};
    CHECK_FALSE(longest_prefix(content).has_value());
    content.relocs = {{.kind = RelocKind::cstring, .length = 300, .text = std::string(255, 'p')},
                      {.kind = RelocKind::cstring, .length = 80, .text = std::string(80, 'p')}};
    CHECK(longest_prefix(content) == 80);
}

TEST_CASE("digests and sizes of other files", "[relocate]") {
    Sha256Digest digest = sha256(as_bytes("x"));
    auto lookup = [&](std::uint32_t target) -> Result<InstalledFile> {
        if (target != 5) return make_error(ErrorKind::bug, "which?");
        return InstalledFile{digest, 1234567};
    };
    std::vector<Reloc> relocs = {{.kind = RelocKind::digest_b64url, .offset = 2, .length = 1, .target = 5},
                                 {.kind = RelocKind::size_decimal, .offset = 4, .length = 0, .target = 5},
                                 {.kind = RelocKind::digest_hex, .offset = 5, .length = 3, .target = 5}};
    CHECK(apply("a,@,,zzz!", relocs, "/p", lookup) == "a," + to_base64url(digest) + ",1234567," + to_hex(digest) + "!");
    CHECK(apply("a,@,,zzz!", relocs, "/p").starts_with("error"));
    relocs[0].target = 6;
    CHECK(apply("a,@,,zzz!", relocs, "/p", lookup) == "error: which?");
}

TEST_CASE("records outside the file or out of order are refused", "[relocate]") {
    std::string data(10, 'x');
    auto bad = [&](std::vector<Reloc> relocs) {
        auto result = apply_relocations(as_bytes(data), relocs, "/p");
        return !result.ok() && result.error().kind == ErrorKind::damaged;
    };
    CHECK(bad({{.kind = RelocKind::text, .offset = 11, .length = 0}}));
    CHECK(bad({{.kind = RelocKind::text, .offset = 5, .length = 6}}));
    CHECK(bad({{.kind = RelocKind::text, .offset = UINT64_MAX, .length = 2}}));
    CHECK(bad({{.kind = RelocKind::text, .offset = 5, .length = UINT64_MAX}}));
    CHECK(bad(
        {{.kind = RelocKind::text, .offset = 5, .length = 2}, {.kind = RelocKind::text, .offset = 6, .length = 1}}));
}
