// tinderbox diff A B: packages added, removed and changed between two locks, .runs or SPECs.
#include "common/base/standard_output.hpp"
#include "common/base/units.hpp"
#include "generator/build/onto.hpp"
#include "generator/commands/command.hpp"
#include "generator/report/columns.hpp"
#include "generator/report/difference.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tinderbox::commands {
namespace {

Result<bool> diff(std::string before, std::string after, bool as_json) {
    for (std::string* one : {&before, &after}) TRY(take_file_of_directory(*one, spec::OwnLocks::taken));
    TRY_ASSIGN(report::Inventory a, report::read_inventory(before));
    TRY_ASSIGN(report::Inventory b, report::read_inventory(after));
    report::Difference difference = report::difference_of(a, b);
    difference.before = before;
    difference.after = after;
    TRY_ASSIGN(const auto update, build::update_weight(before, after));
    nlohmann::json value = report::to_json(difference);
    if (update) value["update"] = {{"files", update->files}, {"bytes", update->bytes}, {"packed", update->packed}};
    if (as_json) write_output(format::canonical_json(value));
    else write_output(report::difference_text(difference, report::output_colour()));
    if (update && !as_json)
        write_output(fmt::format("{:>12}  about {}: {} of {} (tinderbox build --onto)\n", "update",
                                 format_bytes(update->packed), counted(update->files, "file"),
                                 format_bytes(update->bytes)));
    return difference.empty();
}

} // namespace

void add_diff(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("diff", "Compare two locks, .runs or SPECs, package by package");
    auto before = std::make_shared<std::string>(), after = std::make_shared<std::string>();
    auto as_json = std::make_shared<bool>(false), exit_code = std::make_shared<bool>(false);
    command->add_option("A", *before, "A lock, a .run or a SPEC")->required();
    command->add_option("B", *after, "Another")->required();
    command->add_flag("--json", *as_json, "As JSON");
    command->add_flag("--exit-code", *exit_code, "Exit with 1 when they differ (otherwise 0)");
    command->callback([=, &invocation] {
        invocation.run = [=, &invocation]() -> Status {
            TRY_ASSIGN(bool same, diff(*before, *after, *as_json));
            if (!same && *exit_code) invocation.exit_code = 1;
            return {};
        };
    });
}

} // namespace tinderbox::commands
