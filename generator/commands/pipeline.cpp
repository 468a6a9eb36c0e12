#include "generator/commands/pipeline.hpp"

#include "common/base/parallel.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/manifest.hpp"
#include "generator/advise/lint.hpp"
#include "generator/advise/target.hpp"
#include "generator/assemble/bytecode.hpp"
#include "generator/capture/capture.hpp"
#include "generator/conda/config.hpp"
#include "generator/conda/link.hpp"
#include "generator/conda/match_spec.hpp"
#include "generator/conda/package.hpp"
#include "generator/embed/embedded.hpp"
#include "generator/fetch/cache_path.hpp"
#include "generator/lock/base.hpp"
#include "generator/lock/make_lock.hpp"
#include "generator/lock/update.hpp"
#include "generator/pip/wheel.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>

namespace tinderbox {

using nlohmann::json;

namespace {

// The newest row of templates/bases.json.
constexpr const char* default_base = "miniforge";

// --python beside a captured interpreter says which one it has to be.
Status check_captured_python(const std::string& wanted, const std::string& version) {
    const bool relation = std::string_view("=<>!~").find(wanted[0]) != std::string_view::npos;
    auto spec = conda::MatchSpec::parse("python" + std::string(relation ? "" : "=") + wanted);
    if (!spec.ok()) return std::move(spec).error().in("--python " + wanted);
    auto has = conda::Version::parse(version);
    conda::Candidate candidate;
    candidate.version = has.ok() ? &*has : nullptr;
    if (spec->matches(candidate)) return {};
    return make_error(ErrorKind::usage, "--python {} contradicts the captured Python {}; leave one of the two away",
                      wanted, version);
}

// "3.9.25" for "3.9": what conda would take for python=3.9, and what markers and requires-python are asked about.
// Nothing for a full version, and for a minor that templates/python_patches.json does not have (then it is the minor's
// first).
std::optional<std::string> newest_patch(const std::string& python) {
    const json patches = json::parse(as_text(embedded("templates/python_patches.json")))["patches"];
    auto found = patches.find(python);
    if (found == patches.end()) return std::nullopt;
    return fmt::format("{}.{}", python, found->get<int>());
}

Level level_of(const std::string& name) {
    return name == "fast" ? Level::fast : name == "max" ? Level::max : Level::standard;
}

} // namespace

Pipeline::Pipeline(const BuildOptions& options) : options_(options) {}
Pipeline::~Pipeline() = default;

// A lock answers a request once and for all; anything else is a request.
Status Pipeline::read_request() {
    if (options_.specs.size() == 1) {
        auto text = read_text(split_argument(options_.specs.front()).path);
        if (!text.ok()) return Error{ErrorKind::usage, std::move(text).error().message};
        if (recognise_spec(*text) == SpecKind::tinderbox_lock) {
            TRY_ASSIGN(lock_, read_lock(options_.specs.front()));
            request_is_lock_ = true;
            for (const std::string& source : changed_sources(lock_, options_.specs.front()))
                Terminal::get().warning(
                    fmt::format("{} has changed since {} was made; 'tinderbox lock {} -o {}' follows it", source,
                                options_.specs.front(), source, options_.specs.front()));
        }
    }
    if (!request_is_lock_) {
        TRY_ASSIGN(request_, request_of(options_));
        if (options_.pip_only) TRY(keep_only_pip());
        else TRY(add_default_python());
    }
    TRY_ASSIGN(auto conda_config, conda::read_config());
    // Where packages come from is this machine's business, also for a lock: mirrors, credentials, CA.
    TRY(add_pip_configuration(request_));
    FetchOptions fetch;
    fetch.offline = options_.offline;
    fetch.insecure_hosts = options_.insecure_hosts;
    fetch.insecure_hosts.insert(fetch.insecure_hosts.end(), request_.pip_options.trusted_hosts.begin(),
                                request_.pip_options.trusted_hosts.end());
    fetch.insecure_hosts.insert(fetch.insecure_hosts.end(), lock_.insecure_hosts.begin(), lock_.insecure_hosts.end());
    fetch.ca_file = request_.pip_options.cert.empty() ? conda_config.ca_file : request_.pip_options.cert;
    TRY_ASSIGN(fetcher_, Fetcher::make(std::move(fetch)));
    return {};
}

// lock --pip-only: what conda would bring is left out, and of its python only the version counts.
Status Pipeline::keep_only_pip() {
    target_python_ = options_.python;
    for (const CondaSpec& spec : request_.conda) {
        if (spec.name == "python" && target_python_.empty()) {
            std::string_view version = spec.version;
            while (version.starts_with('=')) version.remove_prefix(1);
            if (version.ends_with(".*")) version.remove_suffix(2);
            target_python_ = version;
        }
        request_.ignored.push_back({"conda package " + printable(spec.text), "--pip-only", spec.line});
    }
    request_.conda.clear();
    request_.channels.clear();
    if (target_python_.empty() && options_.python_from.empty() && options_.from_prefix.empty())
        return make_error(ErrorKind::usage, "--pip-only: for which Python? add --python 3.11 (or another version)");
    return {};
}

// A bare requirements.txt: its Python is conda's, the newest there is unless the request says more.
Status Pipeline::add_default_python() {
    const bool wheels =
        !request_.pip.empty() || std::ranges::any_of(request_.locks, [](const TakenLock&) { return true; });
    if (!wheels || !options_.python_from.empty() || !options_.from_prefix.empty()) return {};
    const bool named = std::ranges::any_of(
        request_.conda, [](const CondaSpec& spec) { return spec.name == "python" || !spec.url.empty(); });
    if (named) return {};
    python_is_default_ = true;
    return add_conda(request_, "python" + request_.requires_python,
                     {(request_.source.empty() ? "the request" : request_.source) + " (which names no Python)", 0});
}

// What --base is when nobody says it: what is solved by conda gets a conda to live with. `none` for a captured Python,
// for lists that say exactly which packages they want, and for a construct.yaml.
std::string Pipeline::wanted_base() const {
    if (!options_.base.empty()) return options_.base;
    if (!request_.base.empty()) return request_.base;
    if (request_is_lock_ || !options_.python_from.empty() || !options_.from_prefix.empty() || options_.pip_only)
        return "";
    auto exact = [](const CondaSpec& spec) {
        return !spec.url.empty() ||
               (!spec.version.empty() && !spec.build.empty() && spec.build.find('*') == std::string::npos);
    };
    return std::ranges::all_of(request_.conda, exact) ? "" : default_base;
}

Status Pipeline::capture() {
    std::string python_from = options_.python_from, from_prefix = options_.from_prefix;
    if (request_is_lock_ && lock_.captured && python_from.empty() && from_prefix.empty())
        (lock_.captured->kind == "python" ? python_from : from_prefix) = lock_.captured->path;
    if (!python_from.empty() && !from_prefix.empty())
        return make_error(ErrorKind::usage, "--python-from and --from-prefix both name a Python; give one of them");
    if (python_from.empty() && from_prefix.empty()) return {};
    CaptureOptions capture;
    capture.strict = options_.strict;
    capture.threads = options_.jobs;
    std::atomic<std::uint64_t> read = 0;
    capture.progress = [&](std::uint64_t bytes) { Terminal::get().progress("capturing", read += bytes, 0); };
    if (!python_from.empty()) {
        TRY_ASSIGN(captured_, capture_python(python_from, capture));
    } else {
        TRY_ASSIGN(captured_, capture_prefix(from_prefix, capture));
    }
    Terminal::get().end_progress();
    capture_source_ = captured_->source();
    const json& meta = captured_->metadata();
    if (request_is_lock_ && lock_.captured && lock_.captured->sha256 != captured_->sha256())
        return make_error(ErrorKind::usage,
                          "{}: the lock was made with another '{}' (SHA-256 {}, now {}); lock again, or restore it",
                          options_.specs.front(), lock_.captured->path, lock_.captured->sha256, captured_->sha256());
    Terminal::get().note("captured", fmt::format("{} {} from {}", meta.value("name", ""), meta.value("version", ""),
                                                 captured_->source()));
    return {};
}

Status Pipeline::solve() {
    const std::string wanted = wanted_base();
    TRY_ASSIGN(auto base, lock_base(wanted, request_is_lock_ ? lock_.platform : options_.platform,
                                    as_text(embedded("templates/bases.json"))));
    if (request_is_lock_) {
        lend_credentials(lock_, request_.pip_options);
        const bool same = base ? lock_.base && lock_.base->url == base->url : !lock_.base;
        if (!options_.base.empty() && !same)
            return make_error(
                ErrorKind::usage, "{}: its base is {}, --base says {}; lock again with --base, or leave it away",
                options_.specs.front(), lock_.base ? lock_.base->kind + " " + lock_.base->version : "none",
                printable(options_.base));
        return read_carried();
    }
    LockOptions lock;
    lock.platform = options_.platform;
    if (!options_.target_glibc.empty()) lock.target_glibc = options_.target_glibc;
    lock.bytecode = options_.bytecode;
    lock.insecure_hosts = options_.insecure_hosts;
    lock.virtuals = options_.virtuals;
    lock.cuda = options_.cuda;
    lock.wants_gpu = !options_.target_gpus.empty() || !options_.target_driver.empty();
    TRY_ASSIGN(const GpuTarget target, parse_target(options_.target_gpus, options_.target_driver));
    (target.driver.empty() ? lock.newest_cuda : lock.driver_cuda) = cuda_of_target(target);
    lock.channel_priority = options_.channel_priority;
    TRY_ASSIGN(lock.index_strategy, pip::parse_index_strategy(options_.index_strategy));
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch && *epoch) {
        auto [end, error] = std::from_chars(epoch, epoch + std::strlen(epoch), lock.source_mtime);
        if (error != std::errc() || *end != '\0')
            return make_error(ErrorKind::usage, "SOURCE_DATE_EPOCH is '{}'; it has to be a number of seconds", epoch);
    }
    if (captured_) {
        const json& meta = captured_->metadata();
        const json python = meta.value("python", json::object());
        lock.python = python.value("version", "");
        if (!options_.python.empty()) TRY(check_captured_python(options_.python, lock.python));
        lock.free_threaded = !python.value("gil", true);
        lock.captured = CapturedSource{meta.value("kind", ""), capture_source_, captured_->sha256()};
        for (const json& d : meta.value("distributions", json::array()))
            lock.provided[d.value("name", "")] = d.value("version", "");
    }
    lock.allow_sdist = options_.allow_sdist;
    if (!options_.pip_only)
        lock.build_python = [this](const std::vector<LockedArtifact>& conda) { return build_python(conda); };
    if (options_.pip_only && lock.python.empty()) {
        lock.python = target_python_;
        if (auto newest = newest_patch(target_python_)) {
            lock.python = *newest;
            Terminal::get().note("python", fmt::format("{}, the newest {} known here; --python {} takes that one",
                                                       *newest, target_python_, target_python_ + ".0"));
        }
    }
    auto making = make_lock(request_, lock, *fetcher_);
    if (!making.ok() && python_is_default_ && making.error().kind == ErrorKind::network) {
        Error error = std::move(making).error();
        error.message += "; the request names no Python, which is why a conda channel may have been asked for one: "
                         "--python-from EXE "
                         "takes an interpreter of this machine";
        return error;
    }
    TRY_ASSIGN(MadeLock made, std::move(making));
    lock_ = std::move(made.lock);
    lock_.base = std::move(base);
    if (lock_.base) lock_.request.push_back("--base " + printable(wanted));
    for (const std::string& warning : made.warnings) Terminal::get().warning(warning);
    for (const LintWarning& warning : lint(lock_, request_, options_.cuda)) Terminal::get().warning(warning.str());
    for (const IgnoredItem& item : request_.ignored)
        Terminal::get().note("ignored", fmt::format("{}: {} ({})", item.line.str(), item.what, item.why));
    return read_carried();
}

