// Fuzz target for locks: ours, conda-lock.yml, pixi.lock, pylock.toml, uv.lock. An accepted lock of ours is written and
// read again; of the others wheels are chosen for two targets.
#include "mutate.hpp"

#include "common/base/file.hpp"
#include "generator/lock/export.hpp"
#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

#include <nlohmann/json.hpp>

using namespace tinderbox;
using nlohmann::json;

namespace {

void check(const Error& error) {
    if (error.kind != ErrorKind::usage || error.message.empty()) __builtin_trap();
}

void try_ours(const std::string& text) {
    json root = json::parse(text, nullptr, false);
    if (root.is_discarded()) return;
    auto lock = lock::lock_from_json(root, "fuzz");
    if (!lock.ok()) return check(lock.error());
    const std::string written = lock::lock_text(*lock);
    auto again = lock::lock_from_json(json::parse(written), "again");
    if (!again.ok() || lock::lock_text(*again) != written) __builtin_trap();
    for (lock::LockFormat format : {lock::LockFormat::explicit_list, lock::LockFormat::conda_lock,
                                    lock::LockFormat::pylock, lock::LockFormat::requirements})
        if (lock::export_lock(*lock, format).text.empty()) __builtin_trap();
}

void try_foreign(spec::SpecKind kind, const std::string& text) {
    auto lock = spec::parse_foreign_lock(kind, text, "fuzz");
    if (!lock.ok()) return check(lock.error());
    if (spec::inspect_json(*lock).dump(-1, ' ', false, json::error_handler_t::strict).empty()) __builtin_trap();
    auto shared = std::make_shared<const spec::ForeignLock>(std::move(*lock));
    for (const std::string& name : {std::string(), std::string("dev"), std::string("-dev"), std::string("default")}) {
        spec::LockChoice choice;
        if (!name.empty()) choice.names.push_back(name);
        auto taken = spec::select_packages(shared, choice);
        if (!taken.ok()) {
            check(taken.error());
            continue;
        }
        for (const spec::ForeignPackage* package : spec::conda_of(*taken))
            if (package->name.empty()) __builtin_trap();
        pip::Target target;
        if (auto wheels = spec::wheels_of(*taken, target, {"six"}); !wheels.ok()) check(wheels.error());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 16));
    auto decoded = spec::decode_spec(text, "fuzz");
    if (!decoded.ok()) {
        check(decoded.error());
        return 0;
    }
    const spec::SpecKind kind = spec::recognise_spec(*decoded);
    if (kind == spec::SpecKind::tinderbox_lock) try_ours(*decoded);
    // Every reader must bear every text, so each text is given to the other readers, too.
    for (spec::SpecKind other :
         {spec::SpecKind::conda_lock, spec::SpecKind::pixi_lock, spec::SpecKind::pylock, spec::SpecKind::uv_lock})
        if (kind == other || size < 512) try_foreign(other, *decoded);
    return 0;
}
