#include "generator/advise/lint.hpp"

#include "common/base/text.hpp"
#include "generator/fetch/url.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace tinderbox::advise {
namespace {

// "113" of "1.12.1+cu113"; "" without.
std::string cuda_of_wheel(const lock::LockedArtifact& artifact) {
    auto at = artifact.version.find("+cu");
    if (at == std::string::npos) return "";
    std::string digits;
    for (char c : std::string_view(artifact.version).substr(at + 3)) {
        if (c < '0' || c > '9') break;
        digits += c;
    }
    return digits.size() >= 2 ? digits : "";
}

// The last digit is the minor: cu92 is 9.2, cu118 is 11.8.
std::string dotted(const std::string& digits) { return digits.substr(0, digits.size() - 1) + "." + digits.back(); }

int major_of(std::string_view version) {
    int out = 0;
    std::from_chars(version.data(), version.data() + version.size(), out);
    return out;
}

class Lint {
  public:
    Lint(const lock::Lock& lock, const spec::Request& request, std::string cuda)
        : lock_(lock), request_(request), cuda_(std::move(cuda)) {}

    std::vector<LintWarning> run() {
        unused_toolkit();
        two_majors();
        torch_twice();
        cpu_torch();
        mixed_channels();
        unpinned_index();
        return std::move(out_);
    }

  private:
    template <class... Args> void warn(const char* rule, fmt::format_string<Args...> format, Args&&... args) {
        out_.push_back({rule, fmt::format(format, std::forward<Args>(args)...)});
    }
    const lock::LockedArtifact* find(parcel::ArtifactKind kind, std::initializer_list<std::string_view> names) const {
        for (const lock::LockedArtifact& artifact : lock_.artifacts)
            if (artifact.kind == kind && std::ranges::find(names, artifact.name) != names.end()) return &artifact;
        return nullptr;
    }
    const lock::LockedArtifact* cuda_wheel() const {
        for (const lock::LockedArtifact& artifact : lock_.artifacts)
            if (artifact.kind == parcel::ArtifactKind::wheel && !cuda_of_wheel(artifact).empty()) return &artifact;
        return nullptr;
    }

    // Wheels bring their own CUDA libraries; conda's are never loaded by them.
    void unused_toolkit() {
        const lock::LockedArtifact* toolkit =
            find(parcel::ArtifactKind::conda, {"cudatoolkit", "cuda-toolkit", "cuda-runtime"});
        const lock::LockedArtifact* wheel = cuda_wheel();
        if (!toolkit || !wheel || toolkit->requirement.find(" requires ") != std::string::npos) return;
        if (!cuda_.empty()) return; // --cuda asks for it, for code that is compiled there
        // A conda package may need it.
        for (const lock::LockedArtifact& artifact : lock_.artifacts)
            if (artifact.kind == parcel::ArtifactKind::conda &&
                artifact.requirement.find("requires " + toolkit->name) != std::string::npos)
                return;
        for (std::string_view user : {"pytorch", "tensorflow", "tensorflow-base", "cupy", "jaxlib", "numba", "cudnn",
                                      "nccl", "cudatoolkit-dev"})
            if (find(parcel::ArtifactKind::conda, {user})) return;
        warn("unused-cudatoolkit",
             "{} {} of conda is not used by {} {}, which brings its own CUDA {}; leave it away unless you compile with "
             "it",
             toolkit->name, toolkit->version, wheel->name, wheel->version, dotted(cuda_of_wheel(*wheel)));
    }

    void two_majors() {
        std::map<int, std::string> found;
        for (const lock::LockedArtifact& artifact : lock_.artifacts) {
            if (artifact.kind == parcel::ArtifactKind::wheel) {
                if (std::string digits = cuda_of_wheel(artifact); !digits.empty())
                    found.emplace(major_of(dotted(digits)), artifact.name + " " + artifact.version);
                auto at = artifact.name.rfind("-cu");
                if (artifact.name.starts_with("nvidia-") && at != std::string::npos && at + 5 == artifact.name.size())
                    found.emplace(major_of(std::string_view(artifact.name).substr(at + 3)),
                                  artifact.name + " " + artifact.version);
            } else if (artifact.name == "cudatoolkit" || artifact.name == "cuda-version" ||
                       artifact.name == "cuda-cudart") {
                found.emplace(major_of(artifact.version), artifact.name + " " + artifact.version + " of conda");
            }
        }
        found.erase(0);
        if (found.size() < 2) return;
        warn("two-cuda-majors",
             "two CUDA majors are in one environment: {} ({}) and {} ({}); a process loads one of them, so take "
             "packages for one",
             found.begin()->first, found.begin()->second, found.rbegin()->first, found.rbegin()->second);
    }

