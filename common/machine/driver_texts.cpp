#include "common/machine/driver_texts.hpp"

#include "common/base/bytes.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::machine {
namespace {

bool is_version(std::string_view word) {
    return word.size() <= 32 && word.find('.') != std::string_view::npos &&
           word.find_first_not_of("0123456789.") == std::string_view::npos && word.front() != '.' && word.back() != '.';
}

// The length of the UTF-8 sequence at the start; 0: the text does not begin with one.
std::size_t utf8_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t n = lead < 0x80             ? 1
                          : (lead & 0xE0) == 0xC0 ? 2
                          : (lead & 0xF0) == 0xE0 ? 3
                          : (lead & 0xF8) == 0xF0 ? 4
                                                  : 0;
    return n != 0 && n <= text.size() && is_valid_utf8(text.substr(0, n)) ? n : 0;
}

} // namespace

std::string printable_line(std::string_view text, std::size_t limit) {
    text = trim(text.substr(0, std::min(text.find('\n'), limit + 64)));
    std::string out;
    while (!text.empty() && out.size() < limit) {
        const std::size_t n = utf8_length(text);
        const auto byte = static_cast<unsigned char>(text[0]);
        // C1 controls (U+0080 … U+009F) drive terminals as well.
        const bool control =
            byte < 0x20 || byte == 0x7F || (n == 2 && byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
        if (out.size() + std::max<std::size_t>(n, 1) > limit) break;
        if (control) out += ' ';
        else if (n == 0) out += '?';
        else out += text.substr(0, n);
        text.remove_prefix(std::max<std::size_t>(n, 1));
    }
    return std::string(trim(out));
}

std::string version_of_nvrm(std::string_view text) {
    const std::string_view line = text.substr(0, std::min(text.find('\n'), std::size_t{4096}));
    if (!line.starts_with("NVRM version:")) return {};
    // The first word of digits and at least one dot is the version; "x86_64" is not.
    for (std::string_view word : split(line, ' '))
        if (word = trim(word); !word.empty() && is_version(word)) return std::string(word);
    return {};
}

std::string version_of_module(std::string_view text) {
    const std::string_view word = trim(text.substr(0, 64));
    return !word.empty() && is_version(word) ? std::string(word) : std::string();
}

GpuInformation parse_gpu_information(std::string_view text) {
    GpuInformation out;
    for (std::string_view line : split_lines(text.substr(0, 65536))) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const std::string_view name = trim(line.substr(0, colon));
        const std::string value = printable_line(line.substr(colon + 1));
        if (name == "Model" && value != "Unknown") out.model = value;
        else if (name == "GPU UUID" && value.find('?') == std::string::npos) out.uuid = value;
        else if ((name == "GPU Firmware" || name == "GSP Firmware") && value != "N/A") out.firmware = value;
        else if (name == "GPU Excluded" || name == "Blacklisted") out.excluded = value == "Yes";
        else if (name == "Device Minor") {
            int minor = 0;
            auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), minor);
            if (error == std::errc() && end == value.data() + value.size() && minor >= 0) out.minor = minor;
        }
    }
    return out;
}

std::string vgpu_profile_of(std::string_view model) {
    // "GRID V100D-8C", "NVIDIA A40-48Q", "GRID A100X-1-5CME": digits and a series letter behind the last hyphen. A
    // MIG-backed profile has its number of slices before that. "A100-SXM4-40GB" and "RTX 6000 Ada" have no profile.
    const auto hyphen = model.rfind('-');
    if (hyphen == std::string_view::npos) return {};
    std::string_view rest = model.substr(hyphen + 1);
    const auto digits = rest.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return {};
    const std::string_view series = rest.substr(digits);
    if (series != "A" && series != "B" && series != "C" && series != "Q" && series != "CME" && series != "B4")
        return {};
    std::size_t from = hyphen + 1;
    if (hyphen >= 2 && model[hyphen - 2] == '-' && model[hyphen - 1] >= '1' && model[hyphen - 1] <= '7')
        from = hyphen - 1;
    return std::string(model.substr(from));
}

bool vgpu_profile_has_cuda(std::string_view profile) {
    return profile.ends_with('C') || profile.ends_with('Q') || profile.ends_with("CME");
}

std::optional<std::uint32_t> parse_hex(std::string_view text) {
    std::string_view digits = trim(text.substr(0, 64));
    if (digits.starts_with("0x")) digits.remove_prefix(2);
    std::uint32_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
    return value;
}

std::string library_defect(std::string_view bytes, std::uint64_t size) {
    if (size == 0) return {}; // a tree that a user sent in has empty files
    if (!bytes.starts_with("\x7f"
                           "ELF")) {
        const bool text = std::ranges::all_of(bytes.substr(0, 64), [](char c) {
            const auto byte = static_cast<unsigned char>(c);
            return byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r';
        });
        return text ? "it is a text" : "it is no ELF file";
    }
    ByteReader in(as_bytes(bytes));
    in.skip(4);
    const int width = in.u8(), order = in.u8();
    in.skip(10);
    const int type = in.u16(), machine = in.u16();
    in.skip(4 + 8 + 8);
    const std::uint64_t sections = in.u64();
    in.skip(4 + 2 + 2 + 2);
    const std::uint64_t section_size = in.u16(), section_count = in.u16();
    if (!in.ok()) return fmt::format("it is cut short at {} bytes", size);
#if defined(__aarch64__)
    constexpr int own_machine = 183;
#else
    constexpr int own_machine = 62;
#endif
    if (width != 2) return "it is a 32-bit library";
    if (order != 1 || machine != own_machine) return "it is for another processor";
    if (type != 3) return "it is no shared library";
    // NVIDIA's libraries have their section headers at the end: a truncated copy lacks them.
    const std::uint64_t end = sections + section_size * section_count;
    if (sections > size || end > size) return fmt::format("it is cut short at {} bytes", size);
    return {};
}

} // namespace tinderbox::machine
