#include "generator/conda/constructor.hpp"

#include "common/base/hash.hpp"
#include "common/base/hash_file.hpp"
#include "common/base/hex.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/lines.hpp"
#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/json_read.hpp"
#include "generator/archive/endings.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/plain_tar.hpp"
#include "generator/archive/spool.hpp"
#include "generator/archive/tar.hpp"
#include "generator/conda/constructor_header.hpp"
#include "generator/conda/link.hpp"
#include "generator/conda/names.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace tinderbox::conda {
namespace {

using nlohmann::json;

constexpr std::uint64_t spool_above = 1u << 20;          // bytes of a file inside preconda or postconda
constexpr std::uint64_t inner_total_limit = 16ull << 30; // bytes of all of them
constexpr std::uint64_t in_memory_limit = 128u << 20;    // bytes of small files; more are spooled
constexpr std::uint64_t text_limit = 64u << 20;          // bytes of a list, a record or a script

// A list of packages as the installer hands it to conda.
struct PackageList {
    struct Item {
        std::string file_name; // "" when only the name is given
        std::string dist;      // NAME-VERSION-BUILD
        std::string url, md5, sha256;
    };
    bool is_explicit = false; // conda links such a list in its order, and solves any other
    std::vector<Item> items;
};

// "URL#MD5", as conda's @EXPLICIT lists and pkgs/urls have it.
PackageList::Item url_item(std::string_view line) {
    PackageList::Item out;
    if (const auto hash = line.rfind('#'); hash != std::string_view::npos) {
        std::string_view digits = line.substr(hash + 1);
        if (digits.starts_with("sha256:")) digits.remove_prefix(7);
        if (is_hex(digits, 32)) out.md5 = to_lower(digits);
        if (is_hex(digits, 64)) out.sha256 = to_lower(digits);
        line = line.substr(0, hash);
    }
    out.url = without_credentials(trim(line));
    out.file_name = fetch::file_name_at(out.url);
    out.dist = archive::without_ending(out.file_name, archive::conda_endings).value_or(out.file_name);
    return out;
}

PackageList parse_list(std::string_view text) {
    PackageList out;
    for (std::string_view line : Lines(text)) {
        line = trim(line);
        if (line.empty() || line.starts_with('#')) continue;
        if (line == "@EXPLICIT") {
            out.is_explicit = true;
        } else if (line.find("://") != std::string_view::npos) {
            out.items.push_back(url_item(line));
        } else { // NAME=VERSION=BUILD
            PackageList::Item item;
            item.dist = replace_all(line, "=", "-");
            out.items.push_back(std::move(item));
        }
    }
    return out;
}

class InstallerReader {
  public:
    InstallerReader(const fs::path& path, const ConstructorReadOptions& options)
        : path_(path), name_(options.name.empty() ? path.filename().string() : options.name),
          spool_(std::make_shared<archive::Spool>(options.spool_directory.empty() ? cache_directory() / "spool"
                                                                                  : options.spool_directory,
                                                  4 * spool_above)) {}

    Result<ConstructorInstaller> run() {
        TRY(open());
        TRY(check_md5());
        TRY_ASSIGN(members_, archive::list_plain_tar(file_->get(), header_.tar, name_));
        TRY(read_members());
        TRY(add_packages());
        TRY(add_files());
        return std::move(out_);
    }

    Result<ConstructorInstaller> head() {
        TRY(open());
        return std::move(out_);
    }

  private:
    Error error(std::string_view what) const { return make_error(ErrorKind::usage, "{}: {}", name_, what); }
    Error error(const std::string& member, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}:{}: {}", name_, member, what);
    }

    // ---- the header -----------------------------------------------------------------------------------

