#include "generator/capture/captured.hpp"

#include "common/base/last_component.hpp"
#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/utf8.hpp"
#include "common/base/version_order.hpp"
#include "generator/capture/compare_records.hpp"
#include "generator/capture/record.hpp"
#include "generator/elf/system_library.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::capture {

using nlohmann::json;

namespace {

// Enters the digest: a new version of this code may capture other bytes of the same tree.
constexpr std::string_view capture_version = "tinderbox-capture 2";

struct Identity {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const Identity&) const = default;
};

Result<Identity> identify(int fd, const fs::path& path) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
    return Identity{st.st_dev, st.st_ino, static_cast<std::uint64_t>(st.st_size), st.st_mtim.tv_sec,
                    st.st_mtim.tv_nsec};
}

Error changed(const fs::path& path) {
    return make_error(ErrorKind::storage,
                      "'{}' changed while it was being captured; capture it again when nothing writes there",
                      path.string());
}

// A whole file in the address space, without a copy of gigabytes in memory.
class Mapping {
  public:
    static Result<Mapping> open(const fs::path& path) {
        TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY | O_CLOEXEC));
        TRY_ASSIGN(Identity identity, identify(fd.get(), path));
        Mapping out;
        out.identity_ = identity;
        if (identity.size == 0) return out;
        void* data = ::mmap(nullptr, identity.size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
        if (data == MAP_FAILED) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
        out.data_ = static_cast<const char*>(data);
        return out;
    }
    Mapping(Mapping&& other) noexcept : data_(std::exchange(other.data_, nullptr)), identity_(other.identity_) {}
    Mapping& operator=(Mapping&&) = delete;
    ~Mapping() {
        if (data_) ::munmap(const_cast<char*>(data_), identity_.size);
    }
    std::string_view view() const { return data_ ? std::string_view(data_, identity_.size) : std::string_view(); }
    const Identity& identity() const { return identity_; }

  private:
    Mapping() = default;
    const char* data_ = nullptr;
    Identity identity_;
};

struct Scanned {
    FilePlan plan;
    Identity identity;
    std::uint64_t size = 0; // as captured
    std::string sha256;     // as captured
};

// The file's bytes with its splices, streamed.
class SplicedSource : public archive::ByteSource {
  public:
    SplicedSource(Fd fd, fs::path path, std::uint64_t size, const std::vector<Splice>& splices)
        : fd_(std::move(fd)), path_(std::move(path)), size_(size), splices_(splices) {}

    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t done = 0;
        while (done < out.size()) {
            if (pending_ && pending_at_ < pending_->with.size()) {
                std::size_t n = std::min(out.size() - done, pending_->with.size() - pending_at_);
                std::ranges::copy(as_bytes(std::string_view(pending_->with).substr(pending_at_, n)),
                                  out.begin() + static_cast<std::ptrdiff_t>(done));
                pending_at_ += n;
                done += n;
                continue;
            }
            if (next_ < splices_.size() && splices_[next_].offset == at_) {
                pending_ = &splices_[next_++];
                pending_at_ = 0;
                at_ += pending_->length;
                continue;
            }
            std::uint64_t end = next_ < splices_.size() ? splices_[next_].offset : size_;
            if (at_ >= end) break;
            std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(out.size() - done, end - at_));
            TRY(read_exact_at(fd_.get(), out.subspan(done, n), at_, path_.string()));
            at_ += n;
            done += n;
        }
        return done;
    }

  private:
    Fd fd_;
    fs::path path_;
    std::uint64_t size_, at_ = 0;
    const std::vector<Splice>& splices_;
    std::size_t next_ = 0, pending_at_ = 0;
    const Splice* pending_ = nullptr;
};

class TextSource : public archive::ByteSource {
  public:
    explicit TextSource(const std::string& text) : rest_(text) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t n = std::min(out.size(), rest_.size());
        std::ranges::copy(as_bytes(rest_.substr(0, n)), out.begin());
        rest_.remove_prefix(n);
        return n;
    }

  private:
    std::string_view rest_;
};

