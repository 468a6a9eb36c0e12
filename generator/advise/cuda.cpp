#include "generator/advise/cuda.hpp"

#include "common/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox {
namespace {

std::optional<int> leading_number(std::string_view text) {
    int value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    return value;
}

// "12.8.90" → "12.8"
std::string major_minor(std::string_view version) {
    auto parts = split(version, '.');
    return parts.size() < 2 ? std::string(version) : fmt::format("{}.{}", parts[0], parts[1]);
}

// A wheel's local version: "2.7.0+cu128" → 12.8, "+cu113" → 11.3.
std::optional<std::string> version_of_local(std::string_view version) {
    auto plus = version.find("+cu");
    if (plus == std::string_view::npos) return std::nullopt;
    std::string_view digits = version.substr(plus + 3);
    std::size_t count = 0;
    while (count < digits.size() && digits[count] >= '0' && digits[count] <= '9') ++count;
    if (count < 2) return std::nullopt;
    return fmt::format("{}.{}", digits.substr(0, count - 1), digits.substr(count - 1, 1));
}

} // namespace

std::vector<CudaEvidence> cuda_evidence(const std::vector<PackageInfo>& packages,
                                        const std::vector<std::pair<std::string, std::vector<std::string>>>& needed) {
    std::vector<CudaEvidence> out;
    auto add = [&](std::string version, std::string because) {
        if (auto major = leading_number(version); major && *major >= 8 && *major < 100)
            out.push_back({*major, std::move(version), std::move(because)});
    };
    for (const PackageInfo& p : packages) {
        std::string name = to_lower(p.name);
        bool runtime_wheel = p.kind == "wheel" && (name == "nvidia-cuda-runtime" || name.starts_with("nvidia-cuda-runtime-cu"));
        bool runtime_conda = p.kind == "conda" && (name == "cudatoolkit" || name == "cuda-cudart" || name == "cuda-version");
        if (runtime_wheel || runtime_conda) add(major_minor(p.version), p.name + " " + p.version);
    }
    for (const PackageInfo& p : packages)
        if (auto version = version_of_local(p.version)) add(*version, p.name + " " + p.version);
    for (const auto& [path, sonames] : needed)
        for (const std::string& soname : sonames)
            if (soname.starts_with("libcudart.so."))
                add(std::string(split(soname.substr(13), '.')[0]), path + " needs " + soname);
    return out;
}

} // namespace tinderbox
