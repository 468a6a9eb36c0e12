#include "common/machine/libraries.hpp"

#include "common/base/bytes.hpp"

#include <algorithm>

namespace tinderbox::machine {
namespace {

#if defined(__aarch64__)
constexpr std::string_view triplet = "aarch64-linux-gnu";
constexpr std::string_view musl_loader = "/lib/ld-musl-aarch64.so.1";
constexpr std::uint32_t cache_architecture = 0x0a00; // FLAG_AARCH64_LIB64
#else
constexpr std::string_view triplet = "x86_64-linux-gnu";
constexpr std::string_view musl_loader = "/lib/ld-musl-x86_64.so.1";
constexpr std::uint32_t cache_architecture = 0x0300; // FLAG_X8664_LIB64
#endif
constexpr std::uint32_t cache_architecture_mask = 0xff00;

std::vector<std::string> standard_directories() {
    std::string t(triplet);
    return {"/lib/" + t, "/usr/lib/" + t, "/lib64",         "/usr/lib64",
            "/lib",      "/usr/lib",      "/usr/local/lib", "/usr/local/lib64"};
}

} // namespace

// The cache as glibc ≥ 2.32 writes it (and older ones behind the a.out-era part): magic, two counts, 24-byte
// entries {flags, key, value, osversion, hwcap}, then the strings; key and value count from the magic.
std::vector<std::pair<std::string, std::string>> parse_ld_cache(std::string_view bytes) {
    constexpr std::string_view magic = "glibc-ld.so.cache1.1";
    auto at = bytes.find(magic);
    if (at == std::string_view::npos) return {};
    std::string_view cache = bytes.substr(at);
    ByteReader in(as_bytes(cache));
    in.skip(magic.size());
    std::uint32_t count = in.u32();
    in.skip(4 + 4 + 4 + 12); // string bytes, flags and padding, extension offset, unused
    if (!in.ok() || count > cache.size() / 24) return {};
    auto string_at = [&](std::uint32_t offset) {
        if (offset >= cache.size()) return std::string();
        std::string_view rest = cache.substr(offset);
        return std::string(rest.substr(0, rest.find('\0')));
    };
    std::vector<std::pair<std::string, std::string>> out;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        std::uint32_t flags = in.u32(), key = in.u32(), value = in.u32();
        in.skip(4 + 8);
        if ((flags & cache_architecture_mask) == cache_architecture) out.emplace_back(string_at(key), string_at(value));
    }
    return in.ok() ? out : std::vector<std::pair<std::string, std::string>>{};
}

LibraryIndex::LibraryIndex(const SystemRoot& root) : root_(root) {
    if (auto bytes = root.text("/etc/ld.so.cache", 64u << 20)) cache_ = parse_ld_cache(*bytes);
}

std::string LibraryIndex::find(std::string_view soname, const std::vector<std::string>& first) const {
    auto in_directory = [&](const std::string& directory) {
        std::string path = directory + "/" + std::string(soname);
        return !directory.empty() && root_.exists(path) ? path : std::string();
    };
    for (const std::string& directory : first)
        if (auto path = in_directory(directory); !path.empty()) return path;
    for (const auto& [name, path] : cache_)
        if (name == soname && root_.exists(path)) return path;
    for (const std::string& directory : standard_directories())
        if (auto path = in_directory(directory); !path.empty()) return path;
    return {};
}

LibraryIndex::Glibc LibraryIndex::glibc() const {
    std::string path = find("libc.so.6");
    if (path.empty()) return {};
    // Up to 2.33 the name is a link to libc-VERSION.so: the file need not be read.
    std::string file = fs::path(root_.resolve(path)).filename().string();
    if (file.starts_with("libc-2.") && file.ends_with(".so")) return {file.substr(5, file.size() - 8), path};
    auto bytes = root_.text(path, 64u << 20);
    return {bytes ? glibc_version_in(*bytes) : "", path};
}

bool LibraryIndex::musl() const { return root_.exists(musl_loader); }

std::string glibc_version_in(std::string_view bytes) {
    // "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36." – "development release" in between
    // releases.
    constexpr std::string_view before = "GNU C Library", words = "release version ";
    for (auto at = bytes.find(before); at != std::string_view::npos; at = bytes.find(before, at + 1)) {
        std::string_view banner = bytes.substr(at, 400);
        auto found = banner.find(words);
        if (found == std::string_view::npos) continue;
        std::string_view rest = banner.substr(found + words.size());
        std::size_t n = 0;
        while (n < rest.size() && ((rest[n] >= '0' && rest[n] <= '9') || rest[n] == '.')) ++n;
        while (n > 0 && rest[n - 1] == '.') --n;
        if (n > 0) return std::string(rest.substr(0, n));
    }
    return {};
}

} // namespace tinderbox::machine
