#include "generator/elf/compiled_for.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace tinderbox::elf {
namespace {

constexpr std::string_view option = "-gencode;";
constexpr std::string_view begin("\0-gencode;arch=compute_", 23); // behind the end of another string
// An item has some 40 characters, and there are some twenty architectures.
constexpr std::size_t word_limit = 4096;

// memmem: string_view::find walks from one '-' to the next, and machine code is full of them.
std::size_t find_begin(std::string_view text) {
    const void* at = ::memmem(text.data(), text.size(), begin.data(), begin.size());
    return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : std::string_view::npos;
}

bool take(std::string_view& text, std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
}

// "90a"
bool take_architecture(std::string_view& text, DeviceCode& code) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code.architecture);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (char variant : {'a', 'f'})
        if (take(text, std::string_view(&variant, 1))) code.variant = variant;
    return true;
}

// "arch=compute_90a,code=sm_90a"
std::optional<DeviceCode> parse_item(std::string_view item) {
    DeviceCode compiled, code;
    if (!take(item, "arch=compute_") || !take_architecture(item, compiled) || !take(item, ",code="))
        return std::nullopt;
    if (take(item, "compute_")) code.kind = DeviceCode::Kind::ptx;
    else if (!take(item, "sm_")) return std::nullopt;
    if (!take_architecture(item, code) || !item.empty()) return std::nullopt;
    return code;
}

} // namespace

void CompiledForScanner::feed(ByteView bytes) {
    std::string_view text = as_text(bytes);
    while (!text.empty()) {
        if (inside_) {
            const std::size_t end = text.find('\0');
            const std::size_t room = word_limit - kept_.size();
            kept_ += text.substr(0, std::min(end, room));
            if (end == std::string_view::npos && text.size() < room) return;
            if (end < room) end_word();
            inside_ = false;
            kept_.clear();
            text.remove_prefix(std::min({end, room, text.size()}));
            continue;
        }
        // A word may begin in the last piece.
        const std::size_t before = kept_.size();
        kept_ += text.substr(0, begin.size() - 1);
        if (const std::size_t at = find_begin(kept_); at < before) {
            text.remove_prefix(at + begin.size() - before);
            kept_ = begin;
            inside_ = true;
            continue;
        }
        if (const std::size_t at = find_begin(text); at != std::string_view::npos) {
            text.remove_prefix(at + begin.size());
            kept_ = begin;
            inside_ = true;
            continue;
        }
        if (text.size() >= begin.size() - 1) kept_ = text.substr(text.size() - (begin.size() - 1));
        else if (kept_.size() >= begin.size()) kept_.erase(0, kept_.size() - (begin.size() - 1));
        return;
    }
}

void CompiledForScanner::end_word() {
    std::vector<DeviceCode> found;
    for (std::string_view rest = std::string_view(kept_).substr(1); !rest.empty();) {
        if (!take(rest, option)) return;
        const std::size_t end = rest.find(';');
        const auto code = parse_item(rest.substr(0, end));
        if (!code || end + 1 == rest.size()) return;
        found.push_back(*code);
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
    codes_.insert(codes_.end(), found.begin(), found.end());
    std::ranges::sort(codes_);
    codes_.erase(std::ranges::unique(codes_).begin(), codes_.end());
}

} // namespace tinderbox::elf
