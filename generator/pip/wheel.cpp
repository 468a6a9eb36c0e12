#include "generator/pip/wheel.hpp"

#include "common/base/last_component.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/utf8.hpp"
#include "common/base/visible.hpp"
#include "generator/archive/endings.hpp"
#include "generator/archive/zip.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/requirement.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tinderbox::pip {

using nlohmann::json;

namespace {

constexpr std::uint64_t record_limit = 64u << 20; // RECORD

// For a message: a header's value may have megabytes, and lines.
std::string start_of(std::string_view value) {
    constexpr std::size_t most = 100;
    return value.size() <= most ? visible(value) : visible(value.substr(0, most)) + "…";
}

class Wheel final : public parcel::Artifact {
  public:
    const std::string& display_name() const override { return name; }
    const json& metadata() const override { return meta; }
    std::span<const parcel::Entry> entries() const override { return list; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        return zip->open_member(*members[entry]);
    }

    std::string name; // the file's
    std::shared_ptr<const archive::ZipReader> zip;
    json meta;
    std::vector<parcel::Entry> list;
    std::vector<const archive::ZipMember*> members; // of each entry
};

bool is_license_name(std::string_view path) {
    const std::string name = to_lower(last_component(path));
    return name.starts_with("licen") || name.starts_with("copying") || name.starts_with("notice") ||
           name.starts_with("authors") || name.starts_with("copyright");
}

const char* root_name(format::Root root) {
    switch (root) {
    case format::Root::scripts:
        return "scripts";
    case format::Root::data:
        return "data";
    case format::Root::headers:
        return "headers";
    default:
        return "site-packages";
    }
}

class WheelReader {
  public:
    WheelReader(const fs::path& path, const WheelOptions& options) : path_(path), options_(options) {
        wheel_->name = options.file_name.empty() ? path.filename().string() : options.file_name;
    }
    Result<std::unique_ptr<parcel::Artifact>> read();

  private:
    Error error(std::string_view what) const { return make_error(ErrorKind::usage, "{}: {}", wheel_->name, what); }
    Error error(std::string_view member, std::string_view what) const {
        return make_error(ErrorKind::usage, "{}:{}: {}", wheel_->name, member, what);
    }
    Status check_name();
    Status find_dist_info();
    Result<std::string> dist_info_text(std::string_view file) const;
    Status read_wheel_file();
    Status read_metadata();
    Status read_licenses();
    Status read_entry_points();
    Status place_members();
    Status place(const archive::ZipMember& member, parcel::Entry& entry);
    Status read_shebang(const archive::ZipMember& member, parcel::Entry& entry) const;
    Status add(const archive::ZipMember& member, parcel::Entry entry);
    Status check_directories() const;
    Status read_record();
    void check_row(const RecordRow& row, const archive::ZipMember& member, parcel::Entry& entry);
    Result<std::string> hash_of(const archive::ZipMember& member, std::string_view algorithm) const;
    void add_top_level();
    void warn(std::string text) { wheel_->meta["warnings"].push_back(std::move(text)); }
    void record_problem(std::string text) { problems_.push_back(std::move(text)); }
    bool is_record(std::string_view path) const {
        return path == dist_info_ + "/RECORD" || path == dist_info_ + "/RECORD.jws" ||
               path == dist_info_ + "/RECORD.p7s";
    }

