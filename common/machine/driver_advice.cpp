#include "common/machine/driver_advice.hpp"

#include "common/base/text.hpp"
#include "common/machine/gpu_table.hpp"

#include <algorithm>
#include <charconv>

namespace tinderbox::machine {
namespace {

// NVIDIA's branches with long support, as of November 2026. Source: "Supported Drivers and CUDA Toolkit Versions" of
// NVIDIA Data Center Drivers, editions 615 (R535 to June 2026) and 620 (R580 to June 2028, R620 to September 2029;
// branches that it leaves out have ended). The newest branch that fits is advised. Few distributions have the youngest
// one, so it is advised only where the others are too old.
struct LongTermBranch {
    int number;
    std::string_view ended; // "" while it is supported
};
constexpr LongTermBranch long_term_branches[] = {
    {470, "its support has ended"}, {535, "its support ended in June 2026"}, {580, ""}};
constexpr int young_long_term_branch = 620; // since 2026-11-04

std::string_view support_ended(int branch) {
    for (const LongTermBranch& one : long_term_branches)
        if (one.number == branch) return one.ended;
    return "";
}

int branch_of(std::string_view driver) {
    int value = 0;
    std::from_chars(driver.data(), driver.data() + driver.size(), value);
    return value;
}

// Each release of Debian has one branch.
int debian_branch(std::string_view version) {
    return version == "11" ? 470 : version == "12" ? 535 : version == "13" ? 550 : 0;
}

char open_module(const DriverRequest& request) {
    bool any_required = false, all_possible = true;
    for (int compute : request.compute) {
        const GpuGeneration* g = generation_of(compute);
        any_required = any_required || (g && g->open_module == 'y');
        all_possible = all_possible && g && g->open_module != 'n';
    }
    return any_required ? 'y' : all_possible && !request.compute.empty() ? 'c' : 'n';
}

// The command, or "" where the distribution's own packages do not hold such a driver.
std::string command(const DriverRequest& request, const Distribution& d, int branch) {
    const char open = open_module(request);
    if (d.family == "ubuntu") return fmt::format("apt install nvidia-driver-{}{}", branch, open == 'y' ? "-open" : "");
    if (d.family == "debian" && debian_branch(d.version) >= std::max(branch_of(request.at_least), 1) && open != 'y')
        return fmt::format("{}apt install nvidia-driver",
                           d.driver_repository ? "" : "add 'contrib non-free' in /etc/apt/sources.list, apt update, ");
    if (d.family == "fedora" && d.driver_repository) return "dnf install akmod-nvidia xorg-x11-drv-nvidia-cuda";
    if (d.family == "rhel" && d.driver_repository)
        return fmt::format("dnf module install nvidia-driver:{}{}", branch, open == 'y' ? "-open" : "-dkms");
    if (d.family == "suse" && d.driver_repository)
        return open == 'n' ? "zypper install nvidia-driver-G06-kmp-default nvidia-compute-utils-G06"
                           : "zypper install nvidia-open-driver-G06-signed-kmp-default nvidia-compute-utils-G06";
    if (d.family == "arch" && open != 'n') return "pacman -S nvidia-open nvidia-utils";
    return {};
}

// The driver of a Debian release stays on the branch that it came with.
std::string remark_on_distribution(const Distribution& d) {
    const int branch = d.family == "debian" ? debian_branch(d.version) : 0;
    if (support_ended(branch).empty()) return "";
    return fmt::format(" (NVIDIA's branch {}: {})", branch, support_ended(branch));
}

std::string headers_package(const Distribution& d, const std::string& release) {
    if (d.family == "debian" || d.family == "ubuntu") return "linux-headers-" + release;
    if (d.family == "rhel" || d.family == "fedora") return "kernel-devel-" + release;
    if (d.family == "suse") return "kernel-default-devel for kernel " + release;
    return "the headers of kernel " + release;
}

std::string by_carrying(const DriverRequest& request, const Distribution& d, int branch) {
    const std::string file = fmt::format("NVIDIA-Linux-{}-{}.*.run", request.machine, branch);
    std::string headers;
    if (!d.headers && !request.kernel_release.empty())
        headers = fmt::format(" and {}, gcc and make", headers_package(d, request.kernel_release));
    return fmt::format("fetch {} (NVIDIA's Unix driver archive, the newest of branch {}){} on a machine with internet; "
                       "here {}run 'sh {}' as root and reboot",
                       file, branch, headers, headers.empty() ? "" : "install those, ", file);
}

} // namespace

int driver_branch(const DriverRequest& request) {
    int newest_allowed = 0; // 0: any
    int oldest = branch_of(request.at_least);
    for (int compute : request.compute)
        if (const GpuGeneration* g = generation_of(compute)) {
            if (g->last_branch && (!newest_allowed || g->last_branch < newest_allowed)) newest_allowed = g->last_branch;
            oldest = std::max(oldest, branch_of(g->first_driver));
        }
    if (newest_allowed && oldest > newest_allowed) return 0;
    int best = 0;
    for (const auto& [branch, ended] : long_term_branches)
        if (branch >= oldest && (!newest_allowed || branch <= newest_allowed)) best = branch;
    if (best) return best;
    const bool young =
        oldest <= young_long_term_branch && (!newest_allowed || young_long_term_branch <= newest_allowed);
    return young ? young_long_term_branch : oldest; // newer than all branches with long support: the request itself
}

std::string driver_advice(const DriverRequest& request, const Distribution& d, std::string_view verb) {
    std::string what = fmt::format("{} NVIDIA's driver {} or newer", verb, request.at_least);
    const int branch = driver_branch(request);
    if (branch == 0) return what;
    int last = 0;
    for (int compute : request.compute)
        if (const GpuGeneration* g = generation_of(compute); g && g->last_branch)
            last = last ? std::min(last, g->last_branch) : g->last_branch;
    if (last)
        what += fmt::format(", of branch {} at most (the last one for this GPU{}{})", last,
                            support_ended(last).empty() ? "" : "; ", support_ended(last));
    if (request.container) return what + " on the host: a container uses the host's driver";
    if (d.name.empty() && d.family.empty()) return what;
    const std::string carried = by_carrying(request, d, branch);
    if (const std::string typed = d.repositories ? command(request, d, branch) : ""; !typed.empty())
        return fmt::format("{}: as root '{}' and reboot{}; without that repository: {}", what, typed,
                           remark_on_distribution(d), carried);
    return fmt::format("{}: {}", what, carried);
}

} // namespace tinderbox::machine
