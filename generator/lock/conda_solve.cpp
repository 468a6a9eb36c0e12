#include "generator/lock/conda_solve.hpp"

#include "common/base/optional_reporter.hpp"
#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/format/cuda_floors.hpp"
#include "generator/conda/names.hpp"
#include "generator/conda/package.hpp"
#include "generator/conda/solve.hpp"
#include "generator/fetch/url.hpp"
#include "generator/lock/download.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace tinderbox::lock {
namespace {

// The channel of a request that names none; never Anaconda's defaults.
constexpr const char* default_channel = "conda-forge";

// Indexes that are opened at the same time. Reading one of the largest takes 150 MB of memory.
constexpr unsigned index_threads = 4;

constexpr std::string_view cuda_packages[] = {
    "cudatoolkit",    "cuda-version", "cuda", "cuda-toolkit", "cuda-runtime", "cuda-nvcc",  "cuda-cudart",
    "cuda-libraries", "cudnn",        "nccl", "cupy",         "pytorch-cuda", "cuda-python"};

bool speaks_of_gpu(std::string_view text) {
    std::string lower = to_lower(text);
    for (std::string_view word : {"cuda", "gpu", "cu1", "cu9"})
        if (lower.find(word) != std::string::npos) return true;
    return false;
}

// "11.3" of "=11.3", "11.3.*", "==11.3.1"; "" of a range.
std::string pinned_version(std::string_view version) {
    while (version.starts_with('=')) version.remove_prefix(1);
    if (version.ends_with(".*")) version.remove_suffix(2);
    bool plain =
        !version.empty() && std::ranges::all_of(version, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    return plain ? std::string(version) : "";
}

// conda's subdirectory in ".../SUBDIR/FILE"; "" for any other path.
std::string subdir_of(const std::string& url) {
    std::string path = is_url(url) ? fetch::Url::parse(url).path : url;
    auto file = path.rfind('/');
    if (file == std::string::npos || file == 0) return "";
    auto subdir = path.rfind('/', file - 1);
    std::string name = path.substr(subdir == std::string::npos ? 0 : subdir + 1,
                                   file - (subdir == std::string::npos ? 0 : subdir + 1));
    for (std::string_view known : {"linux-", "osx-", "win-", "freebsd-", "emscripten-", "wasi-", "zos-"})
        if (name.starts_with(known)) return name;
    return name == "noarch" ? name : "";
}

LockedArtifact artifact_of(const conda::SolvedPackage& package) {
    LockedArtifact out;
    out.kind = parcel::ArtifactKind::conda;
    out.name = package.name;
    out.version = package.version;
    out.build = package.build;
    set_location(package.url, out);
    out.file_name = package.file_name;
    out.sha256 = package.sha256;
    if (out.sha256.empty()) out.md5 = package.md5;
    out.size = package.size;
    out.channel = package.channel;
    out.requested = package.requested;
    out.requirement = pip::printable(package.because);
    return out;
}

// Packages that the request names by file or URL: a channel of their own, in front of all others. Their dependencies
// are read from the packages.
class NamedFiles final : public conda::Subdir {
  public:
    NamedFiles() : conda::Subdir({"files of the request", "files:", "files:", ""}, "noarch") {}

    Status add(const spec::CondaSpec& spec, const fetch::Fetched& file) {
        conda::OpenOptions open;
        open.name = fs::path(spec.url.substr(0, spec.url.find('#'))).filename().string();
        TRY_ASSIGN(auto package, conda::open_package(file.path, open));
        auto row = std::make_shared<nlohmann::json>(package->metadata().at("conda").at("index"));
        conda::PackageRecord record;
        auto text = [&](const char* key) {
            auto found = row->find(key);
            return found != row->end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>())
                                                             : std::string_view();
        };
        record.name = text("name");
        record.version = text("version");
        record.build = text("build");
        record.build_number = row->value("build_number", std::uint64_t{0});
        for (auto [key, list] : {std::pair{"depends", &record.depends}, {"constrains", &record.constrains}})
            if (auto found = row->find(key); found != row->end() && found->is_array())
                for (const auto& one : *found)
                    if (one.is_string()) list->push_back(one.get_ref<const std::string&>());
        auto name =
            std::make_shared<std::string>(fmt::format("{}-{}-{}.conda", record.name, record.version, record.build));
        record.file_name = *name;
        storage_->push_back(row);
        storage_->push_back(name);
        records_.push_back(std::move(record));
        return {};
    }
    Result<std::vector<conda::NamedRecords>> find(const std::vector<std::string>& names) override {
        std::vector<conda::NamedRecords> out(names.size());
        for (std::size_t i = 0; i < names.size(); ++i) {
            for (const conda::PackageRecord& record : records_)
                if (record.name == names[i]) out[i].records.push_back(record);
            out[i].storage = storage_;
        }
        return out;
    }
    std::vector<std::string> similar_names(std::string_view) const override { return {}; }
    const std::vector<conda::PackageRecord>& records() const { return records_; }

  private:
    std::vector<conda::PackageRecord> records_;
    std::shared_ptr<std::vector<std::shared_ptr<const void>>> storage_ =
        std::make_shared<std::vector<std::shared_ptr<const void>>>();
};

class CondaSolve {
  public:
    CondaSolve(const spec::Request& request, const LockOptions& options, fetch::Fetcher& fetcher)
        : request_(request), options_(options), fetcher_(fetcher) {}