    Status open() {
        TRY_ASSIGN(Fd fd, open_file(path_, O_RDONLY));
        file_ = std::make_shared<const Fd>(std::move(fd));
        TRY_ASSIGN(out_.size, file_size(file_->get(), name_));
        std::string head(std::min<std::uint64_t>(out_.size, constructor_header_limit), '\0');
        TRY(read_exact_at(file_->get(), std::as_writable_bytes(std::span(head)), 0, name_));
        if (!is_constructor_header(head)) return error(describe_no_installer(head, out_.size));
        TRY_ASSIGN(header_, parse_constructor_header(head, out_.size, name_));
        out_.era = header_.era;
        out_.name = header_.name;
        out_.version = header_.version;
        out_.platform = header_.platform;
        out_.constructor_version = header_.constructor_version;
        out_.payload_md5 = header_.md5;
        out_.license = header_.license;
        out_.minimum_glibc = header_.minimum_glibc;
        out_.keeps_packages = header_.keeps_packages;
        out_.initialises_by_default = header_.initialises;
        out_.writes_nonadmin = header_.nonadmin;
        out_.makes_envs_directory = header_.makes_envs;
        out_.registers_environments = header_.registers;
        out_.script_variables = header_.variables;
        out_.warnings = header_.warnings;
        return {};
    }

    Status check_md5() {
        FileRead payload;
        payload.offset = header_.size;
        payload.size = header_.end - header_.size;
        fetch::Hasher hash("md5");
        TRY(read_pieces(file_->get(), name_, payload, [&](ByteView piece) -> Status {
            hash.update(piece);
            return {};
        }));
        const std::string found = hash.finish();
        if (found == header_.md5) return {};
        return error(
            fmt::format("its payload is damaged: it has the MD5 {}, and its header declares {}; download it again",
                        found, header_.md5));
    }

    // ---- the payload ----------------------------------------------------------------------------------

    Status read_members() {
        for (const archive::PlainTarMember& member : members_) {
            if (member.path == "preconda.tar.bz2") TRY(read_inner(member, false));
            else if (member.path == "postconda.tar.bz2") TRY(read_inner(member, true));
            else if (is_package(member)) TRY(add_package(member));
            else if (member.kind != format::EntryKind::directory) TRY(add_member(member));
        }
        if (out_.packages.empty()) return error("it holds no packages; it is damaged, download it again");
        return {};
    }

    static bool is_package(const archive::PlainTarMember& member) {
        return member.kind == format::EntryKind::file && member.path.starts_with("pkgs/") &&
               member.path.find('/', 5) == std::string::npos && is_package_file_name(member.path);
    }

    Status add_package(const archive::PlainTarMember& member) {
        ConstructorPackage package;
        package.file_name = member.path.substr(5);
        auto name = parse_file_name(package.file_name);
        if (!name.ok()) return error(member.path, name.error().message);
        package.offset = member.content.offset;
        package.size = member.content.size;
        if (!by_dist_.emplace(name->dist(), out_.packages.size()).second)
            return error(member.path, "it is there as .conda and as .tar.bz2");
        out_.packages.push_back(std::move(package));
        return {};
    }

    // Anything else lies at PREFIX afterwards. Versions before 2.0 have lists and scripts here, too.
    Status add_member(const archive::PlainTarMember& member) {
        if (member.path.starts_with("pkgs/") && member.content.size <= text_limit && is_text(member.path)) {
            auto source =
                archive::make_file_source(file_, name_ + ":" + member.path, member.content.offset, member.content.size);
            TRY_ASSIGN(std::string text, read_text_of(*source, member.path));
            TRY(read_member_text(member.path, text));
        }
        ConstructorFile file;
        file.path = member.path;
        file.mode = member.mode;
        file.mtime = member.mtime;
        file.is_link = member.kind == format::EntryKind::symlink;
        if (file.is_link) file.content = member.link;
        file.offset = member.content.offset;
        file.size = member.content.size;
        if (member.path == "LICENSE.txt" && out_.license.empty() && file.size <= text_limit) {
            auto source = archive::make_file_source(file_, name_ + ":" + member.path, file.offset, file.size);
            TRY_ASSIGN(out_.license, read_text_of(*source, member.path));
        }
        return keep(std::move(file));
    }