PlannedGpuNeeds Pipeline::planned_gpu() const {
    return planned_gpu_needs(lock_, ParcelCache(cache_directory() / "parcels"), level_of(options_.level));
}

namespace {

Download download_of(const LockedArtifact& artifact) {
    Download out;
    out.url = artifact.source.empty() ? artifact.url : artifact.source;
    out.name = artifact.file_name;
    out.sha256 = artifact.sha256;
    out.md5 = artifact.md5;
    out.size = artifact.size;
    return out;
}

} // namespace

Status Pipeline::fetch_unknown() {
    std::vector<Download> downloads;
    std::vector<LockedArtifact*> unknown;
    for (LockedArtifact& artifact : lock_.artifacts) {
        if (!artifact.sha256.empty()) continue;
        unknown.push_back(&artifact);
        downloads.push_back(download_of(artifact));
    }
    TRY_ASSIGN(auto fetched, fetcher_->fetch(downloads));
    for (std::size_t i = 0; i < unknown.size(); ++i) {
        unknown[i]->sha256 = fetched[i].sha256;
        unknown[i]->size = fetched[i].size;
    }
    if (lock_.base && lock_.base->sha256.empty()) TRY(fetch_base());
    return {};
}

// Of an @EXPLICIT list or a conda-lock.yml, which name URL and hash alone. Who does not answer leaves its sizes
// unknown, and is not asked again.
void Pipeline::ask_sizes() {
    constexpr unsigned connections = 8;
    std::vector<LockedArtifact*> unknown;
    for (LockedArtifact& artifact : lock_.artifacts)
        if (artifact.size == 0 && !artifact.built_from) unknown.push_back(&artifact);
    std::atomic<std::size_t> done = 0;
    std::mutex mutex;
    std::set<std::string> silent; // hosts
    auto ask = [&](const std::string& url) -> std::uint64_t {
        const std::string host = Url::parse(url).host;
        if (std::lock_guard lock(mutex); silent.contains(host)) return 0;
        auto piece = fetcher_->range(url, 0, 1, false);
        if (piece.ok()) return piece->status == 206 || piece->status == 200 ? piece->total : 0;
        std::lock_guard lock(mutex);
        silent.insert(host);
        return 0;
    };
    (void)parallel_for(unknown.size(), connections, [&](std::size_t i) -> Status {
        LockedArtifact& artifact = *unknown[i];
        std::error_code ec;
        auto here = artifact.url.starts_with("file:") ? std::optional<fs::path>(file_url_to_path(artifact.url))
                                                      : cached_artifact(artifact.sha256, artifact.file_name);
        if (here) {
            if (auto size = fs::file_size(*here, ec); !ec) artifact.size = size;
        } else if (!options_.offline) {
            artifact.size = ask(download_of(artifact).url);
        }
        Terminal::get().progress("asking for sizes", ++done, unknown.size(), "packages");
        return {};
    });
    Terminal::get().end_progress();
}