    Result<CondaSolution> run() {
        TRY_ASSIGN(config_, conda::read_config());
        TRY(read_specs());
        TRY(read_channels());
        TRY(read_target());
        TRY(read_files());
        TRY(open_channels());
        TRY_ASSIGN(conda::Solution solution, conda::solve(sources_, solve_));
        for (const conda::SolvedPackage& package : solution.packages) {
            auto file = by_file_.find(package.name);
            if (file == by_file_.end()) {
                answer_.artifacts.push_back(artifact_of(package));
                continue;
            }
            TRY_ASSIGN(LockedArtifact artifact, lock_conda_file(*file->second, options_.platform));
            artifact.name = package.name;
            artifact.version = package.version;
            artifact.build = package.build;
            answer_.artifacts.push_back(std::move(artifact));
        }
        if (!solution.needs_cuda.empty()) {
            std::string names;
            for (const std::string& name : solution.needs_cuda) names += (names.empty() ? "" : ", ") + name;
            answer_.warnings.push_back(fmt::format(
                "chosen without CUDA, because the request does not ask for a GPU: {}; --cuda VERSION makes it one",
                names));
        }
        return std::move(answer_);
    }

  private:
    Status read_specs() {
        for (const spec::CondaSpec& spec : request_.conda) {
            if (!spec.url.empty()) continue;
            TRY_ASSIGN(conda::SolveSpec one, solve_spec(spec));
            solve_.specs.push_back(std::move(one));
        }
        for (const spec::CondaSpec& pin : request_.conda_constraints) {
            TRY_ASSIGN(conda::SolveSpec one, solve_spec(pin));
            solve_.constraints.push_back(std::move(one));
        }
        return {};
    }

    Result<conda::SolveSpec> solve_spec(const spec::CondaSpec& spec) const {
        auto parsed = conda::MatchSpec::parse(spec.text);
        if (!parsed.ok()) return std::move(parsed).error().in(spec.line.str());
        if (parsed->name.find('*') != std::string::npos)
            return make_error(ErrorKind::usage, "{}: '{}' names no package; write its name instead of a pattern",
                              spec.line.str(), pip::printable(spec.text));
        conda::SolveSpec out{std::move(parsed).value(), spec.line.str(), {}};
        out.spec.text = pip::printable(out.spec.text);
        TRY_ASSIGN(out.channels, keys_of(out.spec.channel, spec.line.str()));
        return out;
    }

    // Keys of the channels that a spec's "channel::" stands for.
    Result<std::vector<std::string>> keys_of(const std::string& channel, const std::string& where) const {
        std::vector<std::string> out;
        if (channel.empty()) return out;
        TRY_ASSIGN(auto channels, conda::resolve_channel(channel, config_).in(where));
        for (const conda::Channel& one : channels) out.push_back(one.key);
        return out;
    }

