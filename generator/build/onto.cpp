#include "generator/build/onto.hpp"

#include "common/format/run_file.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::build {
namespace {

Result<assemble::EarlierTable> read_one(const std::string& path) {
    TRY_ASSIGN(const format::RunFile run, format::RunFile::open(path));
    TRY_ASSIGN(const format::Manifest manifest, format::manifest_from_json(run.manifest()));
    if (manifest.base_installer)
        return make_error(ErrorKind::usage,
                          "'{}' installs a conda as well, and an update is for an environment alone; build both with "
                          "--base none",
                          path);
    assemble::EarlierTable out;
    out.installer = {manifest.name, to_hex(run.manifest_sha256())};
    out.platform = manifest.platform;
    TRY_ASSIGN(out.table, run.table());
    return out;
}

} // namespace

Result<std::vector<assemble::EarlierTable>> read_earlier(const Options& options) {
    std::vector<assemble::EarlierTable> out;
    for (const std::string& path : options.onto) {
        auto one = read_one(path);
        if (!one.ok()) return std::move(one).error().in("--onto");
        const bool twice = std::ranges::any_of(out, [&](const assemble::EarlierTable& earlier) {
            return earlier.installer.manifest_sha256 == one->installer.manifest_sha256;
        });
        if (!twice) out.push_back(*std::move(one));
    }
    return out;
}

Status check_earlier(const std::vector<assemble::EarlierTable>& earlier, const lock::Lock& lock) {
    if (earlier.empty()) return {};
    if (lock.base)
        return make_error(ErrorKind::usage,
                          "--onto: an update is for an environment alone, and this one comes with {}; add --base none",
                          lock.base->kind);
    for (const assemble::EarlierTable& one : earlier)
        if (one.platform != lock.platform)
            return make_error(ErrorKind::usage, "--onto: '{}' is for {}, and this installer is for {}",
                              one.installer.name, one.platform, lock.platform);
    return {};
}

Status leave_out(assemble::Image& image, const std::vector<assemble::LinkInput>& inputs,
                 const std::vector<assemble::EarlierTable>& earlier, const Options& options) {
    if (earlier.empty()) return {};
    TRY(assemble::make_update(image, inputs, earlier, options.jobs));
    if (image.manifest.update->inherited_files == 0)
        return make_error(
            ErrorKind::usage,
            "--onto: this environment has no file that the earlier one has, too; build it without --onto");
    return {};
}

Result<std::optional<assemble::UpdateWeight>> update_weight(const std::string& before, const std::string& after) {
    const std::optional<assemble::UpdateWeight> none;
    for (const std::string& path : {before, after})
        if (!format::looks_like_run(path)) return none;
    TRY_ASSIGN(const format::RunFile a, format::RunFile::open(before));
    TRY_ASSIGN(const format::RunFile b, format::RunFile::open(after));
    TRY_ASSIGN(const format::Manifest one, format::manifest_from_json(a.manifest()));
    TRY_ASSIGN(const format::Manifest two, format::manifest_from_json(b.manifest()));
    if (one.platform != two.platform || one.base_installer || two.base_installer || two.update) return none;
    TRY_ASSIGN(const format::Table earlier, a.table());
    TRY_ASSIGN(const format::Table now, b.table());
    return std::optional(assemble::weigh_update(earlier, now));
}

} // namespace tinderbox::build
