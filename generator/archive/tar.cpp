#include "generator/archive/tar.hpp"

#include "common/base/member_path.hpp"
#include "common/base/text.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <libdeflate.h>

#include <algorithm>
#include <unordered_map>

namespace tinderbox::archive {
namespace {

struct FreeArchive {
    void operator()(::archive* a) const { archive_read_free(a); }
};

// The source that libarchive reads from. Keeps the source's error, which libarchive cannot carry.
struct Input {
    ByteSource& source;
    Bytes buffer = Bytes(256u << 10);
    Status status{};
};

la_ssize_t read_input(::archive* a, void* data, const void** out) {
    auto& input = *static_cast<Input*>(data);
    auto n = input.source.read(input.buffer);
    if (!n.ok()) {
        input.status = std::move(n).error();
        archive_set_error(a, EIO, "%s", "the source failed");
        return -1;
    }
    *out = input.buffer.data();
    return static_cast<la_ssize_t>(*n);
}

// The member that had this path.
struct Seen {
    format::EntryKind kind = format::EntryKind::directory;
    bool explicit_member = false; // a directory that only occurs inside other paths is not
    std::uint64_t size = 0;
    std::uint32_t crc32 = 0;
    std::string link; // target of a symlink or hard link
};

class TarWalk {
  public:
    using Visit = std::function<Status(const TarMember&, ByteSource&)>;
    TarWalk(ByteSource& source, const TarOptions& options, const Visit& visit)
        : input_{source}, options_(options), visit_(visit), spending_(options.budget, options.name) {}
    Status run();

  private:
    Error error(const std::string& member, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}:{}: {}", options_.name, shown(member), what);
    }
    // A name of megabytes is no sentence.
    static std::string shown(const std::string& member) {
        constexpr std::size_t longest = 200;
        return member.size() <= longest ? member : member.substr(0, longest) + "…";
    }
    // The source's own error, else libarchive's.
    Error reading_error(const std::string& where) const {
        if (!input_.status.ok()) return input_.status.error();
        const char* text = archive_error_string(archive_.get());
        return make_error(ErrorKind::usage, "{}: the archive is cut short or damaged ({}); download it again", where,
                          text ? text : "no reason given");
    }
    Result<bool> to_member(archive_entry* entry, TarMember& member);
    Status kind_and_link(archive_entry* entry, TarMember& member);
    Status check_cost(std::string_view path);
    Status keep_name(std::size_t bytes);
    Status check_links(const TarMember& member);
    Status check_parents(const TarMember& member);
    Status check_repeated(const TarMember& member, const Seen& first, std::uint32_t crc32) const;
    Status one(archive_entry* entry);
    Status drain();

    class Content;
    Input input_;
    const TarOptions& options_;
    const Visit& visit_;
    std::unique_ptr<::archive, FreeArchive> archive_{archive_read_new()};
    std::unordered_map<std::string, Seen> seen_;
    Spending spending_;
    std::uint64_t names_ = 0, count_ = 0; // bytes of paths; members
};

class TarWalk::Content final : public ByteSource {
  public:
    Content(TarWalk& walk, const TarMember& member) : walk_(walk), member_(member), left_(member.size) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t done = 0;
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
        while (done < want) {
            const la_ssize_t n = archive_read_data(walk_.archive_.get(), out.data() + done, want - done);
            if (n <= 0) return walk_.reading_error(fmt::format("{}:{}", walk_.options_.name, member_.path));
            done += static_cast<std::size_t>(n);
        }
        crc32_ = libdeflate_crc32(crc32_, out.data(), done);
        left_ -= done;
        return done;
    }
    Result<std::uint32_t> finish() {
        Bytes rest(left_ > 0 ? 256u << 10 : 0);
        while (left_ > 0) {
            auto n = read(rest);
            if (!n.ok()) return std::move(n).error();
        }
        return crc32_;
    }

  private:
    TarWalk& walk_;
    const TarMember& member_;
    std::uint64_t left_;
    std::uint32_t crc32_ = 0;
};

// PAX names are UTF-8 whatever this process's locale is; the others are the bytes of the archive.
const char* first_of(const char* utf8, const char* bytes) { return utf8 ? utf8 : bytes; }

Status TarWalk::kind_and_link(archive_entry* entry, TarMember& member) {
    const char* hard = first_of(archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry));
    if (hard) {
        auto target = safe_relative_path(hard);
        if (!target.ok())
            return error(member.path, fmt::format("its hard link's target '{}' is not acceptable: {}", hard,
                                                  target.error().message));
        member.kind = format::EntryKind::file;
        member.hard_link = std::move(target).value();
        return {};
    }
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        member.kind = format::EntryKind::file;
        break;
    case AE_IFDIR:
        member.kind = format::EntryKind::directory;
        break;
    case AE_IFLNK: {
        member.kind = format::EntryKind::symlink;
        const char* target = first_of(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry));
        member.link = target ? target : "";
        break;
    }
    default:
        return error(member.path, "it is a device node, pipe or socket; no package needs one");
    }
    if (member.kind != format::EntryKind::file) return {};
    const la_int64_t size = archive_entry_size(entry);
    if (size < 0) return error(member.path, "its size is no number");
    member.size = static_cast<std::uint64_t>(size);
    return spending_.bytes(member.size);
}

