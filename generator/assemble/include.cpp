#include "generator/assemble/include.hpp"

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/member_path.hpp"
#include "common/base/reporter.hpp"
#include "common/base/text.hpp"
#include "generator/archive/file_source.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace tinderbox::assemble {
namespace {

bool is_there(const std::string& path) {
    std::error_code ec;
    return !path.empty() && fs::exists(fs::path(path), ec);
}

class Include final : public parcel::Artifact {
  public:
    Include(const lock::LockedInclude& include, const std::string& environment, Reporter& reporter)
        : root_(include.path), name_(include.destination),
          below_(((include.in_prefix ? fs::path() : fs::path("share") / environment) / include.destination).string()),
          option_(include.in_prefix ? "extra_files" : "--include"), reporter_(reporter) {}

    const std::string& display_name() const override { return name_; }
    const nlohmann::json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        return archive::open_file_range(files_[entry], files_[entry].string(), 0, entries_[entry].size);
    }

    Status read() {
        struct stat st {};
        if (::stat(root_.c_str(), &st) != 0)
            return errno_error(fmt::format("cannot read '{}'", root_.string()), errno, ErrorKind::usage);
        if (S_ISDIR(st.st_mode)) add_sizes(root_);
        else total_ = static_cast<std::uint64_t>(st.st_size);
        TRY(S_ISDIR(st.st_mode) ? add_directory(root_, below_, st) : add_file(root_, below_, st));
        Sha256 hash;
        for (const parcel::Entry& entry : entries_)
            hash.update(as_bytes(fmt::format("{} {:o} {}\t{}\t{}\n", static_cast<int>(entry.kind), entry.mode,
                                             entry.path.substr(below_.size()), entry.link, entry.sha256)));
        metadata_ = {{"kind", "include"}, {"name", name_}, {"version", ""}, {"sha256", to_hex(hash.finish())}};
        return {};
    }

  private:
    // For the progress; what is wrong is told where it is read.
    void add_sizes(const fs::path& directory) {
        std::error_code ec, unknown;
        for (fs::recursive_directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
            if (!it->is_regular_file(unknown) || it->is_symlink(unknown)) continue;
            const std::uintmax_t size = it->file_size(unknown);
            if (!unknown) total_ += size;
        }
    }

    Error error(const fs::path& path, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}: '{}': {}", option_, path.string(), what);
    }

    Result<parcel::Entry> entry_for(const fs::path& path, const std::string& below, format::EntryKind kind,
                                    const struct stat& st) const {
        parcel::Entry entry;
        entry.root = format::Root::env;
        entry.kind = kind;
        entry.mode = static_cast<std::uint16_t>(st.st_mode & 0777);
        auto safe = safe_relative_path(below);
        if (!safe.ok()) return error(path, safe.error().message);
        entry.path = std::move(safe).value();
        return entry;
    }

    void keep(parcel::Entry entry, const fs::path& path) {
        entries_.push_back(std::move(entry));
        files_.push_back(path);
    }

    Status add_file(const fs::path& path, const std::string& below, const struct stat& st) {
        if (!S_ISREG(st.st_mode)) return error(path, "it is a device, pipe or socket; leave it out");
        TRY_ASSIGN(parcel::Entry entry, entry_for(path, below, format::EntryKind::file, st));
        entry.size = static_cast<std::uint64_t>(st.st_size);
        FileRead read;
        read.progress = [&](std::uint64_t done) { reporter_.progress("reading", read_ + done, total_); };
        TRY_ASSIGN(const FileHash hash, hash_file(path, read));
        read_ += hash.size;
        if (hash.size != entry.size) return error(path, "it changes while it is read; try again when it does not");
        entry.sha256 = to_hex(hash.sha256);
        keep(std::move(entry), path);
        return {};
    }

    Status add_link(const fs::path& path, const std::string& below, const struct stat& st) {
        std::error_code ec;
        const fs::path target = fs::read_symlink(path, ec);
        if (ec) return errno_error(fmt::format("cannot read '{}'", path.string()), ec.value());
        TRY_ASSIGN(parcel::Entry entry, entry_for(path, below, format::EntryKind::symlink, st));
        const std::string from = path.lexically_relative(root_).string();
        if (Status good = check_link_target(from, target.native(), "what is included"); !good.ok())
            return error(path, good.error().message + "; include what it leads to");
        entry.mode = 0777;
        entry.link = target.native();
        keep(std::move(entry), path);
        return {};
    }

    Status add_directory(const fs::path& path, const std::string& below, const struct stat& st) {
        TRY_ASSIGN(parcel::Entry self, entry_for(path, below, format::EntryKind::directory, st));
        keep(std::move(self), path);
        std::error_code ec;
        std::vector<fs::path> names;
        for (fs::directory_iterator it(path, ec), end; !ec && it != end; it.increment(ec))
            names.push_back(it->path().filename());
        if (ec) return errno_error(fmt::format("cannot read '{}'", path.string()), ec.value());
        std::ranges::sort(names, {}, [](const fs::path& p) { return p.native(); });
        for (const fs::path& name : names) {
            const fs::path inner = path / name;
            struct stat inner_st {};
            if (::lstat(inner.c_str(), &inner_st) != 0)
                return errno_error(fmt::format("cannot read '{}'", inner.string()), errno);
            const std::string inner_below = below + "/" + name.native();
            if (S_ISDIR(inner_st.st_mode)) TRY(add_directory(inner, inner_below, inner_st));
            else if (S_ISLNK(inner_st.st_mode)) TRY(add_link(inner, inner_below, inner_st));
            else TRY(add_file(inner, inner_below, inner_st));
        }
        return {};
    }

    const fs::path root_;
    std::string name_;
    const std::string below_;
    const std::string_view option_; // for messages
    Reporter& reporter_;
    nlohmann::json metadata_;
    std::vector<parcel::Entry> entries_;
    std::vector<fs::path> files_;        // one an entry
    std::uint64_t read_ = 0, total_ = 0; // bytes
};

} // namespace

Result<lock::LockedInclude> parse_include(const std::string& text) {
    std::string source = text, destination;
    // A name may hold a colon; the last one separates unless the whole is there.
    if (const auto colon = text.rfind(':'); !is_there(text) && colon != std::string::npos && colon > 0) {
        source = text.substr(0, colon);
        destination = text.substr(colon + 1);
    }
    if (!is_there(source))
        return make_error(ErrorKind::usage, "--include {}: there is no '{}'; give SRC or SRC:DEST", text, source);
    std::error_code ec;
    lock::LockedInclude out;
    fs::path path = fs::absolute(source, ec).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    out.path = path.string();
    const std::string name = path.filename().string();
    if (destination.empty() || destination.ends_with('/')) destination += name;
    auto safe = safe_relative_path(destination);
    if (!safe.ok())
        return make_error(ErrorKind::usage, "--include {}: DEST '{}': {}", text, destination, safe.error().message);
    out.destination = std::move(safe).value();
    return out;
}

Result<std::unique_ptr<parcel::Artifact>> open_include(const lock::LockedInclude& include,
                                                       const std::string& environment, Reporter& reporter) {
    auto out = std::make_unique<Include>(include, environment, reporter);
    TRY(out->read());
    return std::unique_ptr<parcel::Artifact>(std::move(out));
}

} // namespace tinderbox::assemble
