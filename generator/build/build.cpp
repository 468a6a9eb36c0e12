#include "generator/build/build.hpp"

#include "common/base/output_file.hpp"
#include "common/base/stopwatch.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/compile.hpp"
#include "generator/build/includes.hpp"
#include "generator/build/parcels.hpp"
#include "generator/build/redistribution.hpp"
#include "generator/build/sizes.hpp"
#include "generator/build/solve.hpp"
#include "generator/build/target.hpp"

namespace tinderbox::build {
namespace {

Result<std::optional<sign::SigningKey>> read_key(const Options& options) {
    if (options.sign.empty()) return std::optional<sign::SigningKey>();
    TRY_ASSIGN(sign::SigningKey key, sign::SigningKey::read(options.sign));
    return std::optional(std::move(key));
}

} // namespace

Result<Built> build(const Options& options, Reporter& reporter) {
    StageTimes seconds;
    Stopwatch watch(seconds);
    TRY_ASSIGN(const std::optional<sign::SigningKey> key, read_key(options));

    // What an update is for decides what it need not carry.
    TRY_ASSIGN(const auto earlier, read_earlier(options));

    // The SPECs and the command line become one request.
    TRY_ASSIGN(const Requested requested, read_request(options, reporter));
    TRY_ASSIGN(const auto fetcher, open_fetcher(options, requested, reporter));
    watch.lap("request");

    // An interpreter or a prefix of this machine becomes an artifact.
    TRY_ASSIGN(Captured captured, capture(options, requested, reporter));
    if (captured.any()) watch.lap("capture");

    // Channels and indexes are asked, and the request becomes a lock.
    TRY_ASSIGN(lock::Lock lock, solve(options, requested, captured, *fetcher, reporter));
    TRY(check_earlier(earlier, lock));
    watch.lap("solve");

    // The user's own files are pinned in it.
    TRY(read_includes(options, requested, lock, reporter));
    watch.lap("includes");

    // Everything that can be refused by names is refused before gigabytes are fetched.
    TRY(check_planned_target(options, requested, captured, lock));
    TRY(installer_name(options, lock));
    if (options.redistributable) TRY(check_redistribution(lock));
    TRY_ASSIGN(assemble::RunParts parts, run_parts(lock));
    TRY(check_output_file(output_path(options, lock)));

    // Each artifact of the lock becomes a file here.
    TRY_ASSIGN(const Downloads downloads, fetch(options, requested, captured, std::move(lock), *fetcher, reporter));
    watch.lap("fetch");

    // Each file becomes a parcel: compressed once, with relocations.
    TRY_ASSIGN(Packed packed, pack(options, downloads, captured, reporter));
    watch.lap("pack");

    // The environment's own Python compiles the parcels' sources.
    TRY(compile(options, downloads.lock, captured, packed, reporter));
    watch.lap("compile");

    // The parcels become one image.
    TRY_ASSIGN(assemble::Image image, link(options, requested, downloads, packed, earlier, reporter));
    watch.lap("link");

    // The image becomes NAME.run.
    TRY_ASSIGN(Built built,
               write(options, downloads, packed, std::move(image), std::move(parts), key ? &*key : nullptr, reporter));
    watch.lap("write");
    built.seconds = std::move(seconds);
    return built;
}

Result<Planned> plan(const Options& options, Reporter& reporter) {
    TRY_ASSIGN(const std::optional<sign::SigningKey> key, read_key(options));
    TRY_ASSIGN(const auto earlier, read_earlier(options));
    TRY_ASSIGN(const Requested requested, read_request(options, reporter));
    TRY_ASSIGN(const auto fetcher, open_fetcher(options, requested, reporter));
    TRY_ASSIGN(const Captured captured, capture(options, requested, reporter));
    TRY_ASSIGN(lock::Lock lock, solve(options, requested, captured, *fetcher, reporter));
    TRY(check_earlier(earlier, lock));
    TRY(read_includes(options, requested, lock, reporter));

    report::PlanOptions how;
    how.ask_servers = !options.offline;
    how.gpu = planned_needs(options, captured, lock);
    TRY(check_planned_target(options, requested, captured, lock));
    how.captured_bytes = captured.bytes();
    how.captured_python.version = captured.python().value("version", "");
    how.captured_python.stdlib = captured.python().value("stdlib", "");
    ask_sizes(lock, *fetcher, reporter);
    TRY_ASSIGN(const report::RedistributionTable table, redistribution_table());
    report::BuildPlan plan = report::make_build_plan(lock, table, how, *fetcher, reporter);
    // What an update leaves out is known when it is linked.
    if (earlier.empty()) TRY(check_planned_room(requested, plan, reporter));
    if (options.redistributable && !plan.restrictions.empty()) return redistribution_refusal(plan.restrictions);
    return Planned{std::move(plan), std::move(lock)};
}

} // namespace tinderbox::build
