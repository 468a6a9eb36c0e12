#include "generator/archive/write_tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

namespace tinderbox::archive {
namespace {

constexpr time_t first_date = 315532800; // 1980-01-01, the earliest that a zip file can hold

struct Free {
    void operator()(::archive* writer) const { archive_write_free(writer); }
    void operator()(::archive_entry* entry) const { archive_entry_free(entry); }
};

class Writer {
  public:
    explicit Writer(const fs::path& out) : out_(out), writer_(archive_write_new()) {}

    Status open() {
        const bool good = archive_write_add_filter_gzip(writer_.get()) == ARCHIVE_OK &&
                          archive_write_set_filter_option(writer_.get(), "gzip", "timestamp", nullptr) == ARCHIVE_OK &&
                          archive_write_set_format_pax_restricted(writer_.get()) == ARCHIVE_OK &&
                          archive_write_open_filename(writer_.get(), out_.c_str()) == ARCHIVE_OK;
        return good ? Status() : cannot_write();
    }

    Status add(const fs::path& path, const std::string& name) {
        struct stat st;
        if (::lstat(path.c_str(), &st) != 0) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
        if (S_ISLNK(st.st_mode)) return add_link(path, name);
        if (!S_ISREG(st.st_mode)) return {};
        TRY_ASSIGN(const Fd fd, open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
        if (::fstat(fd.get(), &st) != 0) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
        auto entry = entry_of(name, AE_IFREG, st.st_mode & 0111 ? 0755 : 0644);
        archive_entry_set_size(entry.get(), st.st_size);
        TRY(write_header(entry.get()));
        return add_content(fd.get(), static_cast<std::uint64_t>(st.st_size), path);
    }

    Status add_text(const std::string& text, const std::string& name) {
        auto entry = entry_of(name, AE_IFREG, 0644);
        archive_entry_set_size(entry.get(), static_cast<la_int64_t>(text.size()));
        TRY(write_header(entry.get()));
        const bool whole =
            archive_write_data(writer_.get(), text.data(), text.size()) == static_cast<la_ssize_t>(text.size());
        return whole ? Status() : cannot_write();
    }

    Status close() { return archive_write_close(writer_.get()) == ARCHIVE_OK ? Status() : cannot_write(); }

  private:
    using Entry = std::unique_ptr<::archive_entry, Free>;

    static Entry entry_of(const std::string& name, unsigned kind, mode_t mode) {
        Entry entry(archive_entry_new());
        archive_entry_set_pathname(entry.get(), name.c_str());
        archive_entry_set_filetype(entry.get(), kind);
        archive_entry_set_perm(entry.get(), mode);
        archive_entry_set_mtime(entry.get(), first_date, 0);
        return entry;
    }

    Status add_link(const fs::path& path, const std::string& name) {
        std::error_code error;
        const fs::path target = fs::read_symlink(path, error);
        if (error) return errno_error(fmt::format("cannot read '{}'", path.string()), error.value());
        auto entry = entry_of(name, AE_IFLNK, 0777);
        archive_entry_set_symlink(entry.get(), target.c_str());
        return write_header(entry.get());
    }

    Status add_content(int fd, std::uint64_t size, const fs::path& path) {
        Bytes buffer(256u << 10);
        for (std::uint64_t at = 0; at < size;) {
            const auto piece = std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), size - at));
            TRY(read_exact_at(fd, piece, at, path.string()));
            if (archive_write_data(writer_.get(), piece.data(), piece.size()) != static_cast<la_ssize_t>(piece.size()))
                return cannot_write();
            at += piece.size();
        }
        return {};
    }

    // A name that is no UTF-8 is a warning, and stays the bytes it is.
    Status write_header(::archive_entry* entry) {
        return archive_write_header(writer_.get(), entry) >= ARCHIVE_WARN ? Status() : cannot_write();
    }

    Error cannot_write() const {
        const char* text = archive_error_string(writer_.get());
        return make_error(ErrorKind::storage, "cannot write '{}': {}", out_.string(), text ? text : "no reason given");
    }

    const fs::path& out_;
    std::unique_ptr<::archive, Free> writer_;
};

} // namespace

Status write_tar_gz(const fs::path& out, const fs::path& directory, const std::vector<std::string>& files,
                    const std::string& stem, const std::map<std::string, std::string>& texts) {
    Writer writer(out);
    TRY(writer.open());
    for (const std::string& file : files)
        if (!texts.contains(file)) TRY(writer.add(directory / file, stem + "/" + file));
    for (const auto& [name, text] : texts) TRY(writer.add_text(text, stem + "/" + name));
    return writer.close();
}

} // namespace tinderbox::archive
