#include "generator/advise/cuda.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "generator/advise/library_name.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace tinderbox::advise {
namespace {

std::optional<int> leading_number(std::string_view text) {
    int value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    return value;
}

// CUDA's own version in a package's: "12.8.90" → "12.8".
std::string cuda_version(std::string_view version) {
    auto parts = split(version, '.');
    return parts.size() < 2 ? std::string(version) : fmt::format("{}.{}", parts[0], parts[1]);
}

// "113" → 11.3: the last digit is the minor version, for every CUDA from 8.0 on.
std::string with_dot(std::string_view digits) {
    return fmt::format("{}.{}", digits.substr(0, digits.size() - 1), digits.substr(digits.size() - 1));
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The version behind the word "cuda" or "cu" in a version or build: "py3.11_cuda12.1_cudnn8.9.2_0", "pt113cu117",
// "+cu92", "cuda_120…". Without a dot the last of three digits is the minor version. Two digits are a major version
// ("+cuda12"), and from 80 on both ("+cu92").
std::optional<std::string> version_in(std::string_view text) {
    auto digits_of = [](std::string_view t) { return t.substr(0, t.find_first_not_of("0123456789")); };
    for (std::size_t at = 0; (at = text.find("cu", at)) != std::string_view::npos; at += 2) {
        if (at > 0 && is_letter(text[at - 1])) continue;
        std::string_view rest = text.substr(at + 2);
        if (rest.starts_with("da")) rest.remove_prefix(2);
        if (rest.starts_with('_') || rest.starts_with('-')) rest.remove_prefix(1);
        const std::string_view digits = digits_of(rest);
        if (digits.empty() || digits.size() > 3) continue;
        const bool dotted = digits.size() < rest.size() && rest[digits.size()] == '.';
        const std::string_view minor = dotted ? digits_of(rest.substr(digits.size() + 1)) : "";
        if (digits.size() == 3) return with_dot(digits);
        if (!minor.empty()) return fmt::format("{}.{}", digits, minor);
        if (digits.size() == 2) return digits >= "80" ? with_dot(digits) : std::string(digits);
    }
    return std::nullopt;
}

// How much a package's word counts, the strongest first.
enum class Strength { runtime, pin, build, library, suffix, soname, ptx, none };

struct Claim {
    Strength strength = Strength::none;
    std::string version;
};

Claim claim_of_conda(const format::PackageInfo& p, const std::string& name) {
    if (name == "cudatoolkit" || name == "cuda-cudart" || name.starts_with("cuda-cudart_linux"))
        return {Strength::runtime, cuda_version(p.version)};
    if (name == "cuda-version" || name == "pytorch-cuda" || name == "cuda-toolkit" || name == "cuda-runtime")
        return {Strength::pin, cuda_version(p.version)};
    if (auto version = version_in(p.build)) return {Strength::build, *version};
    return {};
}

Claim claim_of_wheel(const format::PackageInfo& p, const std::string& name) {
    if (name == "nvidia-cuda-runtime" || name.starts_with("nvidia-cuda-runtime-cu"))
        return {Strength::runtime, cuda_version(p.version)};
    if (name == "cuda-toolkit") return {Strength::pin, cuda_version(p.version)};
    if (const auto local = p.version.find('+'); local != std::string::npos)
        if (auto version = version_in(std::string_view(p.version).substr(local))) return {Strength::build, *version};
    // nvidia-cublas-cu12, cupy-cuda12x, jax-cuda12-plugin: the major version; mxnet-cu102, cupy-cuda92: both.
    for (const char* mark : {"-cuda", "-cu"})
        if (auto at = name.rfind(mark); at != std::string::npos)
            if (auto number = leading_number(std::string_view(name).substr(at + std::string_view(mark).size())))
                return {Strength::suffix, *number >= 80 ? with_dot(std::to_string(*number)) : std::to_string(*number)};
    return {};
}

// The CUDA version in a soname, of the libraries that count as CUDA itself does (cuFFT, cuSPARSE and others do not).
// Since CUDA 11 only the major counts: each libcudart.so.11.0 of 11.x has that soname.
std::optional<std::string> version_of_soname(std::string_view soname) {
    const auto [stem, version] = library_name(soname);
    for (std::string_view own : {"libcudart", "libcublas", "libcublasLt", "libnvrtc", "libnvJitLink"}) {
        const auto major = leading_number(version);
        if (stem != own || !major) continue;
        return *major < 11 && split(version, '.').size() == 2 ? std::string(version) : std::to_string(*major);
    }
    return std::nullopt;
}

} // namespace

std::vector<format::CudaEvidence> cuda_evidence(const std::vector<format::PackageInfo>& packages,
                                                const std::vector<LinkedLibrary>& libraries) {
    std::vector<std::pair<Strength, format::CudaEvidence>> found;
    auto add = [&](Strength strength, const std::string& version, std::string because) {
        if (auto major = leading_number(version); major && *major >= 8 && *major < 80)
            found.push_back({strength, {*major, version, std::move(because)}});
    };
    for (const format::PackageInfo& p : packages) {
        const std::string name = to_lower(p.name);
        // Of the packages in a captured prefix only conda's have a build.
        const bool conda = p.kind == "conda" || (p.kind == "captured" && !p.build.empty());
        const Claim claim = conda ? claim_of_conda(p, name) : claim_of_wheel(p, name);
        const bool by_build = conda && claim.strength == Strength::build;
        if (claim.strength != Strength::none)
            add(claim.strength, claim.version, p.name + " " + (by_build ? p.version + " " + p.build : p.version));
    }
    // One witness for each soname: a hundred libraries that need the same say nothing new.
    std::set<std::string_view> seen;
    for (const LinkedLibrary& library : libraries)
        if (library_name(library.path).stem == "libcudart")
            if (auto version = version_of_soname(library.path); version && seen.insert(library.path).second)
                add(Strength::library, *version, library.path);
    for (const LinkedLibrary& library : libraries)
        for (const std::string& soname : library.needed)
            if (auto version = version_of_soname(soname); version && seen.insert(soname).second)
                add(Strength::soname, *version, library.path + " needs " + soname);
    if (found.empty())
        for (const LinkedLibrary& library : libraries)
            if (!library.ptx_cuda.empty())
                add(Strength::ptx, library.ptx_cuda, fmt::format("the PTX in {}", library.path));
    // Of one strength the newest first: its driver runs the older ones too.
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        return a.first != Strength::soname && compare_versions(a.second.version, b.second.version) > 0;
    });
    std::vector<format::CudaEvidence> out;
    for (auto& [strength, evidence] : found) out.push_back(std::move(evidence));
    return out;
}

} // namespace tinderbox::advise