    // The channels of the request, else of .condarc, else conda-forge. As with conda, channels of single specs follow.
    Status read_channels() {
        std::vector<std::string> texts = request_.channels;
        if (texts.empty()) texts = config_.channels;
        if (texts.empty()) texts.push_back(default_channel);
        TRY_ASSIGN(channels_, conda::resolve_channels(texts, config_));
        for (const conda::SolveSpec& spec : solve_.specs) {
            if (spec.spec.channel.empty()) continue;
            TRY_ASSIGN(auto more, conda::resolve_channel(spec.spec.channel, config_));
            for (conda::Channel& channel : more)
                if (std::ranges::find(channels_, channel.key, &conda::Channel::key) == channels_.end())
                    channels_.push_back(std::move(channel));
        }
        for (const conda::Channel& channel : channels_)
            if (std::ranges::find(answer_.channels, channel.key) == answer_.channels.end())
                answer_.channels.push_back(channel.key);
        solve_.reporter = options_.reporter;
        solve_.priority = options_.channel_priority.value_or(config_.priority);
        solve_.channel_keys = [this](const std::string& channel) { return keys_of(channel, ""); };
        return {};
    }

    Status read_target() {
        conda::VirtualTarget target;
        target.platform = options_.platform;
        target.glibc = options_.target_glibc;
        target.cuda = target_cuda(request_, options_);
        target.overrides = options_.target_virtuals;
        for (const auto& [name, value] : config_.virtual_overrides) target.overrides[name] = value;
        for (const std::string& text : options_.virtuals) {
            TRY_ASSIGN(auto one, conda::parse_virtual(text));
            target.overrides[one.first] = one.second;
        }
        TRY_ASSIGN(solve_.virtuals, conda::virtual_packages(target));
        for (const conda::VirtualPackage& one : solve_.virtuals)
            answer_.virtuals[one.name] = one.build == "0" ? one.version : one.version + "=" + one.build;
        return {};
    }

    Status read_files() {
        std::vector<fetch::Download> downloads;
        std::vector<const spec::CondaSpec*> specs;
        for (const spec::CondaSpec& spec : request_.conda) {
            if (spec.url.empty()) continue;
            fetch::Download download;
            download.url = spec.url;
            download.name = percent_decode(fs::path(spec.url).filename().string());
            download.md5 = spec.md5;
            download.sha256 = spec.sha256;
            download.hashes = spec.hashes;
            downloads.push_back(std::move(download));
            specs.push_back(&spec);
        }
        if (specs.empty()) return {};
        TRY_ASSIGN(auto files, fetcher_.fetch(downloads));
        auto named = std::make_unique<NamedFiles>();
        for (std::size_t i = 0; i < specs.size(); ++i) TRY(named->add(*specs[i], files[i]));
        for (std::size_t i = 0; i < specs.size(); ++i) {
            const conda::PackageRecord& record = named->records()[i];
            TRY_ASSIGN(auto exact,
                       conda::MatchSpec::parse(fmt::format("{}=={}={}", record.name, record.version, record.build))
                           .in(specs[i]->line.str()));
            exact.text = pip::printable(specs[i]->text);
            exact.channel = named->channel().key;
            solve_.specs.push_back({std::move(exact), specs[i]->line.str(), {named->channel().key}});
            by_file_[std::string(record.name)] = specs[i];
        }
        conda::ChannelSource source{named->channel(), {}};
        source.subdirs.push_back(std::move(named));
        sources_.push_back(std::move(source));
        return {};
    }

    // All at the same time: each index is a transfer, and then perhaps half a gigabyte of JSON to read.
    Status open_channels() {
        struct Opening {
            std::size_t channel;
            std::string subdir;
            Result<std::unique_ptr<conda::Subdir>> result = std::unique_ptr<conda::Subdir>();
        };
        std::vector<Opening> openings;
        for (std::size_t i = 0; i < channels_.size(); ++i)
            for (const std::string& subdir : {options_.platform, std::string("noarch")})
                if (channels_[i].subdir.empty() || channels_[i].subdir == subdir) openings.push_back({i, subdir});
        {
            conda::IndexProgress progress;
            progress.reporter = options_.reporter;
            ProgressLine line(reporter_or_silent(options_.reporter), [&progress] {
                if (progress.transfers > 0)
                    return ProgressLine::State{"downloading", progress.transfer.received, progress.transfer.total()};
                return ProgressLine::State{"reading", progress.read, progress.size};
            });
            TRY(parallel_for(openings.size(), index_threads, [&](std::size_t i) -> Status {
                openings[i].result =
                    conda::open_subdir(channels_[openings[i].channel], openings[i].subdir, fetcher_, progress);
                return {}; // the error that is reported is the first in the channels' order, not in time
            }));
        }
        std::vector<bool> there(channels_.size());
        for (Opening& opening : openings) {
            TRY_ASSIGN(auto opened, std::move(opening.result));
            if (opened->there()) there[opening.channel] = true;
            const conda::Channel& channel = channels_[opening.channel];
            auto source = std::ranges::find_if(
                sources_, [&](const conda::ChannelSource& one) { return one.channel.key == channel.key; });
            if (source == sources_.end()) source = sources_.insert(sources_.end(), {channel, {}});
            source->subdirs.push_back(std::move(opened));
        }
        for (std::size_t i = 0; i < channels_.size(); ++i)
            if (!there[i])
                return make_error(channels_[i].url.starts_with("file:") ? ErrorKind::usage : ErrorKind::network,
                                  "{}: there is no conda channel (no repodata.json in {} or noarch); check its name",
                                  channels_[i].key, options_.platform);
        return {};
    }