class Captured : public CapturedArtifact {
  public:
    const std::string& display_name() const override { return display_name_; }
    const json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    const std::string& sha256() const override { return sha256_; }
    const std::string& source() const override { return source_; }
    const fs::path& file_of(std::size_t entry) const override { return items_[entry].source; }
    const std::vector<EditableProject>& editable() const override { return editable_; }

    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        const Item& item = items_[entry];
        if (item.content) return std::unique_ptr<archive::ByteSource>(std::make_unique<TextSource>(*item.content));
        TRY_ASSIGN(Fd fd, open_file(item.source, O_RDONLY | O_CLOEXEC));
        TRY_ASSIGN(Identity now, identify(fd.get(), item.source));
        if (now != scanned_[entry].identity) return changed(item.source);
        return std::unique_ptr<archive::ByteSource>(
            std::make_unique<SplicedSource>(std::move(fd), item.source, now.size, scanned_[entry].plan.splices));
    }

    Status scan(FileSelection selection, const CaptureOptions& options) {
        display_name_ = std::move(selection.display_name);
        source_ = std::move(selection.source);
        metadata_ = std::move(selection.metadata);
        editable_ = std::move(selection.editable);
        fill_captured(selection);
        for (const auto& [path, item] : selection.items) items_.push_back(item);
        scanned_.resize(items_.size());
        ProgressCounter counter(options.progress, bytes_to_read());
        TRY(parallel_for(items_.size(), options.threads,
                         [&](std::size_t i) { return scan_file(i, selection.rules, counter); }));
        TRY(compare_with_records(selection, options));
        add_links_beside();
        update_records(selection);
        make_entries();
        describe(selection);
        if (options.strict && !selection.not_relocatable.empty())
            return make_error(ErrorKind::usage,
                              "--strict: {} cannot be moved whole: '{}': {} ({} such in all; leave it out of the "
                              "prefix, or build without --strict)",
                              display_name_, selection.not_relocatable.front().path,
                              selection.not_relocatable.front().why, selection.not_relocatable.size());
        digest();
        return {};
    }

  private:
    static void fill_captured(FileSelection& selection) {
        auto& captured = selection.rules.captured;
        captured.insert("");
        for (const auto& [path, item] : selection.items)
            for (std::string p = path; captured.insert(p).second;) {
                auto slash = p.rfind('/');
                if (slash == std::string::npos) break;
                p.resize(slash);
            }
    }

    std::uint64_t bytes_to_read() const {
        std::uint64_t sum = 0;
        std::error_code ec;
        for (const Item& item : items_) {
            if (item.kind != format::EntryKind::file || item.content) continue;
            const std::uintmax_t size = fs::file_size(item.source, ec);
            if (!ec) sum += size; // what is wrong is told where the file is read
        }
        return sum;
    }

    Status scan_file(std::size_t i, const PrefixRules& rules, ProgressCounter& counter) {
        Item& item = items_[i];
        Scanned& out = scanned_[i];
        if (item.kind != format::EntryKind::file) return {};
        if (item.content) {
            out.plan = plan_file(item.path, *item.content, item.role, rules, nullptr);
            settle_content(i);
            return {};
        }
        TRY_ASSIGN(Mapping file, Mapping::open(item.source));
        out.identity = file.identity();
        out.plan = plan_file(item.path, file.view(), item.role, rules, item.hint ? &*item.hint : nullptr);
        Sha256 hash;
        std::uint64_t at = 0;
        out.size = file.view().size();
        for (const Splice& s : out.plan.splices) {
            hash.update(as_bytes(file.view().substr(at, s.offset - at)));
            hash.update(as_bytes(s.with));
            at = s.offset + s.length;
            out.size += s.with.size() - s.length;
        }
        hash.update(as_bytes(file.view().substr(at)));
        out.sha256 = to_hex(hash.finish());
        counter.add(file.view().size());
        return {};
    }

    // Contents of ours are small: their splices are applied at once.
    void settle_content(std::size_t i) {
        Scanned& s = scanned_[i];
        items_[i].content = apply_splices(*items_[i].content, s.plan.splices);
        s.plan.splices.clear();
        s.size = items_[i].content->size();
        s.sha256 = to_hex(tinderbox::sha256(as_bytes(*items_[i].content)));
    }

    // Before links are added to items_.
    Status compare_with_records(FileSelection& selection, const CaptureOptions& options) {
        std::map<std::string, std::string> foreign;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (const std::string& interpreter = scanned_[i].plan.foreign_interpreter;
                !interpreter.empty() && items_[i].path.starts_with("bin/"))
                foreign.emplace(items_[i].path, interpreter);
        }
        auto hash_of = [&](const std::string& path) -> std::optional<std::string> {
            const auto at = std::ranges::lower_bound(items_, path, {}, &Item::path);
            const Scanned& scanned = scanned_[static_cast<std::size_t>(at - items_.begin())];
            if (at->content || !scanned.plan.splices.empty()) return std::nullopt;
            return scanned.sha256;
        };
        TRY_ASSIGN(const std::vector<Listed> differing, compare_records(selection, foreign, options.threads, hash_of));
        metadata_["differing"] = list(differing);
        if (differing.empty()) return {};
        if (options.strict)
            return make_error(ErrorKind::usage,
                              "--strict: {}: {}; install these packages again, or make the environment anew",
                              display_name_, differing_sentence(differing));
        selection.warnings.push_back(differing_sentence(differing));
        return {};
    }

    // An RPATH had room for "$ORIGIN" only, so that the libraries of its file get links beside the file.
    void add_links_beside() {
        std::map<std::string, std::string> libraries; // file name → path
        std::set<std::string> paths;
        for (const Item& item : items_) {
            paths.insert(item.path);
            if (item.path.starts_with("lib/") && item.path.find(".so") != std::string::npos)
                libraries.emplace(last_component(item.path), item.path);
        }
        std::vector<Item> links;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (!scanned_[i].plan.links_beside) continue;
            const std::string directory = fs::path(items_[i].path).parent_path().string();
            for (const auto& [soname, offset] : scanned_[i].plan.elf->info.needed) {
                auto library = libraries.find(soname);
                Item link;
                link.path = directory + "/" + soname;
                if (library == libraries.end() || !paths.insert(link.path).second) continue;
                link.kind = format::EntryKind::symlink;
                link.mode = 0777;
                link.link = relative_between(directory, library->second);
                links.push_back(std::move(link));
            }
        }
        for (Item& link : links) {
            auto at = std::ranges::lower_bound(items_, link.path, {}, &Item::path);
            scanned_.insert(scanned_.begin() + (at - items_.begin()), Scanned{});
            items_.insert(at, std::move(link));
        }
    }

    void update_records(const FileSelection& selection) {
        std::map<std::string, std::size_t> index;
        for (std::size_t i = 0; i < items_.size(); ++i) index.emplace(items_[i].path, i);
        auto state = [&](const std::string& path) {
            auto found = index.find(path);
            if (found == index.end()) return RecordState::missing;
            const FilePlan& plan = scanned_[found->second].plan;
            bool changes = plan.mode != parcel::PrefixMode::none || !plan.shebang.empty() || !plan.splices.empty();
            return changes ? RecordState::relocated : RecordState::same;
        };
        for (const auto& [path, site_packages] : selection.records) {
            auto found = index.find(path);
            if (found == index.end()) continue;
            Item& item = items_[found->second];
            auto text = read_text(item.source);
            if (!text.ok()) continue; // it was readable a moment ago: the packer reports the error
            std::string updated = updated_record(*text, site_packages, state);
            if (updated == *text) continue;
            item.content = std::move(updated);
            scanned_[found->second].plan = {};
            settle_content(found->second);
        }
    }

    void make_entries() {
        for (std::size_t i = 0; i < items_.size(); ++i) {
            const Item& item = items_[i];
            parcel::Entry e;
            e.kind = item.kind;
            e.mode = item.mode;
            e.path = item.path;
            e.link = item.link;
            e.size = scanned_[i].size;
            e.prefix_mode = scanned_[i].plan.mode;
            e.placeholder = scanned_[i].plan.placeholder;
            e.shebang = scanned_[i].plan.shebang;
            e.sha256 = scanned_[i].sha256;
            entries_.push_back(std::move(e));
        }
    }

    // ---- metadata -------------------------------------------------------------------------------------

    static json list(std::vector<Listed> listed) {
        std::ranges::sort(
            listed, [](const Listed& a, const Listed& b) { return std::tie(a.path, a.why) < std::tie(b.path, b.why); });
        json out = json::array();
        for (const Listed& l : listed) out.push_back({{"path", utf8_or_marks(l.path)}, {"why", l.why}});
        return out;
    }

    void describe(FileSelection& selection) {
        std::vector<Listed> harmless;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            for (const std::string& why : scanned_[i].plan.not_relocatable)
                selection.not_relocatable.push_back({items_[i].path, why});
            for (const std::string& why : scanned_[i].plan.harmless) harmless.push_back({items_[i].path, why});
        }
        std::ranges::stable_sort(selection.not_relocatable, {}, &Listed::path);
        metadata_["not_relocatable"] = list(selection.not_relocatable);
        metadata_["harmless"] = list(std::move(harmless));
        metadata_["left_out"] = list(selection.left_out);
        if (!selection.not_relocatable.empty())
            selection.warnings.push_back(fmt::format(
                "{} cannot be moved whole, the first: '{}': {}", counted(selection.not_relocatable.size(), "file"),
                utf8_or_marks(selection.not_relocatable.front().path), selection.not_relocatable.front().why));
        metadata_["warnings"] = selection.warnings;
        describe_libraries(selection);
    }

    void describe_libraries(const FileSelection& selection) {
        std::set<std::string> own, extras;
        for (const RecordedFile& file : selection.recorded)
            if (selection.universal.contains(file.record)) extras.insert(file.path);
        json universal = json::array();
        for (std::size_t i = 0; i < items_.size(); ++i) {
            own.emplace(last_component(items_[i].path));
            if (const auto& elf = scanned_[i].plan.elf; elf && !elf->info.soname.value.empty())
                own.insert(elf->info.soname.value);
        }
        std::map<std::string, json> needed;
        std::string glibc, glibc_path;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            const auto& elf = scanned_[i].plan.elf;
            if (!elf) continue;
            if (extras.contains(items_[i].path)) universal.push_back(utf8_or_marks(items_[i].path));
            else if (!elf->info.glibc.empty() && compare_versions(elf->info.glibc, glibc) > 0)
                glibc = elf->info.glibc, glibc_path = items_[i].path;
            for (const auto& [soname, offset] : elf->info.needed)
                if (!own.contains(soname) && !elf::is_glibc_library(soname))
                    needed[soname].push_back(utf8_or_marks(items_[i].path));
        }
        json libraries = json::array();
        for (auto& [name, by] : needed)
            libraries.push_back({{"name", utf8_or_marks(name)}, {"needed_by", std::move(by)}});
        metadata_["libraries"] = std::move(libraries);
        if (!universal.empty()) metadata_["universal"] = std::move(universal);
        if (!glibc.empty()) metadata_["glibc"] = {{"version", glibc}, {"needed_by", utf8_or_marks(glibc_path)}};
    }

    void digest() {
        ByteWriter w;
        w.string(capture_version);
        for (const parcel::Entry& e : entries_) {
            w.u8(static_cast<std::uint8_t>(e.kind));
            w.u16(e.mode);
            w.string(e.path);
            w.string(e.link);
            w.u8(static_cast<std::uint8_t>(e.prefix_mode));
            w.string(e.placeholder);
            w.string(e.shebang);
            w.string(e.sha256);
        }
        w.string(metadata_.dump());
        sha256_ = to_hex(tinderbox::sha256(w.data()));
    }

    std::string display_name_, source_, sha256_;
    json metadata_;
    std::vector<EditableProject> editable_;
    std::vector<Item> items_;
    std::vector<Scanned> scanned_;
    std::vector<parcel::Entry> entries_;
};

} // namespace

