// Fuzz target for locks: ours, conda-lock.yml, pixi.lock, pylock.toml, uv.lock. A lock of ours that is accepted is
// written as it was understood, and read again; of the others the wheels are chosen for two targets.
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
    auto lock = lock_from_json(root, "fuzz");
    if (!lock.ok()) return check(lock.error());
    const std::string written = lock_text(*lock);
    auto again = lock_from_json(json::parse(written), "again");
    if (!again.ok() || lock_text(*again) != written) __builtin_trap();
    for (LockFormat format :
         {LockFormat::explicit_list, LockFormat::conda_lock, LockFormat::pylock, LockFormat::requirements})
        if (export_lock(*lock, format).text.empty()) __builtin_trap();
}

void try_foreign(SpecKind kind, const std::string& text) {
    auto lock = parse_foreign_lock(kind, text, "fuzz");
    if (!lock.ok()) return check(lock.error());
    if (inspect_json(*lock).dump(-1, ' ', false, json::error_handler_t::strict).empty()) __builtin_trap();
    auto shared = std::make_shared<const ForeignLock>(std::move(*lock));
    for (const std::string& name : {std::string(), std::string("dev"), std::string("-dev"), std::string("default")}) {
        LockChoice choice;
        if (!name.empty()) choice.names.push_back(name);
        auto taken = take_lock(shared, choice);
        if (!taken.ok()) {
            check(taken.error());
            continue;
        }
        for (const ForeignPackage* package : conda_of(*taken))
            if (package->name.empty()) __builtin_trap();
        pip::Target target;
        if (auto wheels = wheels_of(*taken, target, {"six"}); !wheels.ok()) check(wheels.error());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 1u << 16));
    auto decoded = decode_spec(text, "fuzz");
    if (!decoded.ok()) {
        check(decoded.error());
        return 0;
    }
    const SpecKind kind = recognise_spec(*decoded);
    if (kind == SpecKind::tinderbox_lock) try_ours(*decoded);
    // Also as what it does not look like: every reader has to bear every text.
    for (SpecKind other : {SpecKind::conda_lock, SpecKind::pixi_lock, SpecKind::pylock, SpecKind::uv_lock})
        if (kind == other || size < 512) try_foreign(other, *decoded);
    return 0;
}