    const spec::Request& request_;
    const LockOptions& options_;
    fetch::Fetcher& fetcher_;
    conda::Config config_;
    std::vector<conda::Channel> channels_;
    std::vector<conda::ChannelSource> sources_;
    conda::SolveRequest solve_;
    std::map<std::string, const spec::CondaSpec*> by_file_; // name → the entry that brings it
    CondaSolution answer_;
};

} // namespace

Result<LockedArtifact> lock_conda_file(const spec::CondaSpec& spec, const std::string& platform) {
    std::string subdir = subdir_of(spec.url);
    if (!subdir.empty() && subdir != "noarch" && subdir != platform)
        return make_error(ErrorKind::usage,
                          "{}: {} is a package for {}, and the installer is for {}; take the package of that "
                          "platform{}",
                          spec.line.str(), spec.name, subdir, platform,
                          conda::has_installers(subdir) ? ", or write --platform " + subdir : "");
    LockedArtifact out;
    out.kind = parcel::ArtifactKind::conda;
    out.name = spec.name;
    out.version = spec.version.starts_with("==") ? spec.version.substr(2) : spec.version;
    out.build = spec.build;
    const bool local = set_location(spec.url, out);
    out.file_name = percent_decode(fs::path(local ? out.source : fetch::Url::parse(spec.url).path).filename().string());
    out.sha256 = spec.sha256;
    out.md5 = spec.md5;
    out.hashes = spec.hashes;
    out.size = spec.size;
    out.requested = spec.needed_by.empty();
    out.requirement = out.requested ? pip::printable(spec.text) : "needed by " + spec.needed_by;
    out.channel = without_credentials(spec.channel);
    return out;
}

bool asks_for_gpu(const spec::Request& request, const LockOptions& options) {
    if (!options.cuda.empty() || options.wants_gpu) return true;
    for (const spec::CondaSpec& spec : request.conda) {
        if (std::ranges::find(cuda_packages, spec.name) != std::end(cuda_packages) || spec.name.ends_with("-gpu") ||
            spec.name.starts_with("cuda-"))
            return true;
        if (speaks_of_gpu(spec.build)) return true;
        if (auto bracket = spec.text.find("build=");
            bracket != std::string::npos && speaks_of_gpu(std::string_view(spec.text).substr(bracket)))
            return true;
    }
    for (const std::string& channel : request.channels)
        if (channel == "nvidia" || channel.starts_with("nvidia/") || channel.ends_with("/nvidia")) return true;
    for (const pip::RequirementLine& requirement : request.pip)
        if (requirement.specifier.find("+cu") != std::string::npos ||
            requirement.name.find("-cu1") != std::string::npos)
            return true;
    return std::ranges::any_of(request.pip_options.extra_index_urls,
                               [](const std::string& url) { return url.find("/cu1") != std::string::npos; });
}

std::string target_cuda(const spec::Request& request, const LockOptions& options) {
    if (!options.driver_cuda.empty()) return options.driver_cuda; // a fact, where the others are guesses
    if (!options.cuda.empty()) return options.cuda;
    if (!asks_for_gpu(request, options)) return "";
    for (const spec::CondaSpec& spec : request.conda)
        if (spec.name == "cudatoolkit" || spec.name == "cuda-version" || spec.name == "pytorch-cuda")
            if (std::string version = pinned_version(spec.version); !version.empty()) return version;
    if (!options.newest_cuda.empty()) return options.newest_cuda;
    return fmt::format("{}.0", std::rbegin(format::cuda_floors)->major);
}

Result<CondaSolution> solve_conda(const spec::Request& request, const LockOptions& options, fetch::Fetcher& fetcher) {
    return CondaSolve(request, options, fetcher).run();
}

} // namespace tinderbox::lock
