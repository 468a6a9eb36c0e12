// The environments that were at a prefix before: --generations, --rollback. Any installer and the stub know them.
#include "runtime/install/generations.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/time.hpp"
#include "common/base/units.hpp"
#include "common/format/update.hpp"
#include "common/machine/local_time.hpp"
#include "runtime/session/session.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::session {

using nlohmann::json;

namespace {

std::string date_of(std::int64_t seconds) {
    const auto local = machine::local_time(seconds);
    return local ? local->time.substr(0, 16).replace(10, 1, " ") : utc_time_spaced(seconds);
}

std::string name_of(const place::InstalledEnvironment& installed) {
    return format::describe_installer({installed.manifest.name, installed.state.manifest_sha256});
}

} // namespace

// Whose environment it is does not matter: the one that is there may be another installer's.
Result<fs::path> Session::installed_root() const {
    TRY_ASSIGN(const std::string prefix, prefix_from(options_.prefix));
    for (const fs::path& root : {fs::path(prefix), fs::path(prefix) / "envs" / manifest_.env_name}) {
        TRY_ASSIGN(const auto installed, place::read_installed(root));
        if (installed) return root;
    }
    return make_error(ErrorKind::storage, "'{}' holds no environment of Tinderbox's", prefix);
}

Result<int> Session::generations() const {
    TRY_ASSIGN(const fs::path root, installed_root());
    TRY_ASSIGN(const auto found, install::generations_of(root, trust()));
    json list = json::array();
    std::vector<std::vector<std::string>> rows = {{"GENERATION", "NAME", "MANIFEST", "INSTALLED", "OWN", "SHARED"}};
    for (const install::Generation& one : found) {
        TRY_ASSIGN(const install::DiskUse use, install::disk_use(one.path, trust(), tree_work()));
        list.push_back({{"generation", one.number},
                        {"name", one.installed.manifest.name},
                        {"manifest_sha256", one.installed.state.manifest_sha256},
                        {"installed", one.since},
                        {"bytes", use.own},
                        {"shared_bytes", use.shared}});
        rows.push_back({std::to_string(one.number), one.installed.manifest.name,
                        one.installed.state.manifest_sha256.substr(0, 16), date_of(one.since), format_bytes(use.own),
                        format_bytes(use.shared)});
    }
    if (options_.json) write_output(format::canonical_json({{"prefix", root.string()}, {"generations", list}}));
    else if (!found.empty()) write_output(ui::render_columns(rows));
    else say(fmt::format("'{}' has no generations; --keep leaves them", root.string()));
    return 0;
}

Result<int> Session::rollback() const {
    TRY_ASSIGN(const fs::path root, installed_root());
    install::RollbackOptions how;
    how.number = options_.generation;
    how.purge = options_.purge;
    how.force = options_.allow_existing();
    how.trust = trust();
    how.work = tree_work();
    auto rolled = install::roll_back(root, how);
    terminal().end_progress();
    if (!rolled.ok()) return ended(std::move(rolled).error());
    for (const std::string& path : rolled->carried_over) terminal().note("kept", (root / path).string());
    if (options_.json)
        write_output(format::canonical_json({{"prefix", root.string()},
                                             {"name", rolled->back.installed.manifest.name},
                                             {"manifest_sha256", rolled->back.installed.state.manifest_sha256},
                                             {"put", rolled->put},
                                             {"carried_over", rolled->carried_over}}));
    else
        say(fmt::format("{}: {} is back; the environment that was there is generation {}", root.string(),
                        name_of(rolled->back.installed), rolled->put));
    return 0;
}

} // namespace tinderbox::session