    static bool is_text(std::string_view path) {
        return path == "pkgs/urls" || path == "pkgs/env.txt" || path == "pkgs/pre_install.sh" ||
               path == "pkgs/post_install.sh" || path == "conda-meta/initial-state.explicit.txt" || is_record(path) ||
               !environment_list(path).empty();
    }

    static bool is_record(std::string_view path) {
        return path.starts_with("pkgs/") && path.ends_with("/info/repodata_record.json");
    }

    // The environment whose packages this file lists, "" for any other file.
    static std::string environment_list(std::string_view path) {
        std::string_view name;
        if (path.starts_with("pkgs/envs/") && path.ends_with("/env.txt")) name = path.substr(10, path.size() - 18);
        if (path.starts_with("envs/") && path.ends_with("/conda-meta/initial-state.explicit.txt"))
            name = path.substr(5, path.size() - 43);
        return name.find('/') == std::string_view::npos ? std::string(name) : "";
    }

    Result<std::string> read_text_of(archive::ByteSource& source, const std::string& member) const {
        TRY_ASSIGN(Bytes bytes, archive::read_all(source, text_limit, name_ + ":" + member));
        return std::string(as_text(bytes));
    }

    // Lists, records and scripts count for the installation itself, besides being files.
    Status read_member_text(const std::string& path, const std::string& text) {
        if (path == "pkgs/urls") {
            for (PackageList::Item& item : parse_list(text).items) urls_[item.file_name] = std::move(item);
        } else if (path == "pkgs/env.txt" || path == "conda-meta/initial-state.explicit.txt") {
            list_ = parse_list(text);
            list_name_ = path;
        } else if (path == "pkgs/pre_install.sh") {
            out_.pre_install = text;
        } else if (path == "pkgs/post_install.sh") {
            out_.post_install = text;
        } else if (is_record(path)) {
            if (!json::accept(text)) return error(path, "it is no JSON; download the installer again");
            records_[path.substr(5, path.size() - 5 - std::string_view("/info/repodata_record.json").size())] = text;
        } else if (auto name = environment_list(path); !name.empty()) {
            environment_lists_[name] = parse_list(text);
        }
        return {};
    }

    // preconda.tar.bz2 and postconda.tar.bz2 hold small files, mostly.
    Status read_inner(const archive::PlainTarMember& member, bool later) {
        auto source =
            archive::make_file_source(file_, name_ + ":" + member.path, member.content.offset, member.content.size);
        archive::TarOptions tar;
        tar.name = name_ + ":" + member.path;
        tar.budget.bytes = inner_total_limit;
        tar.budget = for_packed(tar.budget, member.content.size);
        tar.warnings = &out_.warnings;
        return archive::read_tar(
            *source, tar, [&](const archive::TarMember& inner, archive::ByteSource& content) -> Status {
                if (inner.kind == format::EntryKind::directory) return {};
                ConstructorFile file;
                file.path = inner.path;
                file.mode = inner.mode;
                file.mtime = inner.mtime;
                if (inner.kind == format::EntryKind::symlink) {
                    file.is_link = true;
                    file.content = inner.link;
                } else if (!inner.hard_link.empty()) {
                    auto first = by_path_.find(inner.hard_link);
                    if (first == by_path_.end())
                        return error(member.path + ":" + inner.path, "it is a hard link to a file that is not left");
                    file = out_.files[first->second];
                    file.path = inner.path;
                } else {
                    TRY(read_content(file, inner.size, content, is_text(inner.path)));
                    if (is_text(inner.path)) TRY(read_member_text(inner.path, file.content));
                }
                return keep(std::move(file), later);
            });
    }

    Status read_content(ConstructorFile& file, std::uint64_t size, archive::ByteSource& content, bool needed) {
        if (needed && size > text_limit) return error(file.path, fmt::format("{} bytes are absurd for it", size));
        if (needed || (size <= spool_above && size <= in_memory_limit - in_memory_)) {
            if (size > in_memory_limit - in_memory_)
                return over_budget(ErrorKind::usage, name_ + ": its lists, records and scripts", Resource::bytes,
                                   in_memory_limit);
            in_memory_ += size;
            TRY_ASSIGN(file.content, read_text_of(content, file.path));
            return {};
        }
        TRY_ASSIGN(archive::Spool::Range range, spool_->append(content, name_ + ":" + file.path));
        file.offset = range.offset;
        file.size = range.size;
        file.spooled = true;
        out_.spool = spool_;
        return {};
    }