    void torch_twice() {
        const lock::LockedArtifact* conda = find(parcel::ArtifactKind::conda, {"pytorch", "libtorch"});
        const lock::LockedArtifact* wheel = find(parcel::ArtifactKind::wheel, {"torch", "torchvision", "torchaudio"});
        if (conda && wheel)
            warn("torch-twice",
                 "{} {} comes from conda and {} {} from pip; they load different CUDA libraries: take both from one of "
                 "the two",
                 conda->name, conda->version, wheel->name, wheel->version);
    }

    void cpu_torch() {
        const bool asked = !cuda_.empty() || lock_.virtuals.contains("__cuda") ||
                           find(parcel::ArtifactKind::conda, {"cudatoolkit", "cuda-version"});
        if (!asked) return;
        const lock::LockedArtifact* conda = find(parcel::ArtifactKind::conda, {"pytorch"});
        if (conda && (conda->build.find("cpu") != std::string::npos))
            warn("cpu-torch",
                 "pytorch {} of conda is a build without CUDA ({}), although CUDA was asked for; write "
                 "pytorch=*=*cuda*, or pytorch-gpu",
                 conda->version, conda->build);
        const lock::LockedArtifact* wheel = find(parcel::ArtifactKind::wheel, {"torch"});
        if (wheel && wheel->version.find("+cpu") != std::string::npos)
            warn("cpu-torch",
                 "torch {} is a wheel without CUDA, although CUDA was asked for; --cuda VERSION names the index of the "
                 "others",
                 wheel->version);
        if (wheel && !cuda_.empty() && cuda_of_wheel(*wheel).empty() &&
            wheel->version.find("+cpu") == std::string::npos &&
            !std::ranges::any_of(lock_.artifacts, [&](const lock::LockedArtifact& one) {
                return one.kind == parcel::ArtifactKind::wheel && one.name.starts_with("nvidia-") &&
                       one.name.ends_with("-cu" + cuda_.substr(0, cuda_.find('.')));
            }))
            warn("cpu-torch", "torch {} does not say that it is made for CUDA {}; pin it: torch==VERSION+cu{}",
                 wheel->version, cuda_, replace_all(cuda_, ".", ""));
    }

    // Both channels build the same libraries differently, and mixtures crash in ways that nobody can reproduce.
    void mixed_channels() {
        const lock::LockedArtifact *defaults = nullptr, *forge = nullptr;
        for (const lock::LockedArtifact& artifact : lock_.artifacts) {
            if (artifact.kind != parcel::ArtifactKind::conda) continue;
            if (artifact.channel.find("/pkgs/main") != std::string::npos ||
                artifact.channel.find("/pkgs/free") != std::string::npos)
                defaults = &artifact;
            if (artifact.channel.ends_with("/conda-forge")) forge = &artifact;
        }
        if (defaults && forge)
            warn("mixed-channels",
                 "packages of defaults ({} {}) and of conda-forge ({} {}) are mixed, which are not built to work "
                 "together; name one of the two channels",
                 defaults->name, defaults->version, forge->name, forge->version);
    }

    // pip and unsafe-best-match take the highest version, also when a stranger put it under that name on another index.
    void unpinned_index() {
        const auto& extra = request_.pip_options.extra_index_urls;
        if (extra.empty()) return;
        std::string open;
        for (const pip::RequirementLine& line : request_.pip) {
            const bool pinned =
                line.specifier.find("==") != std::string::npos || !line.url.empty() || !line.hashes.empty();
            auto at = std::ranges::find_if(lock_.artifacts, [&](const lock::LockedArtifact& one) {
                return one.kind == parcel::ArtifactKind::wheel && one.name == line.name;
            });
            if (pinned || at == lock_.artifacts.end()) continue;
            const bool of_extra = std::ranges::any_of(extra, [&](const std::string& url) {
                return fetch::Url::parse(url).host == fetch::Url::parse(at->url).host;
            });
            if (of_extra) open += (open.empty() ? "" : ", ") + line.name;
        }
        if (!open.empty())
            warn("unpinned-index",
                 "{} may come from an extra index in any version; pin it (NAME==VERSION) so that a package of the same "
                 "name elsewhere cannot take its place",
                 open);
    }

    const lock::Lock& lock_;
    const spec::Request& request_;
    std::string cuda_;
    std::vector<LintWarning> out_;
};

} // namespace

std::vector<LintWarning> lint(const lock::Lock& lock, const spec::Request& request, const std::string& cuda) {
    return Lint(lock, request, cuda).run();
}

} // namespace tinderbox::advise