Status Pipeline::fetch() {
    std::vector<Download> downloads;
    for (const LockedArtifact& artifact : lock_.artifacts)
        if (!artifact.built_from) downloads.push_back(download_of(artifact));
    if (lock_.base) downloads.push_back(base_download());
    TRY_ASSIGN(files_, fetcher_->fetch(downloads));
    if (lock_.base) {
        base_file_ = std::move(files_.back());
        files_.pop_back();
        TRY(read_base());
    }
    for (std::size_t i = 0; i < lock_.artifacts.size();
         ++i) { // wheels that are made here take their places among the others
        if (!lock_.artifacts[i].built_from) continue;
        TRY_ASSIGN(Fetched made, fetch_built(lock_.artifacts[i]));
        files_.insert(files_.begin() + static_cast<std::ptrdiff_t>(i), std::move(made));
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
        lock_.artifacts[i].sha256 = files_[i].sha256;
        lock_.artifacts[i].size = files_[i].size;
    }
    return {};
}

PackOptions Pipeline::pack_options() const {
    PackOptions pack;
    pack.level = level_of(options_.level);
    pack.source_mtime = lock_.source_mtime;
    pack.threads = options_.jobs;
    return pack;
}

std::string Pipeline::conda_variant(bool info) const {
    return fmt::format("{}conda {} mtime {}", info ? "info 1 " : "", conda_package_version, lock_.source_mtime);
}

