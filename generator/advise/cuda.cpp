#include "generator/advise/cuda.hpp"

#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/gpu_table.hpp"

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

// The version after `mark`: "cuda12.1" → 12.1; without a dot the last of three digits is the minor version, "+cu128" →
// 12.8. Two digits are a major version after the word "cuda" ("+cuda12") and both after "cu" ("+cu92").
std::optional<std::string> version_after(std::string_view text, std::string_view mark) {
    auto at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + mark.size());
    auto digits_of = [](std::string_view t) { return t.substr(0, t.find_first_not_of("0123456789")); };
    const std::string_view digits = digits_of(text);
    const bool dotted = digits.size() < text.size() && text[digits.size()] == '.';
    const std::string_view minor = dotted ? digits_of(text.substr(digits.size() + 1)) : "";
    if (digits.empty()) return std::nullopt;
    if (!minor.empty()) return fmt::format("{}.{}", digits, minor);
    if (digits.size() >= 3 || (digits.size() == 2 && mark == "+cu"))
        return fmt::format("{}.{}", digits.substr(0, digits.size() - 1), digits.substr(digits.size() - 1));
    return digits.size() == 2 ? std::optional(std::string(digits)) : std::nullopt;
}

// How much a package's word counts, the strongest first.
enum class Strength { runtime, pin, build, suffix, soname, none };

struct Claim {
    Strength strength = Strength::none;
    std::string version;
};

Claim claim_of_conda(const format::PackageInfo& p, const std::string& name) {
    if (name == "cudatoolkit" || name == "cuda-cudart" || name.starts_with("cuda-cudart_linux"))
        return {Strength::runtime, cuda_version(p.version)};
    if (name == "cuda-version" || name == "pytorch-cuda" || name == "cuda-toolkit" || name == "cuda-runtime")
        return {Strength::pin, cuda_version(p.version)};
    // "py3.11_cuda12.1_cudnn8.9.2_0" (pytorch), "cuda120py311h…", "cuda_120…" (conda-forge)
    for (const char* mark : {"cuda_", "cuda"})
        if (auto version = version_after(p.build, mark)) return {Strength::build, *version};
    return {};
}

Claim claim_of_wheel(const format::PackageInfo& p, const std::string& name) {
    if (name == "nvidia-cuda-runtime" || name.starts_with("nvidia-cuda-runtime-cu"))
        return {Strength::runtime, cuda_version(p.version)};
    if (name == "cuda-toolkit") return {Strength::pin, cuda_version(p.version)};
    for (const char* mark : {"+cuda", "+cu"})
        if (auto version = version_after(p.version, mark)) return {Strength::build, *version};
    // nvidia-cublas-cu12, cupy-cuda12x, jax-cuda12-plugin: the major version only.
    for (const char* mark : {"-cuda", "-cu"})
        if (auto at = name.rfind(mark); at != std::string::npos)
            if (auto major = leading_number(std::string_view(name).substr(at + std::string_view(mark).size())))
                return {Strength::suffix, std::to_string(*major >= 100 ? *major / 10 : *major)};
    return {};
}

// The CUDA major in a soname, of the libraries that count as CUDA itself does (cuFFT, cuSPARSE and others do not).
std::optional<std::string> major_of_soname(std::string_view soname) {
    for (std::string_view stem :
         {"libcudart.so.", "libcublas.so.", "libcublasLt.so.", "libnvrtc.so.", "libnvJitLink.so."})
        if (soname.starts_with(stem)) return std::string(split(soname.substr(stem.size()), '.')[0]);
    return std::nullopt;
}

} // namespace

std::vector<format::CudaEvidence>
cuda_evidence(const std::vector<format::PackageInfo>& packages,
              const std::vector<std::pair<std::string, std::vector<std::string>>>& needed) {
    std::vector<std::pair<Strength, format::CudaEvidence>> found;
    auto add = [&](Strength strength, const std::string& version, std::string because) {
        if (auto major = leading_number(version); major && *major >= 8 && *major < 100)
            found.push_back({strength, {*major, version, std::move(because)}});
    };
    for (const format::PackageInfo& p : packages) {
        const std::string name = to_lower(p.name);
        const Claim claim = p.kind == "conda" ? claim_of_conda(p, name) : claim_of_wheel(p, name);
        const bool by_build = p.kind == "conda" && claim.strength == Strength::build;
        if (claim.strength != Strength::none)
            add(claim.strength, claim.version, p.name + " " + (by_build ? p.version + " " + p.build : p.version));
    }
    // One witness for each soname: a hundred libraries that need the same say nothing new.
    std::set<std::string_view> seen;
    for (const auto& [path, sonames] : needed)
        for (const std::string& soname : sonames)
            if (auto major = major_of_soname(soname); major && seen.insert(soname).second)
                add(Strength::soname, *major, path + " needs " + soname);
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