// Before the path is taken apart: each directory in it is remembered.
Status TarWalk::check_cost(std::string_view path) {
    TRY(spending_.nodes());
    TRY(spending_.depth(1 + static_cast<std::uint64_t>(std::ranges::count(path, '/'))));
    return keep_name(path.size());
}

Status TarWalk::keep_name(std::size_t bytes) {
    if (bytes > tar_names_bytes - names_)
        return over_budget(ErrorKind::usage, options_.name + ": its paths", Resource::bytes, tar_names_bytes);
    names_ += bytes;
    return {};
}

// False: the root directory itself, which is nothing to install.
Result<bool> TarWalk::to_member(archive_entry* entry, TarMember& member) {
    const char* name = first_of(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
    if (!name)
        return make_error(ErrorKind::usage, "{}: member {} has a name that cannot be read", options_.name, count_);
    std::string_view trimmed = name;
    while (trimmed.ends_with('/') || trimmed.ends_with("/.")) trimmed.remove_suffix(1);
    if ((trimmed == "." || trimmed.empty()) && !std::string_view(name).starts_with('/') &&
        archive_entry_filetype(entry) == AE_IFDIR)
        return false;
    TRY(check_cost(name));
    auto path = safe_relative_path(name);
    if (!path.ok()) return error(name, path.error().message);
    member.path = std::move(path).value();
    TRY(kind_and_link(entry, member));
    const auto permissions = archive_entry_perm(entry);
    member.mode = static_cast<std::uint16_t>(permissions & 0777);
    if ((permissions & 06000) != 0 && member.kind == format::EntryKind::file && options_.warnings)
        options_.warnings->push_back(
            fmt::format("{}:{}: its setuid or setgid bit is dropped", options_.name, member.path));
    member.mtime = archive_entry_mtime(entry);
    return true;
}

Status TarWalk::check_links(const TarMember& member) {
    if (member.kind == format::EntryKind::symlink && !(options_.allow_link && options_.allow_link(member)))
        if (Status good = check_link_target(member.path, member.link, "the package"); !good.ok())
            return error(member.path, good.error().message);
    if (!member.hard_link.empty()) {
        auto target = seen_.find(member.hard_link);
        if (target == seen_.end() || target->second.kind != format::EntryKind::file)
            return error(member.path, fmt::format("it is a hard link to '{}', which is no earlier file of the archive",
                                                  member.hard_link));
    }
    return {};
}

// Nothing is written through a link or a file that an earlier member made.
Status TarWalk::check_parents(const TarMember& member) {
    for (std::size_t slash = member.path.find('/'); slash != std::string::npos;
         slash = member.path.find('/', slash + 1)) {
        const auto [found, added] = seen_.try_emplace(member.path.substr(0, slash));
        if (added) {
            TRY(spending_.nodes());
            TRY(keep_name(slash));
        }
        const auto& [path, parent] = *found;
        if (parent.kind != format::EntryKind::directory)
            return error(member.path,
                         fmt::format("'{}', in which it lies, is {}", path,
                                     parent.kind == format::EntryKind::symlink ? "a symbolic link" : "a file"));
    }
    return {};
}

Status TarWalk::check_repeated(const TarMember& member, const Seen& first, std::uint32_t crc32) const {
    const std::string& link = member.kind == format::EntryKind::symlink ? member.link : member.hard_link;
    if (first.kind == member.kind && (member.kind == format::EntryKind::directory ||
                                      (first.size == member.size && first.crc32 == crc32 && first.link == link)))
        return {};
    return error(member.path, "it occurs twice with different content");
}

Status TarWalk::one(archive_entry* entry) {
    ++count_;
    TarMember member;
    TRY_ASSIGN(bool counts, to_member(entry, member));
    if (!counts) return {};
    TRY(check_links(member));
    TRY(check_parents(member));
    Content content(*this, member);
    auto known = seen_.find(member.path);
    if (known != seen_.end() && (known->second.explicit_member || member.kind != format::EntryKind::directory)) {
        TRY_ASSIGN(std::uint32_t crc32, content.finish());
        return check_repeated(member, known->second, crc32);
    }
    TRY(visit_(member, content));
    TRY_ASSIGN(std::uint32_t crc32, content.finish());
    seen_[member.path] = {member.kind, true, member.size, crc32,
                          member.kind == format::EntryKind::symlink ? member.link : member.hard_link};
    return {};
}

// Reads on behind the end of the tar, so that a checksum at the end of the source is not missed.
Status TarWalk::drain() {
    for (;;) {
        TRY_ASSIGN(std::size_t n, input_.source.read(input_.buffer));
        if (n == 0) return {};
    }
}

Status TarWalk::run() {
    ::archive* a = archive_.get();
    if (!a) return make_error(ErrorKind::storage, "{}: out of memory", options_.name);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_format_tar(a);
    if (archive_read_open2(a, &input_, nullptr, read_input, nullptr, nullptr) != ARCHIVE_OK)
        return reading_error(options_.name);
    for (;;) {
        archive_entry* entry = nullptr;
        const int rc = archive_read_next_header(a, &entry);
        if (rc == ARCHIVE_EOF) return drain();
        // A warning concerns fields that nobody uses here (names of owners, unknown attributes).
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN) return reading_error(options_.name);
        TRY(one(entry));
    }
}

} // namespace

Status read_tar(ByteSource& input, const TarOptions& options,
                const std::function<Status(const TarMember& member, ByteSource& content)>& visit) {
    return TarWalk(input, options, visit).run();
}

} // namespace tinderbox::archive
