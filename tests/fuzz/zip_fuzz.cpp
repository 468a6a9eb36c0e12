// Fuzz target for the zip reader and for inflating: on any bytes open() and read() return.
#include "mutate.hpp"

#include "common/base/file.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/inflate.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

using namespace tinderbox;

FuzzHints tinderbox::fuzz_hints() {
    // Mostly near the end, where the central directory is.
    return {[](ByteView bytes, std::mt19937& random) {
                const std::size_t window = random() % 3 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 300);
                return bytes.size() - 1 - random() % window;
            },
            {"PK\1\2", "PK\3\4", "PK\5\6", "PK\6\6", "PK\6\7", {"\1\0\x10\0", 4}}}; // the last one begins a ZIP64 field
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    if (!fd || !write_exact(fd.get(), {reinterpret_cast<const std::byte*>(data), size}, "fuzz").ok()) return 0;
    auto zip = archive::ZipReader::open(fmt::format("/proc/self/fd/{}", fd.get()), "fuzz.zip");
    if (!zip.ok()) return 0;
    for (const archive::ZipMember& member : (*zip)->members()) {
        if (member.size > (4u << 20)) continue;
        auto whole = (*zip)->read(member);
        auto raw = (*zip)->open_raw(member);
        if (!raw.ok()) continue;
        auto source =
            archive::make_checked_source(std::move(raw).value(), member.method, member.size, member.crc32, "fuzz");
        auto streamed = archive::read_all(*source, 8u << 20, "fuzz");
        // Both ways of reading must agree.
        if (whole.ok() != streamed.ok() || (whole.ok() && *whole != *streamed)) __builtin_trap();
    }
    return 0;
}
