#include "generator/build/relock.hpp"

#include "generator/build/fetch.hpp"
#include "generator/build/includes.hpp"
#include "generator/build/sizes.hpp"
#include "generator/build/solve.hpp"
#include "generator/build/target.hpp"
#include "generator/lock/update.hpp"

namespace tinderbox::build {
namespace {

// The files that `lock`, which lies at `path`, answers.
Result<std::vector<std::string>> remembered_specs(const lock::Lock& lock, const std::string& path,
                                                  const std::string& update) {
    std::vector<std::string> out;
    std::error_code ignored;
    for (const lock::LockedSource& source : lock.sources) {
        fs::path file = source.path;
        if (file.is_relative()) file = fs::path(path).parent_path() / file;
        if (!fs::exists(spec::split_argument(file.string()).path, ignored))
            return make_error(ErrorKind::usage,
                              "{}: it answers '{}', which is not there; give the request too: tinderbox lock REQUEST "
                              "-o {} --update {}",
                              path, source.path, path, update);
        out.push_back(file.string());
    }
    if (out.empty())
        return make_error(
            ErrorKind::usage,
            "{}: it does not say which file it answers; give the request too: tinderbox lock REQUEST -o {} --update {}",
            path, path, update);
    return out;
}

// "lock demo.lock --update PKG": the lock remembers its request, and is replaced unless -o says otherwise.
Status use_remembered_request(const lock::Lock& lock, const std::string& update, Options& options) {
    const std::string path = options.specs.front();
    if (options.output.empty()) options.output = path;
    TRY_ASSIGN(options.specs, remembered_specs(lock, path, update));
    if (options.base.empty() && lock.base && lock.base->kind != "installer") options.base = lock.base->kind;
    options.platform = lock.platform;
    if (options.target_glibc.empty() && options.targets.empty()) options.target_glibc = lock.target_glibc;
    if (lock.captured) capture_again(*lock.captured, options.python_from, options.from_prefix);
    return {};
}

// The lock that -o is about to replace. Where `options` name a lock of ours alone, to be updated, its request replaces
// it in them.
Result<std::optional<lock::Lock>> read_previous(const std::vector<std::string>& update, Options& options) {
    std::error_code ignored;
    if (!update.empty() && options.specs.size() == 1) {
        const spec::SpecArgument argument = spec::split_argument(options.specs.front());
        const std::string path = options.specs.front();
        if (auto lock = read_if_lock(argument.path); lock.ok() && *lock) {
            TRY(use_remembered_request(**lock, update.front(), options));
            if (options.output == path) return lock;
        } else if (!lock.ok() && lock.error().kind == ErrorKind::usage) {
            return std::move(lock).error();
        }
    }
    if (options.output.empty() || !fs::is_regular_file(options.output, ignored)) return std::optional<lock::Lock>();
    return read_if_lock(options.output);
}

// The sources as they are named from the lock's directory.
std::vector<lock::LockedSource> beside(const std::string& output, std::vector<lock::LockedSource> sources) {
    std::error_code ignored;
    const fs::path directory = fs::absolute(output.empty() ? fs::path("x") : fs::path(output), ignored).parent_path();
    for (lock::LockedSource& source : sources)
        source.path = fs::absolute(source.path, ignored).lexically_normal().lexically_relative(directory).string();
    return sources;
}

} // namespace

Result<Relocked> relock(const RelockOptions& given, Reporter& reporter) {
    // The lock that is replaced tells which versions are pinned.
    const std::vector<std::string>& update = given.update;
    Options options = given.build;
    TRY_ASSIGN(const std::optional<lock::Lock> previous, read_previous(update, options));
    if (!update.empty() && !previous)
        return make_error(ErrorKind::usage, "--update {}: there is no lock to update; name it with -o FILE.lock",
                          update.front());

    // The same passes as those of a build.
    TRY_ASSIGN(Requested requested, read_request(options, reporter));
    TRY_ASSIGN(const auto fetcher, open_fetcher(options, requested, reporter));
    if (!update.empty()) TRY(lock::pin_to(*previous, options.output, update, requested.request));
    TRY_ASSIGN(const Captured captured, capture(options, requested, reporter));
    TRY_ASSIGN(lock::Lock lock, solve(options, requested, captured, *fetcher, reporter));
    TRY(read_includes(options, requested, lock, reporter));
    TRY(check_planned_target(options, requested, captured, lock));

    // A lock names every hash and size.
    TRY(fetch_unknown(lock, *fetcher, reporter));
    ask_sizes(lock, *fetcher, reporter);

    if (!update.empty()) TRY(lock::check_pins(*previous, lock, update));
    if (!requested.lock) lock.sources = beside(options.output, std::move(requested.sources));
    return Relocked{std::move(lock), previous, options.output};
}

} // namespace tinderbox::build
