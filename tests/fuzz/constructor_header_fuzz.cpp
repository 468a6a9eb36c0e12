// Fuzz target for the header of constructor's installers: parsing any text returns, and its offsets lie inside the
// file.
#include "mutate.hpp"

#include "generator/conda/constructor_header.hpp"

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view head(reinterpret_cast<const char*>(data), size);
    (void)conda::describe_no_installer(head, size);
    if (!conda::is_constructor_header(head)) return 0;
    // Sizes of real files, so that a parsed header is not always too long for its file.
    for (std::uint64_t file_size : {std::uint64_t{size}, std::uint64_t{1} << 20, std::uint64_t{1} << 40}) {
        auto header = conda::parse_constructor_header(head, file_size, "fuzz.sh");
        if (!header.ok()) {
            if (header.error().kind != ErrorKind::usage || header.error().message.find('\n') != std::string::npos)
                __builtin_trap();
            continue;
        }
        auto inside = [&](const archive::FileRange& range) {
            return range.size == 0 ||
                   (range.offset >= header->size && range.end() >= range.offset && range.end() <= header->end);
        };
        if (header->end > file_size || !inside(header->executable) || !inside(header->tar)) __builtin_trap();
        for (const auto& file : header->internal)
            if (!inside(file.range)) __builtin_trap();
    }
    return 0;
}