    Status keep(ConstructorFile file, bool replaces = false) {
        auto [known, added] = by_path_.emplace(file.path, out_.files.size());
        if (added) out_.files.push_back(std::move(file));
        else if (replaces) out_.files[known->second] = std::move(file);
        else return error(file.path, "it is there twice");
        return {};
    }

    // ---- packages -------------------------------------------------------------------------------------

    Status add_packages() {
        for (auto& [dist, index] : by_dist_) TRY(describe(dist, out_.packages[index]));
        TRY_ASSIGN(std::vector<std::size_t> order, base_order());
        out_.base_count = order.size();
        for (const auto& [name, list] : environment_lists_) {
            if (!header_.installs_environments) {
                out_.warnings.push_back(
                    fmt::format("its header does not install its environment '{}', which is left out", name));
                continue;
            }
            TRY(check_environment_name(name).in(name_ + ":envs"));
            TRY_ASSIGN(std::vector<std::size_t> packages, resolve(list, "envs/" + name));
            if (!list.is_explicit) sort_for_linking(packages);
            out_.environments.push_back({name, std::move(packages)});
        }
        reorder(std::move(order));
        return {};
    }

    Status describe(const std::string& dist, ConstructorPackage& package) {
        if (auto url = urls_.find(package.file_name); url != urls_.end()) {
            package.url = url->second.url;
            package.md5 = url->second.md5;
            package.sha256 = url->second.sha256;
        }
        auto record = records_.find(dist);
        if (record == records_.end()) return {};
        package.repodata_record = record->second;
        TRY(check_json_cost(record->second, name_ + ":pkgs/" + dist + "/info/repodata_record.json"));
        const json value = json::parse(record->second, nullptr, false);
        if (!value.is_object())
            return error("pkgs/" + dist + "/info/repodata_record.json",
                         "it is no JSON object; download the installer again");
        // A package that was converted has the record of the other format.
        auto text = [&](const char* key) { return format::text_field(value, key); };
        if (text("fn") != package.file_name) return {};
        if (package.url.empty()) package.url = without_credentials(text("url"));
        if (package.md5.empty() && is_hex(text("md5"), 32)) package.md5 = to_lower(text("md5"));
        if (package.sha256.empty() && is_hex(text("sha256"), 64)) package.sha256 = to_lower(text("sha256"));
        return {};
    }

    Result<std::vector<std::size_t>> base_order() {
        if (header_.era == 'A') {
            PackageList list;
            for (const std::string& dist : header_.install_order) list.items.push_back({"", dist, "", "", ""});
            return resolve(list, "its header");
        }
        if (!list_)
            return error("its preconda has no list of the base's packages (conda-meta/initial-state.explicit.txt or "
                         "pkgs/env.txt)");
        TRY_ASSIGN(auto order, resolve(*list_, list_name_));
        if (!list_->is_explicit) sort_for_linking(order);
        return order;
    }

    // For a list of specs conda solved again, and linked the solution in the order of dependencies.
    void sort_for_linking(std::vector<std::size_t>& order) const {
        std::vector<LinkNode> nodes;
        for (std::size_t index : order) {
            const json record = json::parse(out_.packages[index].repodata_record, nullptr, false);
            auto name = parse_file_name(out_.packages[index].file_name);
            LinkNode node;
            node.name = name->name;
            node.dist = name->dist();
            auto depends = record.is_object() ? record.find("depends") : record.end();
            if (!record.is_object() || depends == record.end() || !depends->is_array()) return;
            for (const json& spec : *depends)
                if (spec.is_string()) node.depends.push_back(spec.get<std::string>());
            if (auto noarch = record.find("noarch"); noarch != record.end()) node.noarch_python = *noarch == "python";
            nodes.push_back(std::move(node));
        }
        std::vector<std::size_t> sorted;
        for (std::size_t at : link_order(nodes)) sorted.push_back(order[at]);
        order = std::move(sorted);
    }

