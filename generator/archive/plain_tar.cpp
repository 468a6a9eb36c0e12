#include "generator/archive/plain_tar.hpp"

#include "common/base/file.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "generator/archive/tar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <unordered_map>

namespace tinderbox::archive {
namespace {

constexpr std::size_t block_size = 512;
constexpr std::uint64_t extension_limit = 1u << 20; // bytes of a long name or of PAX records
constexpr std::size_t member_limit = 1'000'000;

using Header = std::array<std::byte, block_size>;

std::string_view bytes_of(const Header& header, std::size_t at, std::size_t size) {
    return as_text(ByteView(header).subspan(at, size));
}

// A field up to its NUL.
std::string text_of(const Header& header, std::size_t at, std::size_t size) {
    std::string_view text = bytes_of(header, at, size);
    return std::string(text.substr(0, text.find('\0')));
}

// Octal digits, or GNU's base-256 for what does not fit.
std::optional<std::uint64_t> number_of(const Header& header, std::size_t at, std::size_t size) {
    std::string_view text = bytes_of(header, at, size);
    std::uint64_t value = 0;
    if ((static_cast<unsigned char>(text.front()) & 0x80) != 0) {
        if (static_cast<unsigned char>(text.front()) != 0x80) return std::nullopt; // negative
        for (char c : text.substr(1)) {
            if (value >> 55 != 0) return std::nullopt;
            value = value << 8 | static_cast<unsigned char>(c);
        }
        return value;
    }
    text = text.substr(0, text.find('\0'));
    text = trim(text);
    for (char c : text) {
        if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
        value = value << 3 | static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

bool is_zero(const Header& header) {
    return std::ranges::all_of(header, [](std::byte b) { return b == std::byte{0}; });
}

bool checksum_matches(const Header& header) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < block_size; ++i)
        sum += i >= 148 && i < 156 ? 0x20u : std::to_integer<unsigned>(header[i]);
    auto declared = number_of(header, 148, 8);
    return declared && *declared == sum;
}

class PlainTarWalk {
  public:
    PlainTarWalk(int fd, FileRange range, const std::string& name)
        : fd_(fd), at_(range.offset), end_(range.end()), name_(name) {}

    Result<std::vector<PlainTarMember>> run() {
        while (end_ - at_ >= block_size) {
            Header header;
            TRY(read_exact_at(fd_, header, at_, name_));
            if (is_zero(header)) break;
            if (!checksum_matches(header))
                return error(
                    fmt::format("at byte {} of it there is no tar header; it is damaged, download it again", at_));
            at_ += block_size;
            if (out_.size() > member_limit) return error("it has more members than any installer");
            TRY(one(header));
        }
        if (out_.empty()) return error("it holds no members; it is damaged, download it again");
        return std::move(out_);
    }

  private:
    Error error(std::string_view what) const { return make_error(ErrorKind::usage, "{}: {}", name_, what); }
    Error error(const std::string& member, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}:{}: {}", name_, visible(member.substr(0, 200)), what);
    }
    Status one(const Header& header) {
        const char type = static_cast<char>(header[156]);
        auto size = number_of(header, 124, 12);
        if (!size) return error("a member's size is no number; it is damaged, download it again");
        if (type == 'x' || type == 'g' || type == 'L' || type == 'K') return extension(type, *size);

        std::string path = text_of(header, 0, 100);
        // The prefix field is ustar's; GNU has other things there.
        if (bytes_of(header, 257, 6) == std::string_view("ustar\0", 6))
            if (std::string prefix = text_of(header, 345, 155); !prefix.empty()) path = prefix + "/" + path;
        if (pax_.path) path = *pax_.path;
        std::string link = pax_.link ? *pax_.link : text_of(header, 157, 100);
        if (pax_.size) size = pax_.size;
        PlainTarMember member;
        auto mode = number_of(header, 100, 8), mtime = number_of(header, 136, 12);
        if (!mode || !mtime) return error(path, "its mode or time is no number");
        member.mode = static_cast<std::uint16_t>(*mode & 0777);
        member.mtime = pax_.mtime ? *pax_.mtime : static_cast<std::int64_t>(*mtime);
        pax_ = {};
        return add(type, std::move(path), std::move(link), *size, std::move(member));
    }

