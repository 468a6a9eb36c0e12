// tinderbox cache info|clean
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "generator/commands/command.hpp"

#include <CLI/CLI.hpp>

namespace tinderbox {
namespace {

// What Tinderbox puts into the cache directory; other programs' files in it are never touched.
constexpr std::pair<const char*, const char*> parts[] = {
    {"artifacts", "downloads"}, {"documents", "index pages"}, {"parcels", "compressed artifacts"}};

Status info() {
    fs::path root = cache_directory();
    fmt::print("{}\n", root.string());
    for (auto [directory, what] : parts) {
        std::uint64_t bytes = 0, files = 0;
        std::error_code ec;
        for (fs::recursive_directory_iterator it(root / directory, ec), end; !ec && it != end; it.increment(ec)) {
            std::error_code ignored;
            if (!it->is_regular_file(ignored)) continue;
            ++files;
            bytes += it->file_size(ignored);
        }
        fmt::print("{:>12}  {:>9}  {} files ({})\n", directory, format_bytes(bytes), files, what);
    }
    return {};
}

Status clean() {
    fs::path root = cache_directory();
    for (auto [directory, what] : parts) TRY(remove_tree(root / directory));
    return {};
}

} // namespace

void add_cache(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("cache", "Show or empty the cache of downloads and parcels");
    command->require_subcommand(1);
    command->add_subcommand("info", "What is in it")->callback([&invocation] { invocation.run = info; });
    command->add_subcommand("clean", "Remove it")->callback([&invocation] { invocation.run = clean; });
}

} // namespace tinderbox
