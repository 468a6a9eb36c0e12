// tinderbox cache info|clean
#include "common/base/file.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/format/manifest.hpp"
#include "generator/commands/command.hpp"
#include "generator/report/columns.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::commands {
namespace {

// Tinderbox's own directories in the cache directory; files of other programs in it are never touched.
constexpr std::pair<const char*, const char*> parts[] = {{"artifacts", "downloads"},
                                                         {"documents", "index pages"},
                                                         {"metadata", "requirements of wheels"},
                                                         {"built", "wheels made of source archives"},
                                                         {"parcels", "compressed artifacts"}};

struct Usage {
    std::uint64_t bytes = 0, files = 0;
};

Usage usage_of(const fs::path& directory) {
    Usage out;
    std::error_code ec;
    for (fs::recursive_directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec)) {
        std::error_code ignored;
        if (it->is_symlink(ignored) || !it->is_regular_file(ignored)) continue;
        ++out.files;
        out.bytes += it->file_size(ignored);
    }
    return out;
}

Status info(bool as_json) {
    fs::path root = cache_directory();
    Usage total;
    std::vector<std::vector<std::string>> rows = {{"PART", "SIZE", "FILES", "WHAT"}};
    nlohmann::json out = {{"directory", root.string()}, {"parts", nlohmann::json::object()}};
    for (auto [directory, what] : parts) {
        Usage usage = usage_of(root / directory);
        total.bytes += usage.bytes;
        total.files += usage.files;
        rows.push_back({directory, format_bytes(usage.bytes), std::to_string(usage.files), what});
        out["parts"][directory] = {{"bytes", usage.bytes}, {"files", usage.files}};
    }
    out["bytes"] = total.bytes;
    out["files"] = total.files;
    if (as_json) {
        write_output(format::canonical_json(out));
        return {};
    }
    rows.push_back({"in all", format_bytes(total.bytes), std::to_string(total.files), root.string()});
    write_output(report::columns(rows, {report::output_colour(), report::output_width(), {1, 2}, ""}));
    return {};
}

Status clean(const std::vector<std::string>& chosen, bool as_json) {
    fs::path root = cache_directory();
    Usage freed;
    for (auto [directory, what] : parts) {
        if (!chosen.empty() && std::ranges::find(chosen, directory) == chosen.end()) continue;
        Usage usage = usage_of(root / directory);
        TRY(remove_tree(root / directory));
        freed.bytes += usage.bytes;
        freed.files += usage.files;
    }
    if (as_json)
        write_output(format::canonical_json(
            {{"directory", root.string()}, {"removed_bytes", freed.bytes}, {"removed_files", freed.files}}));
    else
        Terminal::get().note("removed", fmt::format("{} in {} from {}", format_bytes(freed.bytes),
                                                    counted(freed.files, "file"), root.string()));
    return {};
}

} // namespace

void add_cache(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("cache", "Show or empty the cache of downloads and parcels");
    command->require_subcommand(1);
    auto as_json = std::make_shared<bool>(false);
    auto chosen = std::make_shared<std::vector<std::string>>();
    CLI::App* show = command->add_subcommand("info", "What is in it");
    show->add_flag("--json", *as_json, "As JSON");
    show->callback([=, &invocation] { invocation.run = [=] { return info(*as_json); }; });
    CLI::App* remove = command->add_subcommand("clean", "Remove it, or some of its parts");
    remove->add_option("PART", *chosen, "artifacts, documents, metadata, built, parcels (default: all)")
        ->check(CLI::IsMember({"artifacts", "documents", "metadata", "built", "parcels"}));
    remove->add_flag("--json", *as_json, "As JSON");
    remove->callback([=, &invocation] { invocation.run = [=] { return clean(*chosen, *as_json); }; });
}

} // namespace tinderbox::commands