std::string utf8_or_marks(const std::string& text) {
    if (is_valid_utf8(text)) return text;
    std::string out;
    for (char c : text) out += static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "\xef\xbf\xbd";
    return out;
}

Result<Item> item_from(const fs::path& source, std::string path) {
    struct stat st {};
    if (::lstat(source.c_str(), &st) != 0) return errno_error(fmt::format("cannot read '{}'", source.string()), errno);
    Item item;
    item.path = std::move(path);
    item.source = source;
    item.mode = st.st_mode & 0777;
    if (S_ISDIR(st.st_mode)) {
        item.kind = format::EntryKind::directory;
    } else if (S_ISLNK(st.st_mode)) {
        item.kind = format::EntryKind::symlink;
        item.mode = 0777;
        std::error_code ec;
        item.link = fs::read_symlink(source, ec).string();
        if (ec) return errno_error(fmt::format("cannot read '{}'", source.string()), ec.value());
    } else if (!S_ISREG(st.st_mode)) {
        return make_error(ErrorKind::usage, "'{}' is neither a file nor a directory nor a link", source.string());
    }
    return item;
}

Result<std::unique_ptr<CapturedArtifact>> make_artifact(FileSelection selection, const CaptureOptions& options) {
    auto captured = std::make_unique<Captured>();
    TRY(captured->scan(std::move(selection), options));
    return std::unique_ptr<CapturedArtifact>(std::move(captured));
}

} // namespace tinderbox::capture