    const fs::path& path_;
    const WheelOptions& options_;
    std::unique_ptr<Wheel> wheel_ = std::make_unique<Wheel>();
    WheelName name_;
    std::string dist_info_;
    std::vector<EntryPoint> entry_points_;
    std::map<std::pair<format::Root, std::string>, std::size_t> placed_; // destination → entry
    std::map<std::string, std::size_t, std::less<>> by_member_;          // member's path → entry
    std::vector<std::string> license_files_, problems_;
};

Status WheelReader::check_name() {
    const std::string& file = wheel_->name;
    if (archive::is_sdist(file))
        return error(
            "this is a source distribution; only wheels (.whl) can be installed without building: choose a version "
            "that has a wheel, or build one with 'pip wheel'");
    if (file.ends_with(".egg")) return error("this is an egg, which pip gave up; a wheel (.whl) is needed");
    auto name = parse_wheel_name(file);
    if (!name)
        return error(
            "this is not a wheel's name; it has to read NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl (PEP 427)");
    name_ = std::move(*name);
    if (options_.target && !options_.target->rank(name_.tags)) {
        std::string tags;
        for (const Tag& tag : name_.tags) tags += (tags.empty() ? "" : ", ") + tag.str();
        return error(fmt::format("its tags ({}) do not fit {}; choose another file of this version", tags,
                                 options_.target_name.empty() ? "the target" : options_.target_name));
    }
    return {};
}

Status WheelReader::find_dist_info() {
    std::set<std::string> found;
    for (const archive::ZipMember& member : wheel_->zip->members()) {
        const std::string top = member.path.substr(0, member.path.find('/'));
        if (top.ends_with(".dist-info")) found.insert(top);
    }
    if (found.empty()) return error("it has no .dist-info directory, so it is not a wheel");
    if (found.size() > 1) {
        std::string names;
        for (const auto& name : found) names += (names.empty() ? "" : ", ") + name;
        return error(fmt::format("it has several .dist-info directories ({}); a wheel holds one package", names));
    }
    dist_info_ = *found.begin();
    if (!normalize_name(dist_info_).starts_with(name_.name))
        return error(dist_info_,
                     fmt::format("the file's name says '{}', its .dist-info directory another name", name_.name));
    return {};
}

Result<std::string> WheelReader::dist_info_text(std::string_view file) const {
    const std::string path = fmt::format("{}/{}", dist_info_, file);
    const archive::ZipMember* member = wheel_->zip->find(path);
    if (!member || member->kind == format::EntryKind::directory)
        return error(path, "this file is missing, and every wheel must have it (PEP 427)");
    TRY_ASSIGN(Bytes bytes, wheel_->zip->read(*member, file == "RECORD" ? record_limit : largest_metadata));
    return to_utf8(as_text(bytes));
}

Status WheelReader::read_wheel_file() {
    TRY_ASSIGN(std::string text, dist_info_text("WHEEL"));
    json& meta = wheel_->meta;
    std::string version;
    meta["tags"] = json::array();
    meta["purelib"] = false;
    for (const auto& [key, value] : parse_headers(text)) {
        if (key == "wheel-version") version = value;
        if (key == "root-is-purelib") meta["purelib"] = to_lower(value) == "true";
        if (key == "tag") meta["tags"].push_back(value);
    }
    const std::string member = dist_info_ + "/WHEEL";
    const auto parts = split(version, '.');
    if (parts.size() < 2 || version.find_first_not_of("0123456789.") != std::string::npos)
        return error(member, fmt::format("'{}' is not a Wheel-Version", version));
    if (parts[0] != "1")
        return error(
            member,
            fmt::format("its Wheel-Version is {}, and only 1.x is known; a newer Tinderbox may read it", version));
    if (parts[1] != "0") warn(fmt::format("its Wheel-Version {} is newer than 1.0; it is installed as 1.0", version));
    return {};
}

Status WheelReader::read_metadata() {
    TRY_ASSIGN(std::string text, dist_info_text("METADATA"));
    const std::string member = dist_info_ + "/METADATA";
    json& meta = wheel_->meta;
    std::string license, expression, classifiers;
    for (const char* key : {"name", "version", "summary", "requires_python", "metadata_version", "home_page", "author"})
        meta[key] = "";
    meta["requires_dist"] = meta["provides_extra"] = json::array();
    for (const auto& [key, value] : parse_headers(text)) {
        std::string field = replace_all(key, "-", "_");
        if (key == "license") license = value;
        else if (key == "license-expression") expression = value;
        else if (key == "license-file") license_files_.push_back(value);
        else if (key == "requires-dist" || key == "provides-extra") meta[field].push_back(value);
        else if (key == "classifier" && value.starts_with("License ::"))
            classifiers += (classifiers.empty() ? "" : "; ") + std::string(trim(value.substr(value.rfind(':') + 1)));
        else if (!key.empty() && meta.contains(field) && meta[field] == "") meta[field] = value;
    }
    // Before PEP 639 the field often held the whole text, whose first line says most.
    const std::string first_line(trim(std::string_view(license).substr(0, license.find('\n'))));
    meta["license"] = !expression.empty()                            ? expression
                      : !classifiers.empty() && license.size() > 100 ? classifiers
                      : !first_line.empty()                          ? first_line.substr(0, 200)
                                                                     : classifiers;
    meta["license"] = to_utf8(meta["license"].get<std::string>());
    const auto name = meta["name"].get<std::string>(), version = meta["version"].get<std::string>();
    if (normalize_name(name) != name_.name)
        return error(member, fmt::format("its Name is '{}', the file's name says '{}'", start_of(name), name_.name));
    auto parsed = Version::parse(version);
    if (!parsed || !(*parsed == name_.version))
        return error(member, fmt::format("its Version is '{}', the file's name says '{}'", start_of(version),
                                         name_.version_text));
    return {};
}

Status WheelReader::read_licenses() {
    json& licenses = wheel_->meta["licenses"];
    std::set<std::string> wanted;
    for (const std::string& file : license_files_)
        for (const char* directory : {"/licenses/", "/license_files/", "/"})
            if (wheel_->zip->find(dist_info_ + directory + file)) wanted.insert(dist_info_ + directory + file);
    for (const archive::ZipMember& member : wheel_->zip->members())
        if (member.path.starts_with(dist_info_ + "/") && is_license_name(member.path)) wanted.insert(member.path);
    for (const std::string& path : wanted) {
        const archive::ZipMember* member = wheel_->zip->find(path);
        if (member->kind != format::EntryKind::file) continue;
        TRY_ASSIGN(Bytes bytes, wheel_->zip->read(*member, parcel::license_limit));
        licenses.push_back({{"name", path.substr(dist_info_.size() + 1)}, {"text", to_utf8(as_text(bytes))}});
    }
    return {};
}

Status WheelReader::read_entry_points() {
    json& groups = wheel_->meta["entry_points"];
    groups = json::object();
    const std::string path = dist_info_ + "/entry_points.txt";
    const archive::ZipMember* member = wheel_->zip->find(path);
    if (!member) return {};
    TRY_ASSIGN(Bytes bytes, wheel_->zip->read(*member, largest_metadata));
    const std::string text = to_utf8(as_text(bytes));
    auto points = parse_entry_points(text);
    if (!points.ok()) return error(path, points.error().message);
    entry_points_ = std::move(points).value();
    for (const EntryPoint& point : entry_points_) groups[point.group][point.name] = point.reference;
    return {};
}

// Where a member goes; an entry without a path is not installed.
Status WheelReader::place(const archive::ZipMember& member, parcel::Entry& entry) {
    entry.root = format::Root::site_packages;
    entry.mode = member.regular && (member.mode & 0111) != 0 ? 0755 : 0644;
    const std::size_t slash = member.path.find('/');
    if (slash == std::string::npos || !std::string_view(member.path).substr(0, slash).ends_with(".data")) {
        entry.path = member.path;
        return {};
    }
    const std::size_t second = member.path.find('/', slash + 1);
    const std::string scheme = second == std::string::npos ? "" : member.path.substr(slash + 1, second - slash - 1);
    static const std::map<std::string, format::Root> roots = {{"purelib", format::Root::site_packages},
                                                              {"platlib", format::Root::site_packages},
                                                              {"scripts", format::Root::scripts},
                                                              {"data", format::Root::data},
                                                              {"headers", format::Root::headers}};
    auto root = roots.find(scheme);
    if (root == roots.end())
        return error(member.path,
                     "the parts of a .data directory are purelib, platlib, scripts, data and headers; this is none");
    entry.root = root->second;
    entry.path = member.path.substr(second + 1);
    if (entry.root != format::Root::scripts) return {};
    entry.mode = 0755;
    // The script that the entry point makes wins.
    if (std::ranges::any_of(entry_points_, [&](const EntryPoint& point) { return point.name == entry.path; })) {
        entry.path.clear();
        return {};
    }
    return read_shebang(member, entry);
}

Status WheelReader::read_shebang(const archive::ZipMember& member, parcel::Entry& entry) const {
    TRY_ASSIGN(auto source, wheel_->zip->open_member(member));
    Bytes head(1024);
    TRY_ASSIGN(std::size_t n, source->read(head));
    std::string_view line = as_text(ByteView(head).first(n));
    line = line.substr(0, line.find('\n'));
    if (!line.starts_with("#!python")) return {};
    line.remove_prefix(std::string_view("#!python").size());
    // "#!pythonw" and "#!python3.11" name the environment's interpreter too; arguments stay.
    const std::size_t blank = line.find_first_of(" \t");
    std::string_view arguments = blank == std::string_view::npos ? std::string_view() : trim(line.substr(blank));
    entry.shebang = "#!\x01/bin/python";
    if (!arguments.empty()) entry.shebang += " " + std::string(arguments);
    return {};
}

Status WheelReader::add(const archive::ZipMember& member, parcel::Entry entry) {
    auto [at, fresh] = placed_.try_emplace({entry.root, entry.path}, wheel_->list.size());
    if (!fresh) {
        const archive::ZipMember& other = *wheel_->members[at->second];
        if (other.size != member.size || other.crc32 != member.crc32)
            return error(member.path,
                         fmt::format("'{}' is installed to the same place with other content", other.path));
        by_member_[member.path] = at->second;
        return {};
    }
    by_member_[member.path] = wheel_->list.size();
    wheel_->list.push_back(std::move(entry));
    wheel_->members.push_back(&member);
    return {};
}

Status WheelReader::check_directories() const {
    for (const auto& [destination, index] : placed_) {
        const auto& [root, path] = destination;
        for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
            auto parent = placed_.find({root, path.substr(0, slash)});
            if (parent != placed_.end())
                return error(wheel_->members[index]->path,
                             fmt::format("'{}' is installed as a file and as a directory", parent->first.second));
        }
    }
    return {};
}

