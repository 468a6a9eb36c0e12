#include "generator/pip/source_archive.hpp"

#include "common/base/json_cost.hpp"
#include "common/base/optional_reporter.hpp"
#include "common/base/process.hpp"
#include "common/base/progress.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/archive/tar.hpp"
#include "generator/archive/zip.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/tags.hpp"

#include <nlohmann/json.hpp>

#include <sys/utsname.h>

namespace tinderbox::pip {
namespace {

using nlohmann::json;

constexpr double longest_build = 3 * 3600; // seconds

// "NAME-VERSION/PKG-INFO", and nothing deeper: those belong to what an archive brings along.
bool is_pkg_info(std::string_view path) {
    auto slash = path.find('/');
    return slash != std::string_view::npos && path.substr(slash) == "/PKG-INFO";
}

Result<std::string> pkg_info(const fs::path& archive) {
    std::string name = archive.filename().string(), out;
    if (name.ends_with(".zip")) {
        TRY_ASSIGN(auto zip, archive::ZipReader::open(archive));
        for (const archive::ZipMember& member : zip->members()) {
            if (!is_pkg_info(member.path)) continue;
            TRY_ASSIGN(Bytes bytes, zip->read(member, largest_metadata));
            out = as_text(bytes);
        }
        return out;
    }
    if (name.ends_with(".xz")) return out; // no reader here; the build has one
    TRY_ASSIGN(auto file, archive::open_file_range(archive, name));
    archive::TarOptions options;
    options.name = name;
    std::error_code unknown;
    const std::uint64_t packed = fs::file_size(archive, unknown);
    if (!unknown) options.budget = for_packed(options.budget, packed);
    options.allow_link = [](const archive::TarMember&) { return true; }; // nothing is unpacked
    Status walked = archive::read_tar(*file, options,
                                      [&](const archive::TarMember& member, archive::ByteSource& content) -> Status {
                                          if (!is_pkg_info(member.path) || member.kind != format::EntryKind::file)
                                              return {};
                                          TRY_ASSIGN(Bytes bytes, archive::read_all(content, largest_metadata, name));
                                          out = as_text(bytes);
                                          return {};
                                      });
    TRY(std::move(walked));
    return out;
}

// "1.2" or newer than "2.2", which PEP 643 brought.
bool has_static_fields(std::string_view metadata_version) {
    auto version = Version::parse(metadata_version);
    return version && *version >= *Version::parse("2.2");
}

// The end of a build's output has the reason.
std::string last_lines(std::string_view text, std::size_t count) {
    auto lines = split_lines(text);
    std::erase_if(lines, [](std::string_view line) { return trim(line).empty(); });
    std::string out;
    for (std::size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
        out += "\n  " + printable(lines[i]);
    return out;
}

std::string words(const std::vector<std::string>& list) {
    std::string out;
    for (const std::string& word : list) out += (out.empty() ? "" : " ") + word;
    return out;
}

// Variables tell the inner pip where a build's requirements come from; they include the values of pip's files. Options
// would not do: every user may read the command line of a process, and URLs may hold passwords.
std::map<std::string, std::string> pip_variables(const Options& pip) {
    std::map<std::string, std::string> out = {
        {"PIP_CONFIG_FILE", "/dev/null"}, {"PIP_NO_INPUT", "1"}, {"PIP_DISABLE_PIP_VERSION_CHECK", "1"}};
    std::string index = pip.index_url.value_or(std::string(default_index_url()));
    if (!index.empty()) out["PIP_INDEX_URL"] = index;
    if (!pip.extra_index_urls.empty()) out["PIP_EXTRA_INDEX_URL"] = words(pip.extra_index_urls);
    if (!pip.find_links.empty()) out["PIP_FIND_LINKS"] = words(pip.find_links);
    if (!pip.trusted_hosts.empty()) out["PIP_TRUSTED_HOST"] = words(pip.trusted_hosts);
    if (!pip.cert.empty()) out["PIP_CERT"] = pip.cert;
    if (pip.no_index) out["PIP_NO_INDEX"] = "1";
    return out;
}

std::optional<BuiltWheel> kept(const fs::path& directory, const IndexFile& archive) {
    auto text = read_text(directory / "wheel.json", 1u << 16);
    if (!text || !is_affordable_json(*text)) return std::nullopt;
    json about = json::parse(*text, nullptr, false);
    if (!about.is_object()) return std::nullopt;
    BuiltWheel out;
    std::string name = about.value("file_name", "");
    if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
    out.path = directory / name;
    auto bytes = read_bytes(out.path);
    if (!bytes) return std::nullopt;
    out.sha256 = to_hex(sha256(*bytes));
    out.size = bytes->size();
    out.archive = archive;
    if (out.sha256 != about.value("sha256", "")) return std::nullopt;
    return out;
}

} // namespace

Result<std::optional<std::string>> read_static_metadata(const fs::path& archive) {
    const std::optional<std::string> unknown;
    TRY_ASSIGN(std::string text, pkg_info(archive));
    if (text.empty()) return unknown;
    std::string metadata_version;
    for (std::string_view line : split_lines(text)) {
        if (line.empty()) break;
        auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        std::string key = to_lower(trim(line.substr(0, colon))), value = to_lower(trim(line.substr(colon + 1)));
        if (key == "metadata-version") metadata_version = value;
        if (key == "dynamic" &&
            (value == "requires-dist" || value == "provides-extra" || value == "requires-python" || value == "version"))
            return unknown;
    }
    if (!has_static_fields(metadata_version)) return unknown;
    return std::optional(std::move(text));
}

WheelBuilder::WheelBuilder(fetch::Fetcher& fetcher, WheelBuilderOptions options)
    : fetcher_(fetcher), options_(std::move(options)), reporter_(reporter_or_silent(options_.reporter)) {
    if (options_.cache_root.empty()) options_.cache_root = cache_directory();
}

Result<std::string> WheelBuilder::metadata(const IndexFile& archive) {
    TRY_ASSIGN(auto fetched, fetcher_.fetch({to_download(archive)}));
    auto known = read_static_metadata(fetched.front().path);
    if (known && *known) return std::move(**known);
    TRY_ASSIGN(BuiltWheel wheel, build(archive));
    return read_wheel_metadata(wheel.path);
}

Result<BuiltWheel> WheelBuilder::build(const IndexFile& named) {
    TRY_ASSIGN(auto fetched, fetcher_.fetch({to_download(named)}));
    const fetch::Fetched& file = fetched.front();
    IndexFile archive = named;
    archive.sha256 = file.sha256;
    archive.size = file.size;
    const Target& target = options_.target;
    std::string key =
        to_hex(sha256(as_bytes(fmt::format("wheel 1 {} {} {} {} {}", file.sha256, target.python, target.free_threaded,
                                           target.platform, options_.source_mtime))));
    fs::path directory = options_.cache_root / "built" / key;
    std::lock_guard lock(mutex_);
    if (auto wheel = kept(directory, archive)) return std::move(*wheel);
    return make(archive, file, directory);
}

Result<std::string> WheelBuilder::python() {
    if (!python_.empty()) return python_;
    if (!options_.python)
        return make_error(
            ErrorKind::usage,
            "--allow-sdist: a source archive is built by the environment's own Python, and the request has "
            "none; add --python-from EXE or a conda package of python");
    TRY_ASSIGN(python_, options_.python());
    return python_;
}

// A Python that has pip, and nothing else.
Result<std::string> WheelBuilder::pip_python() {
    if (venv_) return (venv_->path() / "bin/python").string();
    TRY_ASSIGN(std::string interpreter, python());
    TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(options_.cache_root));
    ProcessSpec spec;
    spec.argv = {interpreter, "-m", "venv", directory.path().string()};
    spec.unset = {"PYTHON*", "VIRTUAL_ENV", "CONDA_*", "PIP_*", "LD_LIBRARY_PATH"};
    spec.merge_stderr = true;
    spec.timeout_seconds = 600;
    TRY_ASSIGN(ProcessResult made, run_process(spec));
    if (!made.succeeded())
        return make_error(ErrorKind::unsatisfiable,
                          "--allow-sdist: {} cannot make a virtual environment to build in ({}); with a "
                          "distribution's Python its package for venv may be missing (Debian: python3-venv):{}",
                          interpreter, made.describe(), last_lines(made.output, 4));
    venv_.emplace(std::move(directory));
    return (venv_->path() / "bin/python").string();
}

Result<fs::path> WheelBuilder::run_pip(const IndexFile& archive, const fetch::Fetched& file, const fs::path& work) {
    TRY_ASSIGN(std::string interpreter, pip_python());
    fs::path out = work / "out", in = work / "in";
    TRY(make_directories(out));
    TRY(make_directories(in));
    std::error_code error;
    fs::copy_file(file.path, in / archive.file_name, error); // its name tells pip what it is
    if (error)
        return make_error(ErrorKind::storage, "{}: cannot be copied to {} ({})", archive.file_name, in.string(),
                          error.message());
    ProcessSpec spec;
    spec.argv = {interpreter, "-m",          "pip",        "wheel",
                 "--no-deps", "--wheel-dir", out.string(), (in / archive.file_name).string()};
    spec.unset = {"PYTHON*", "VIRTUAL_ENV", "CONDA_*", "PIP_*"};
    spec.set = pip_variables(options_.pip);
    spec.set["SOURCE_DATE_EPOCH"] = std::to_string(options_.source_mtime);
    spec.set["PYTHONHASHSEED"] = "0";
    spec.set["TZ"] = "UTC";
    spec.set["LC_ALL"] = "C.UTF-8";
    spec.merge_stderr = true;
    spec.timeout_seconds = longest_build;
    std::optional<ElapsedLine> line(std::in_place, reporter_, "building " + archive.file_name);
    TRY_ASSIGN(ProcessResult built, run_process(spec));
    line.reset();
    if (!built.succeeded())
        return make_error(
            ErrorKind::unsatisfiable,
            "{}: no wheel can be made of it by Python {} ({}); install what the build needs, or bring a wheel with "
            "--find-links:{}",
            archive.file_name, options_.target.python, built.describe(), last_lines(built.output, 12));
    for (fs::directory_iterator it(out, error), end; !error && it != end; it.increment(error))
        if (archive::is_wheel(it->path().native())) return it->path();
    return make_error(ErrorKind::unsatisfiable, "{}: its build ended well and left no wheel", archive.file_name);
}

Result<BuiltWheel> WheelBuilder::make(const IndexFile& archive, const fetch::Fetched& file, const fs::path& directory) {
    struct ::utsname machine {};
    ::uname(&machine);
    if (std::string_view(machine.machine) != machine_of(options_.target.platform))
        return make_error(ErrorKind::unsatisfiable,
                          "{}: a wheel for {} cannot be made of it on this {} machine; bring one with --find-links",
                          archive.file_name, options_.target.platform, machine.machine);
    TRY(make_directories(options_.cache_root));
    TRY_ASSIGN(TemporaryDirectory work, TemporaryDirectory::make(options_.cache_root));
    reporter_.note("building", fmt::format("a wheel of {} (--allow-sdist)", archive.file_name));
    TRY_ASSIGN(fs::path wheel, run_pip(archive, file, work.path()));
    std::string name = wheel.filename().string();
    auto parsed = parse_wheel_name(name);
    if (!parsed || !TagRanking(options_.target).rank(parsed->tags))
        return make_error(ErrorKind::unsatisfiable, "{}: the wheel made of it, {}, does not fit Python {} on {}",
                          archive.file_name, name, options_.target.python, options_.target.platform);
    TRY_ASSIGN(Bytes bytes, read_bytes(wheel));
    BuiltWheel out;
    out.path = directory / name;
    out.sha256 = to_hex(sha256(bytes));
    out.size = bytes.size();
    out.archive = archive;
    TRY(make_directories(directory));
    TRY(write_atomically(out.path, bytes));
    // Written last: only a finished wheel has it.
    json about = {{"file_name", name},
                  {"sha256", out.sha256},
                  {"archive", archive.file_name},
                  {"url", without_credentials(archive.url)}};
    TRY(write_atomically(directory / "wheel.json", about.dump(2) + "\n"));
    return out;
}

} // namespace tinderbox::pip