Status Pipeline::pack() {
    ParcelCache cache(cache_directory() / "parcels");
    PackOptions pack = pack_options();
    std::atomic<std::uint64_t> packed = 0;
    pack.progress = [&](std::uint64_t bytes) { Terminal::get().progress("packing", packed += bytes, 0); };
    const std::string variant = parcel_variant(lock_.source_mtime);

    if (captured_) {
        LinkInput input;
        std::string key = ParcelCache::key(captured_->sha256(), pack.level, variant);
        TRY_ASSIGN(input.parcel, cache.get(key, pack, [&]() -> Result<std::unique_ptr<Artifact>> {
            return std::unique_ptr<Artifact>(std::move(captured_));
        }));
        inputs_.push_back(std::move(input));
    }
    for (std::size_t i = 0; i < lock_.artifacts.size(); ++i) {
        const LockedArtifact& artifact = lock_.artifacts[i];
        LinkInput input;
        input.artifact = &artifact;
        std::string key =
            ParcelCache::key(artifact.sha256, pack.level, artifact.kind == "conda" ? conda_variant(false) : variant);
        TRY_ASSIGN(input.parcel,
                   cache.get(key, pack, [&]() -> Result<std::unique_ptr<Artifact>> { return open_artifact(i); }));
        // RECORD was compared with the files while packing; its thousands of rows are not needed again.
        input.parcel.metadata.erase("record");
        inputs_.push_back(std::move(input));
    }
    order_conda_packages();
    TRY_ASSIGN(python_, find_python(inputs_));
    TRY(pack_includes());
    if (lock_.base) TRY(pack_base());
    Terminal::get().end_progress();
    return {};
}