Status WheelReader::place_members() {
    for (const archive::ZipMember& member : wheel_->zip->members()) {
        if (member.kind == format::EntryKind::directory || is_record(member.path)) continue;
        if ((member.mode & 06000) != 0) warn(fmt::format("{}: its setuid or setgid bit is dropped", member.path));
        if (member.kind == format::EntryKind::symlink)
            warn(fmt::format("{}: wheels cannot hold links; it is installed as a file, as pip does", member.path));
        parcel::Entry entry;
        entry.size = member.size;
        TRY(place(member, entry));
        if (!entry.path.empty()) TRY(add(member, std::move(entry)));
    }
    return check_directories();
}

void WheelReader::check_row(const RecordRow& row, const archive::ZipMember& member, parcel::Entry& entry) {
    if (row.size != "" && row.size != std::to_string(member.size))
        record_problem(fmt::format("RECORD says {} has {} bytes, it has {}", row.path, row.size, member.size));
    if (row.hash.empty()) {
        record_problem(fmt::format("RECORD has no hash for {}", row.path));
        return;
    }
    auto [algorithm, digest] = fetch::record_hash(row.hash);
    if (fetch::hash_digits(algorithm) < fetch::hash_digits("sha256")) { // PEP 376 and PEP 427 allow none that is weaker
        record_problem(fmt::format("RECORD's hash of {} is of an algorithm that is not compared ({})", row.path,
                                   to_utf8(algorithm)));
        return;
    }
    if (digest.empty()) {
        record_problem(fmt::format("RECORD's hash of {} is malformed", row.path));
    } else if (algorithm == "sha256") {
        entry.sha256 = std::move(digest); // compared while the content is packed
    } else if (auto found = hash_of(member, algorithm); !found.ok() || *found != digest) {
        record_problem(fmt::format("RECORD's {} of {} is not that of the file", algorithm, row.path));
    }
}

