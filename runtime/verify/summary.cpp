#include "runtime/verify/summary.hpp"

#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/units.hpp"
#include "common/format/stage_times.hpp"
#include "common/machine/local_time.hpp"
#include "runtime/ui/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::verify {
namespace {

using nlohmann::json;

json packages_json(const format::Manifest& manifest) {
    json out = json::array();
    for (const format::PackageInfo& p : manifest.packages)
        out.push_back({{"name", p.name},
                       {"version", p.version},
                       {"build", p.build},
                       {"kind", p.kind},
                       {"license", p.license},
                       {"sha256", p.sha256},
                       {"requested", p.requested}});
    return out;
}

json installation_json(const InstallFacts& facts) {
    json stages = format::stages_to_json(facts.stages), notes = json::array();
    if (facts.already_complete) notes.push_back("everything was in place already");
    if (facts.resumed) notes.push_back("an interrupted installation was continued");
    for (const std::string& warning : facts.warnings) notes.push_back(warning);
    for (const std::string& note : facts.notes) notes.push_back(note);
    if (!facts.script_failure.empty()) notes.push_back(facts.script_failure);
    return {{"files", facts.files},
            {"bytes", facts.bytes},
            {"seconds", facts.seconds},
            {"resumed", facts.resumed},
            {"already_complete", facts.already_complete},
            {"io", facts.io},
            {"script_failure", facts.script_failure},
            {"stages", std::move(stages)},
            {"notes", std::move(notes)}};
}

// Without a verification only preflight's verdict is known.
json gpu_json(const ReportFacts& in) {
    if (in.verification) return {{"state", to_string(in.verification->gpu)}, {"reason", in.verification->reason}};
    if (!in.preflight) return nullptr;
    auto outcome = in.preflight->verdict.outcome;
    std::string_view state =
        outcome == machine::GpuVerdict::Outcome::usable ? "not verified" : machine::to_string(outcome);
    std::string reason =
        outcome == machine::GpuVerdict::Outcome::usable ? "nothing was run on it yet" : in.preflight->verdict.reason;
    return {{"state", state}, {"reason", reason}};
}

// "2 imports fail in your shell", "1 import fails".
std::string failing(std::size_t count, std::string_view where) {
    return fmt::format("{} fail{}{}", counted(count, "import"), count == 1 ? "s" : "", where);
}

// What is wrong besides the GPU, the worst first.
std::vector<std::string> faults(const ReportFacts& in) {
    std::vector<std::string> out;
    if (in.preflight && in.mode == ReportMode::verify_only)
        for (const machine::Finding& finding : in.preflight->findings)
            if (finding.id == "prefix-moved") out.emplace_back("it was moved or copied");
    if (in.installed && !in.installed->script_failure.empty()) out.emplace_back("a package's script failed");
    if (!in.verification) return out;
    std::size_t clean = 0, user = 0, gpu = 0;
    for (const ImportCheck& check : in.verification->imports.checks) {
        if (check.ok) continue;
        if (check.gpu_related) {
            ++gpu;
            continue;
        }
        if (check.name == "python") return {"Python does not start"};
        ++(check.environment == "user" ? user : clean);
    }
    if (clean != 0) out.push_back(failing(clean, ""));
    if (user != 0)
        out.push_back(clean != 0 ? fmt::format("{} more in your shell", user) : failing(user, " in your shell"));
    // A failed GPU has its own word in the headline.
    if (gpu != 0 && in.verification->gpu != Verification::Gpu::failed)
        out.push_back(failing(gpu, " without a GPU driver"));
    return out;
}

} // namespace

std::string activation_command(const std::string& prefix) { return "source " + shell_quote(prefix + "/bin/activate"); }

std::string first_program(const format::Manifest& manifest) {
    const bool lab = std::ranges::any_of(
        manifest.packages, [](const format::PackageInfo& p) { return p.name == "jupyterlab" && p.prefix.is_env(); });
    return lab ? "jupyter lab" : manifest.python ? "python" : "";
}

std::string_view to_string(ReportMode mode) {
    switch (mode) {
    case ReportMode::check:
        return "check";
    case ReportMode::install:
        return "install";
    case ReportMode::extract:
        return "extract";
    case ReportMode::verify_only:
        return "verify-only";
    }
    return "";
}

std::string summary_sentence(const ReportFacts& in) {
    const json gpu = gpu_json(in);
    const std::string state = gpu.is_object() ? gpu["state"].get<std::string>() : "";
    const bool failed = state == "failed" || state == "refused";
    // --no-gpu forgives: what ends with 0 works, but not with the GPU.
    const std::string_view forgiven = failed && in.exit_code == 0 ? " without a GPU" : "";
    std::string out;
    if (in.mode == ReportMode::check)
        out = in.exit_code == 0 ? fmt::format("this machine can run it{}", forgiven)
                                : "this machine cannot run it as asked";
    else if (in.mode == ReportMode::verify_only)
        out = in.exit_code == 0 ? fmt::format("works{}", forgiven) : "does not work as it should";
    else if (in.mode == ReportMode::extract) out = fmt::format("extracted to '{}'", in.prefix);
    else if (!in.installed) out = "not installed";
    else
        out = fmt::format("{} in '{}'", in.installed->already_complete ? "was installed already" : "installed",
                          in.prefix);
    std::vector<std::string> parts = faults(in);
    if (!state.empty() && (parts.empty() || state != "not needed"))
        parts.insert(failed ? parts.begin() : parts.end(), "GPU: " + state);
    for (const std::string& part : parts) out += "; " + part;
    return out;
}

json make_report(const ReportFacts& in) {
    json out = {{"report", ui::report_version},
                {"tinderbox", in.manifest.tinderbox_version},
                {"created", utc_time(in.now)},
                {"mode", to_string(in.mode)},
                {"name", in.manifest.name},
                {"environment", in.manifest.env_name},
                {"platform", in.manifest.platform},
                {"prefix", in.prefix},
                {"exit_code", in.exit_code},
                {"summary", summary_sentence(in)},
                {"installer", {{"file", in.file}, {"size", in.file_size}, {"manifest_sha256", in.manifest_sha256}}},
                {"requirements",
                 {{"glibc", in.manifest.requires_.glibc},
                  {"cuda_runtime", in.manifest.requires_.cuda_runtime},
                  {"driver_floor", in.manifest.requires_.driver_floor}}},
                {"packages", packages_json(in.manifest)},
                {"gpu", gpu_json(in)}};
    if (in.host) out["host"] = machine::to_json(*in.host);
    if (in.preflight) out["preflight"] = preflight::to_json(*in.preflight);
    if (in.installed) out["installation"] = installation_json(*in.installed);
    if (in.verification) out["verification"] = to_json(*in.verification);
    if (in.shells) out["shells"] = install::to_json(*in.shells);
    if (auto local = machine::local_time(in.now)) out["local_time"] = machine::to_json(*local);
    if (!in.included.empty()) out["included"] = in.included;
    if (in.installed && in.mode == ReportMode::install) {
        out["activate"] = activation_command(in.prefix);
        if (!in.start.empty()) out["start"] = in.start;
        if (!in.activate_with_conda.empty()) out["activate_with_conda"] = in.activate_with_conda;
    }
    return out;
}

} // namespace tinderbox::verify