// Of two packages with one file the later linked one wins, so the order has to be conda's.
void Pipeline::order_conda_packages() {
    auto is_conda = [](const LinkInput& input) { return input.artifact && input.artifact->kind == "conda"; };
    auto first = std::ranges::find_if(inputs_, is_conda);
    auto last = std::find_if_not(first, inputs_.end(), is_conda);
    std::vector<CondaNode> nodes;
    for (auto it = first; it != last; ++it) nodes.push_back(conda_node(it->parcel.metadata));
    std::vector<LinkInput> ordered;
    for (std::size_t index : conda_link_order(nodes))
        ordered.push_back(std::move(first[static_cast<std::ptrdiff_t>(index)]));
    std::ranges::move(ordered, first);
}

Result<std::unique_ptr<Artifact>> Pipeline::open_artifact(std::size_t index) {
    const LockedArtifact& artifact = lock_.artifacts[index];
    if (artifact.kind == "wheel") {
        pip::WheelOptions wheel;
        wheel.file_name = artifact.file_name;
        return open_wheel(files_[index].path, wheel);
    }
    CondaOpenOptions conda;
    conda.name = artifact.file_name;
    // conda's records hold it, which a list or a lock need not name. Always, so that one package is one parcel.
    conda.with_md5 = true;
    return open_conda_package(files_[index].path, conda);
}

const PythonInfo* Pipeline::python_of(Root root) const {
    if (root == Root::env) return &python_;
    if (root == Root::base) return &base_->python;
    const auto& python = base_->environments[prefix_index(root) - 2].python;
    return python ? &*python : nullptr;
}

// The environment's own interpreter, where it can be run: a captured one at its old place, a conda one from a
// private copy.
Result<std::string> Pipeline::interpreter_path(Root root) {
    if (root == Root::env && !capture_source_.empty() && inputs_.front().parcel.metadata.value("kind", "") == "python")
        return capture_source_;
    std::vector<const Parcel*> parcels;
    for (const LinkInput& input : inputs_)
        if (input.root == root && !input.info_of && !input.bytecode_of &&
            (!input.artifact || input.artifact->kind == "conda"))
            parcels.push_back(&input.parcel);
    TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
    materialized_.push_back(std::move(directory));
    return materialize_python(parcels, *python_of(root), materialized_.back().path());
}

Interpreter Pipeline::interpreter(Root root) {
    Interpreter out;
    for (const LinkInput& input : inputs_)
        if (input.root == root && !input.info_of &&
            (input.parcel.metadata.contains("python") || input.parcel.metadata.value("name", "") == "python"))
            out.key += input.parcel.key;
    out.executable = [this, root, path = std::string()]() mutable -> Result<std::string> {
        if (path.empty()) {
            TRY_ASSIGN(path, interpreter_path(root));
        }
        return path;
    };
    return out;
}

Status Pipeline::compile() {
    if (lock_.bytecode != "build") return {};
    ParcelCache cache(cache_directory() / "parcels");
    PackOptions pack = pack_options();
    std::map<Root, Interpreter> interpreters;
    std::size_t failed = 0, compiled = 0;
    const std::size_t count = inputs_.size();
    for (std::size_t i = 0; i < count; ++i) {
        const Root root = inputs_[i].root;
        if (inputs_[i].info_of || (is_of_base(root) && !inputs_[i].artifact) || !python_of(root)) continue;
        auto [of_root, added] = interpreters.try_emplace(root);
        if (added) of_root->second = interpreter(root);
        TRY_ASSIGN(auto parcel, compile_bytecode(inputs_[i].parcel, *python_of(root), of_root->second, cache, pack));
        Terminal::get().progress("compiling", i + 1, count, "packages");
        if (!parcel) continue;
        failed += parcel->failed;
        compiled += parcel->files;
        LinkInput input;
        input.parcel = std::move(parcel->parcel);
        input.artifact = inputs_[i].artifact;
        input.bytecode_of = i;
        input.root = root;
        inputs_.push_back(std::move(input));
    }
    Terminal::get().end_progress();
    if (failed > 0)
        Terminal::get().note(
            "bytecode",
            fmt::format("{} files compiled; {} sources are not valid Python {} and were left out, as pip does",
                        compiled, failed, python_.version));
    return {};
}

} // namespace tinderbox