    Result<std::vector<std::size_t>> resolve(const PackageList& list, const std::string& where) {
        std::vector<std::size_t> out;
        std::set<std::size_t> seen;
        for (const PackageList::Item& item : list.items) {
            auto found = by_dist_.find(item.dist);
            if (found == by_dist_.end())
                return error(fmt::format("{} lists '{}', which is not in it; download it again", where,
                                         item.dist.substr(0, 200)));
            if (!seen.insert(found->second).second) continue;
            ConstructorPackage& package = out_.packages[found->second];
            if (!item.file_name.empty() && item.file_name == package.file_name) {
                package.url = item.url;
                if (!item.md5.empty()) package.md5 = item.md5;
                if (!item.sha256.empty()) package.sha256 = item.sha256;
            }
            out.push_back(found->second);
        }
        if (out.empty()) return error(fmt::format("{} lists no packages; download it again", where));
        return out;
    }

    // The base's first, in their order.
    void reorder(std::vector<std::size_t> order) {
        std::set<std::size_t> in_base(order.begin(), order.end()), used = in_base;
        for (const ConstructorEnvironment& environment : out_.environments)
            used.insert(environment.packages.begin(), environment.packages.end());
        for (std::size_t i = 0; i < out_.packages.size(); ++i) {
            if (!in_base.contains(i)) order.push_back(i);
            if (!used.contains(i))
                out_.warnings.push_back(
                    fmt::format("no list names its package '{}', which is left out", out_.packages[i].file_name));
        }
        std::vector<std::size_t> place(order.size());
        std::vector<ConstructorPackage> sorted;
        for (std::size_t i = 0; i < order.size(); ++i) {
            place[order[i]] = i;
            sorted.push_back(std::move(out_.packages[order[i]]));
        }
        out_.packages = std::move(sorted);
        for (ConstructorEnvironment& environment : out_.environments)
            for (std::size_t& index : environment.packages) index = place[index];
    }

    // ---- files ----------------------------------------------------------------------------------------

    Status add_files() {
        if (header_.has_condarc && !by_path_.contains(".condarc")) {
            ConstructorFile file;
            file.path = ".condarc";
            file.content = header_.condarc;
            file.has_prefix = file.content.find('\x01') != std::string::npos;
            TRY(keep(std::move(file)));
        }
        if (!header_.executable_name.empty()) TRY(add_executable());
        std::erase_if(out_.files, [&](const ConstructorFile& file) { return is_removed(file.path); });
        std::ranges::sort(out_.files, {}, &ConstructorFile::path);
        return check_paths();
    }

    Status add_executable() {
        if (header_.executable.size == 0) return error("its conda executable is empty; download it again");
        TRY(keep_range(header_.executable_name, header_.executable, 0755));
        if (!header_.executable_link.empty() && header_.executable_link != header_.executable_name) {
            ConstructorFile link;
            TRY_ASSIGN(link.path, safe(header_.executable_link));
            link.is_link = link.has_prefix = true;
            link.content = "\x01/" + header_.executable_name;
            TRY(keep(std::move(link)));
        }
        for (const ConstructorHeader::Internal& file : header_.internal)
            TRY(keep_range(file.path, file.range, file.executable ? 0755 : 0644));
        return {};
    }

    Status keep_range(const std::string& path, archive::FileRange range, std::uint16_t mode) {
        ConstructorFile file;
        TRY_ASSIGN(file.path, safe(path));
        file.mode = mode;
        file.offset = range.offset;
        file.size = range.size;
        return keep(std::move(file));
    }

    Result<std::string> safe(const std::string& path) const {
        auto out = safe_relative_path(path);
        if (!out.ok())
            return error(fmt::format("its header writes '{}': {}", path.substr(0, 200), out.error().message));
        return out;
    }