// Hex. Wheels with hashes other than SHA-256 are rare, so that the member is read once more for it.
Result<std::string> WheelReader::hash_of(const archive::ZipMember& member, std::string_view algorithm) const {
    TRY_ASSIGN(const auto source, wheel_->zip->open_member(member));
    fetch::Hasher hasher(algorithm);
    Bytes piece(std::size_t{1} << 18);
    while (true) {
        TRY_ASSIGN(const std::size_t size, source->read(piece));
        hasher.update(ByteView(piece).first(size));
        if (size < piece.size()) return hasher.finish();
    }
}

Status WheelReader::read_record() {
    TRY_ASSIGN(std::string text, dist_info_text("RECORD"));
    auto rows = parse_record(text);
    if (!rows.ok()) return error(dist_info_ + "/RECORD", rows.error().message);
    json& record = wheel_->meta["record"];
    record = json::array();
    std::set<std::string> listed;
    for (const RecordRow& read : *rows) {
        const RecordRow& row = read.joined && wheel_->zip->find(read.joined->path) ? *read.joined : read;
        if (read.joined)
            record_problem(fmt::format("line {} of RECORD has more than three fields ({})", read.line, row.path));
        auto path = safe_relative_path(row.path);
        const archive::ZipMember* member = path.ok() ? wheel_->zip->find(*path) : nullptr;
        if (!member || member->kind == format::EntryKind::directory) {
            record_problem(fmt::format("RECORD lists {}, which the wheel does not have", to_utf8(row.path)));
            continue;
        }
        if (is_record(*path)) continue;
        if (!listed.insert(*path).second) record_problem(fmt::format("RECORD lists {} twice", row.path));
        auto entry = by_member_.find(*path);
        if (entry == by_member_.end()) continue; // replaced by an entry point's script
        parcel::Entry& installed = wheel_->list[entry->second];
        check_row(row, *member, installed);
        const bool number =
            !row.size.empty() && row.size.size() < 19 && row.size.find_first_not_of("0123456789") == std::string::npos;
        record.push_back({root_name(installed.root), installed.path, row.hash, number ? std::stoll(row.size) : -1});
    }
    for (const auto& [path, entry] : by_member_)
        if (!listed.contains(path)) record_problem(fmt::format("RECORD does not list {}", path));
    wheel_->meta["record_problems"] = problems_;
    if (!problems_.empty())
        warn(fmt::format("its RECORD does not match its files in {}{}: {}", counted(problems_.size(), "place"),
                         problems_.size() == 1 ? "" : ", first", problems_.front()));
    return {};
}

