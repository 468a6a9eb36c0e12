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

} // namespace tinderbox::build