    Status add(char type, std::string written, std::string link, std::uint64_t size, PlainTarMember member) {
        const bool has_content = type == '0' || type == '\0' || type == '7';
        if (has_content) {
            if (size > end_ - at_)
                return error(written, fmt::format("its {} bytes reach beyond the end of the archive", size));
            member.content = {at_, size};
            at_ += std::min((size + block_size - 1) / block_size * block_size, end_ - at_);
        }
        if (type == '5') {
            while (written.ends_with('/') || written.ends_with("/.")) written.pop_back();
            if (written.empty() || written == ".") return {}; // the root itself
            member.kind = format::EntryKind::directory;
        } else if (type == '2') {
            member.kind = format::EntryKind::symlink;
        } else if (type != '1' && !has_content) {
            return error(written, "it is no file, directory or link; no installer needs one");
        }
        TRY(Spending(tar_budget, name_).depth(1 + static_cast<std::uint64_t>(std::ranges::count(written, '/'))));
        auto path = safe_relative_path(written);
        if (!path.ok()) return error(written, path.error().message);
        member.path = std::move(path).value();
        if (type == '2') {
            if (Status good = check_link_target(member.path, link); !good.ok())
                return error(written, good.error().message);
            member.link = std::move(link);
        }
        if (type == '1') {
            auto first = by_path_.find(link.starts_with("./") ? link.substr(2) : link);
            if (first == by_path_.end() || out_[first->second].kind != format::EntryKind::file)
                return error(written, fmt::format("it is a hard link to '{}', which is no earlier file",
                                                  visible(link.substr(0, 200))));
            member.content = out_[first->second].content;
        }
        return keep(std::move(member));
    }

    Status keep(PlainTarMember member) {
        for (auto slash = member.path.find('/'); slash != std::string::npos; slash = member.path.find('/', slash + 1))
            if (auto parent = by_path_.find(member.path.substr(0, slash));
                parent != by_path_.end() && out_[parent->second].kind != format::EntryKind::directory)
                return error(member.path, fmt::format("'{}', in which it lies, is no directory", parent->first));
        auto [known, added] = by_path_.emplace(member.path, out_.size());
        if (!added) {
            if (member.kind == format::EntryKind::directory && out_[known->second].kind == format::EntryKind::directory)
                return {};
            return error(member.path, "it occurs twice");
        }
        out_.push_back(std::move(member));
        return {};
    }

    // A member that says something of the next one.
    Status extension(char type, std::uint64_t size) {
        if (size > extension_limit || size > end_ - at_)
            return error(
                fmt::format("a name or attribute of {} bytes is absurd; it is damaged, download it again", size));
        std::string text(size, '\0');
        TRY(read_exact_at(fd_, std::as_writable_bytes(std::span(text)), at_, name_));
        at_ += std::min((size + block_size - 1) / block_size * block_size, end_ - at_);
        if (type == 'g') return {};
        if (type == 'x') return records(text);
        text.resize(std::min(text.find('\0'), text.size()));
        if (type == 'L') pax_.path = std::move(text);
        else pax_.link = std::move(text);
        return {};
    }

    // "LENGTH KEY=VALUE\n", where LENGTH counts all of it.
    Status records(std::string_view text) {
        while (!text.empty()) {
            std::size_t length = 0;
            auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), length);
            const auto space = static_cast<std::size_t>(stop - text.data());
            if (problem != std::errc() || space >= text.size() || text[space] != ' ' || length <= space + 1 ||
                length > text.size() || text[length - 1] != '\n')
                return error("its PAX records are damaged; download it again");
            std::string_view record = text.substr(space + 1, length - space - 2);
            text.remove_prefix(length);
            const auto equals = record.find('=');
            if (equals == std::string_view::npos) return error("its PAX records are damaged; download it again");
            TRY(attribute(record.substr(0, equals), record.substr(equals + 1)));
        }
        return {};
    }

    Status attribute(std::string_view key, std::string_view value) {
        if (key.starts_with("GNU.sparse")) return error("it holds a sparse file; no installer needs one");
        if (key == "path") pax_.path = std::string(value);
        if (key == "linkpath") pax_.link = std::string(value);
        if (key != "size" && key != "mtime") return {};
        std::int64_t number = 0;
        auto [stop, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (problem != std::errc() || (key == "size" && (number < 0 || stop != value.data() + value.size())))
            return error(fmt::format("its PAX attribute '{}' is no number", key));
        if (key == "size") pax_.size = static_cast<std::uint64_t>(number);
        else pax_.mtime = number;
        return {};
    }

    struct Pax {
        std::optional<std::string> path, link;
        std::optional<std::uint64_t> size;
        std::optional<std::int64_t> mtime;
    };

    int fd_;
    std::uint64_t at_, end_;
    const std::string& name_;
    Pax pax_;
    std::vector<PlainTarMember> out_;
    std::unordered_map<std::string, std::size_t> by_path_;
};

} // namespace

Result<std::vector<PlainTarMember>> list_plain_tar(int fd, FileRange range, const std::string& name) {
    return PlainTarWalk(fd, range, name).run();
}

} // namespace tinderbox::archive
