#include "generator/build/link.hpp"

#include "common/base/names.hpp"
#include "common/base/progress.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/redistribution.hpp"
#include "generator/build/target.hpp"
#include "generator/embed/embedded.hpp"
#include "versions.hpp"

namespace tinderbox::build {
namespace {

void say(const std::vector<machine::Finding>& findings, Reporter& reporter) {
    for (const machine::Finding& finding : findings) {
        if (finding.severity == machine::Severity::warning)
            reporter.warning(finding.advice.empty() ? finding.sentence : finding.sentence + "; " + finding.advice);
        else reporter.note("target", finding.sentence);
    }
}

// The image, before it is written, for every machine that was named or described.
Status check_targets(const Requested& requested, const assemble::Image& image, Reporter& reporter) {
    if (requested.names_gpu()) {
        TRY_ASSIGN(const auto findings, advise::check_target(requested.target, image.manifest.requires_));
        say(findings, reporter);
    }
    format::InstallInfo needs = image.manifest.install;
    if (image.manifest.update) needs.bytes = image.manifest.update->bytes; // the rest is there
    TRY_ASSIGN(auto findings, advise::check_machines(requested.machines, image.manifest, needs,
                                                     [&] { return format::names_differ_in_case(image.table); }));
    // That the processor fits was asked before the solve.
    std::erase_if(findings, [](const machine::Finding& finding) { return finding.id == "system"; });
    say(findings, reporter);
    return {};
}

// The stub and the probes are part of what is handed on: the licences of what they link go along.
std::string own_licenses() {
    std::string out;
    for (std::string_view name : embed::embedded_names())
        if (name.starts_with("licences/"))
            out += fmt::format("==== Tinderbox {} links {} ====\n\n{}\n\n", tinderbox_version, name.substr(9),
                               as_text(embed::embedded(name)));
    return out;
}

} // namespace

fs::path output_path(const Options& options, const lock::Lock& lock) {
    return options.output.empty() ? lock.name + ".run" : options.output;
}

Result<std::string> installer_name(const Options& options, const lock::Lock& lock) {
    const std::string file_name = output_path(options, lock).filename().string();
    const std::string name = file_name.ends_with(".run") ? file_name.substr(0, file_name.size() - 4) : file_name;
    TRY(check_installer_name(name).in(name.empty() ? "the request names no environment; add -o NAME.run" : "-o"));
    return name;
}

Result<assemble::Image> link(const Options& options, const Requested& requested, const Downloads& downloads,
                             const Packed& packed, const std::vector<assemble::EarlierTable>& earlier,
                             Reporter& reporter) {
    assemble::LinkOptions how;
    TRY_ASSIGN(how.name, installer_name(options, downloads.lock));
    how.level = options.level;
    how.strict = options.strict;
    how.base = packed.base ? &*packed.base : nullptr;
    const ElapsedLine line(reporter, "linking");
    TRY_ASSIGN(assemble::Image image,
               assemble::link(downloads.lock, packed.python_in(format::Root::env), packed.inputs, how));
    image.manifest.tinderbox_version = tinderbox_version;
    TRY(check_glibc(options, image.manifest.requires_));
    image.licenses += own_licenses();
    TRY(classify_redistribution(image.manifest, options.redistributable));
    for (const std::string& warning : image.warnings) reporter.warning(warning);
    TRY(leave_out(image, packed.inputs, earlier, options));
    TRY(check_targets(requested, image, reporter));
    return image;
}

} // namespace tinderbox::build