void WheelReader::add_top_level() {
    std::set<std::string> names;
    for (const parcel::Entry& entry : wheel_->list) {
        if (entry.root != format::Root::site_packages) continue;
        const std::size_t slash = entry.path.find('/');
        const std::string top = entry.path.substr(0, slash);
        if (slash != std::string::npos) {
            const bool code =
                entry.path.ends_with(".py") || entry.path.ends_with(".so") || entry.path.ends_with(".pyi");
            if (code && top.find('.') == std::string::npos && top.find('-') == std::string::npos) names.insert(top);
        } else if (top.ends_with(".py") || top.ends_with(".so")) {
            names.insert(top.substr(0, top.find('.')));
        }
    }
    wheel_->meta["top_level"] = names;
}

Result<std::unique_ptr<parcel::Artifact>> WheelReader::read() {
    TRY(check_name());
    TRY_ASSIGN(wheel_->zip, archive::ZipReader::open(path_, wheel_->name));
    json& meta = wheel_->meta;
    meta = {{"kind", "wheel"},
            {"file_name", wheel_->name},
            {"build", name_.build_text},
            {"warnings", json::array()},
            {"licenses", json::array()}};
    TRY(find_dist_info());
    meta["dist_info"] = dist_info_;
    TRY(read_wheel_file());
    TRY(read_metadata());
    TRY(read_licenses());
    TRY(read_entry_points());
    TRY(place_members());
    TRY(read_record());
    add_top_level();
    return std::unique_ptr<parcel::Artifact>(std::move(wheel_));
}

} // namespace

Result<std::unique_ptr<parcel::Artifact>> open_wheel(const fs::path& path, const WheelOptions& options) {
    return WheelReader(path, options).read();
}

} // namespace tinderbox::pip
