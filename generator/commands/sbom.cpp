// tinderbox sbom FILE: a bill of materials of a .run or a lock.
#include "generator/report/sbom.hpp"

#include "common/base/output_file.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/base/time.hpp"
#include "common/base/units.hpp"
#include "generator/build/redistribution.hpp"
#include "generator/commands/command.hpp"
#include "versions.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tinderbox::commands {
namespace {

// SOURCE_DATE_EPOCH, else now: two bills of one lock can be the same bytes.
Result<std::string> creation_time() {
    TRY_ASSIGN(const std::optional<std::int64_t> epoch, source_date_epoch());
    return utc_time(epoch ? *epoch : now_seconds());
}

Status sbom(std::string file, const std::string& format, const std::string& output) {
    TRY(take_file_of_directory(file, spec::OwnLocks::taken));
    TRY_ASSIGN(report::Inventory inventory, report::read_inventory(file));
    if (inventory.kind == "request")
        return make_error(
            ErrorKind::usage,
            "{}: a request names no exact packages; make a lock of it first (tinderbox lock {} -o FILE.lock)", file,
            file);
    TRY_ASSIGN(report::RedistributionTable table, build::redistribution_table());
    table.classify_all(inventory.packages);
    report::SbomOptions options;
    options.tinderbox_version = tinderbox_version;
    TRY_ASSIGN(options.created, creation_time());
    std::string text = format::canonical_json(format == "spdx" ? report::spdx(inventory, options)
                                                               : report::cyclonedx(inventory, options));
    if (output.empty() || output == "-") {
        write_output(text);
        return {};
    }
    TRY(write_output_file(output, text));
    Terminal::get().note("written", fmt::format("{}: {}", output, counted(inventory.packages.size(), "package")));
    return {};
}

} // namespace

void add_sbom(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        app.add_subcommand("sbom", "Write a bill of materials of a .run or a lock (CycloneDX 1.6, SPDX 2.3)");
    auto file = std::make_shared<std::string>(), format = std::make_shared<std::string>("cyclonedx"),
         output = std::make_shared<std::string>();
    command->add_option("FILE", *file, "A .run or a lock")->required();
    command->add_option("--format", *format, "cyclonedx or spdx")
        ->capture_default_str()
        ->check(CLI::IsMember({"cyclonedx", "spdx"}));
    command->add_option("-o,--output", *output, "The file to write (default: standard output)");
    command->callback([=, &invocation] { invocation.run = [=] { return sbom(*file, *format, *output); }; });
}

} // namespace tinderbox::commands