    // Paths that the installer deletes again, or that the linker writes (records).
    static bool is_removed(const std::string& path) {
        return path == "pkgs/env.txt" || path.starts_with("pkgs/envs/") || is_record(path);
    }

    // Files from several places have to make one tree.
    Status check_paths() const {
        std::set<std::string_view> files;
        for (const ConstructorFile& file : out_.files) files.insert(file.path);
        for (const ConstructorFile& file : out_.files)
            for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1))
                if (files.contains(std::string_view(file.path).substr(0, slash)))
                    return error(file.path, "a file or link of the installer lies where its directory has to be");
        return {};
    }

    const fs::path& path_;
    std::string name_;
    std::shared_ptr<archive::Spool> spool_;
    std::shared_ptr<const Fd> file_;
    ConstructorHeader header_;
    ConstructorInstaller out_;
    std::vector<archive::PlainTarMember> members_;
    std::map<std::string, std::size_t> by_dist_;              // → packages, before they are reordered
    std::unordered_map<std::string, std::size_t> by_path_;    // → files, before they are sorted
    std::uint64_t in_memory_ = 0;                             // bytes of small files
    std::unordered_map<std::string, PackageList::Item> urls_; // by file name
    std::unordered_map<std::string, std::string> records_;    // by dist
    std::optional<PackageList> list_;
    std::string list_name_;
    std::map<std::string, PackageList> environment_lists_;
};

} // namespace

bool is_constructor_installer(std::string_view head) { return is_constructor_header(head); }

Result<ConstructorInstaller> read_constructor(const fs::path& path, const ConstructorReadOptions& options) {
    return InstallerReader(path, options).run();
}

Result<ConstructorInstaller> read_constructor_head(const fs::path& path, const ConstructorReadOptions& options) {
    return InstallerReader(path, options).head();
}

Result<fs::path> extract_constructor_package(const fs::path& installer, const ConstructorPackage& package,
                                             const fs::path& directory) {
    const std::string where = installer.filename().string() + ":" + package.file_name;
    TRY_ASSIGN(Fd in, open_file(installer, O_RDONLY));
    TRY(make_directories(directory));
    const fs::path partial = directory / (package.file_name + ".partial"), whole = directory / package.file_name;
    TRY_ASSIGN(Fd out, open_file(partial, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    fetch::Hasher md5("md5");
    Sha256 sha256;
    FileRead range;
    range.offset = package.offset;
    range.size = package.size;
    TRY(read_pieces(in.get(), where, range, [&](ByteView bytes) -> Status {
        if (!package.md5.empty()) md5.update(bytes);
        if (!package.sha256.empty()) sha256.update(bytes);
        return write_exact(out.get(), bytes, partial.string());
    }));
    auto differs = [&](const char* kind, const std::string& declared, const std::string& found) {
        return make_error(ErrorKind::usage,
                          "{}: its {} is {}, and the installer's list says {}; download the installer again", where,
                          kind, found, declared);
    };
    if (!package.md5.empty())
        if (std::string found = md5.finish(); found != package.md5) return differs("MD5", package.md5, found);
    if (!package.sha256.empty())
        if (std::string found = to_hex(sha256.finish()); found != package.sha256)
            return differs("SHA-256", package.sha256, found);
    std::error_code ec;
    fs::rename(partial, whole, ec);
    if (ec) return errno_error(fmt::format("cannot rename '{}'", partial.string()), ec.value());
    return whole;
}

Result<std::unique_ptr<archive::ByteSource>>
open_constructor_file(const fs::path& path, const ConstructorInstaller& installer, const ConstructorFile& file) {
    if (file.spooled) return installer.spool->open({file.offset, file.size}, file.path);
    if (file.size > 0)
        return archive::open_file_range(path, path.filename().string() + ":" + file.path, file.offset, file.size);
    const ByteView content = as_bytes(file.content);
    return archive::make_memory_source(Bytes(content.begin(), content.end()));
}

} // namespace tinderbox::conda
