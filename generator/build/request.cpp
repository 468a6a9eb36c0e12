#include "generator/build/request.hpp"

#include "common/base/input_file.hpp"
#include "common/base/names.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/project.hpp"
#include "generator/embed/embedded.hpp"
#include "generator/lock/cuda_request.hpp"
#include "generator/lock/update.hpp"
#include "generator/pip/config.hpp"
#include "generator/pip/target.hpp"
#include "generator/spec/spec_text.hpp"

#include <algorithm>

namespace tinderbox::build {
namespace {

Result<spec::Request> command_line_request(const Options& options) {
    spec::Request out;
    out.kind = "command line";
    for (const std::string& match_spec : options.conda) TRY(spec::add_conda(out, match_spec));
    for (const std::string& requirement : options.pip) TRY(spec::add_pip(out, requirement));
    out.channels = options.channels;
    if (!options.index_url.empty()) out.pip_options.index_url = options.index_url;
    out.pip_options.extra_index_urls = options.extra_index_urls;
    out.pip_options.find_links = options.find_links;
    out.pip_options.no_index = options.no_index;
    out.pip_options.pre = options.pre;
    const bool captures = !options.python_from.empty() || !options.from_prefix.empty();
    if (!options.python.empty() && !options.pip_only && !captures) TRY(lock::add_python(out, options.python));
    if (options.specs.empty() && out.conda.empty() && out.pip.empty() && !captures)
        return make_error(ErrorKind::usage,
                          "nothing to build: name a SPEC (requirements.txt, environment.yml, …), or use --pip, "
                          "--conda, --python, --python-from or --from-prefix");
    return out;
}

// What a request says of names is understood by `inspect`, too. Here it becomes directories and words of a shell.
Status check_names(const Options& options, const spec::Request& request) {
    const std::string where = request.name_line.line > 0 ? request.name_line.str() : request.source;
    if (!request.name.empty() && options.env_name.empty()) TRY(check_environment_name(request.name).in(where));
    for (const auto& [name, value] : request.variables) TRY(check_variable(name, value).in(request.source));
    return {};
}

Status merge_request(const Options& options, Requested& out) {
    std::vector<spec::Request> requests;
    std::error_code ignored;
    Status asks; // the first file that asks for nothing
    for (const std::string& argument : options.specs) {
        spec::LockChoice choice;
        choice.platform = options.platform;
        choice.environment = options.env_name;
        TRY_ASSIGN(spec::Request request, spec::read_spec(argument, std::move(choice)));
        TRY(check_names(options, request));
        if (asks.ok()) asks = spec::check_asks(request);
        // A pipe cannot be compared with the lock later.
        if (const std::string path = spec::split_argument(argument).path;
            !is_stream(path) && fs::is_regular_file(path, ignored))
            out.sources.push_back({argument, lock::request_digest(request)});
        TRY(add_own_project(options, spec::split_argument(argument).path, request));
        requests.push_back(std::move(request));
    }
    TRY_ASSIGN(spec::Request words, command_line_request(options));
    // Last, so that the command line's index counts before a file's.
    requests.push_back(std::move(words));
    TRY_ASSIGN(out.request, spec::merge(std::move(requests)));
    // Variables and scripts for a captured environment are something to build.
    const bool captures = !options.python_from.empty() || !options.from_prefix.empty();
    const bool dresses = captures && (!out.request.variables.empty() || !out.request.post_install.empty());
    if (!spec::asks_for_packages(out.request) && !dresses) TRY(std::move(asks));
    TRY(spec::check_bundled(out.request));
    if (!options.env_name.empty()) {
        TRY(check_environment_name(options.env_name).in("--name"));
        out.request.name = options.env_name;
    }
    if (options.cuda.empty()) return {};
    return lock::add_cuda(out.request, options.cuda, as_text(embed::embedded("templates/cuda_indexes.json")));
}

// lock --pip-only leaves conda's packages out; only the version of conda's python counts.
Status keep_only_pip(const Options& options, Requested& out) {
    out.wheel_python = options.python;
    for (const spec::CondaSpec& spec : out.request.conda) {
        if (spec.name == "python" && out.wheel_python.empty()) {
            std::string_view version = spec.version;
            while (version.starts_with('=')) version.remove_prefix(1);
            if (version.ends_with(".*")) version.remove_suffix(2);
            out.wheel_python = version;
        }
        out.request.ignored.push_back({"conda package " + pip::printable(spec.text), "--pip-only", spec.line});
    }
    out.request.conda.clear();
    out.request.channels.clear();
    if (!spec::asks_for_packages(out.request))
        return make_error(ErrorKind::usage, "--pip-only: the request has no pip packages; leave the option away");
    if (out.wheel_python.empty() && options.python_from.empty() && options.from_prefix.empty())
        return make_error(ErrorKind::usage, "--pip-only: for which Python? add --python 3.11 (or another version)");
    return {};
}

// A bare requirements.txt gets conda's Python, the newest unless the request bounds it.
Status add_default_python(const Options& options, Requested& out) {
    spec::Request& request = out.request;
    const bool wheels = !request.pip.empty() || !request.locks.empty();
    if (!wheels || !options.python_from.empty() || !options.from_prefix.empty()) return {};
    const bool named = std::ranges::any_of(
        request.conda, [](const spec::CondaSpec& spec) { return spec.name == "python" || !spec.url.empty(); });
    if (named) return {};
    out.python_is_default = true;
    const std::string source = request.source.empty() ? "the request" : request.source;
    return spec::add_conda(request, "python" + request.requires_python, {source + " (which names no Python)", 0});
}

void warn_of_changed_sources(const lock::Lock& lock, const std::string& path, Reporter& reporter) {
    for (const std::string& source : lock::changed_sources(lock, path))
        reporter.warning(fmt::format("{} has changed since {} was made; 'tinderbox lock {} -o {}' follows it", source,
                                     path, source, path));
}

Result<std::optional<lock::Lock>> read_given_lock(const std::string& argument) {
    const auto [path, names] = spec::split_argument(argument);
    TRY_ASSIGN(std::optional<lock::Lock> lock, read_if_lock(path));
    if (lock && !names.empty())
        return make_error(ErrorKind::usage,
                          "{}: it is a tinderbox lock, which has nothing to choose; leave the [{}] "
                          "away",
                          path, names.front());
    return lock;
}

} // namespace

Result<std::optional<lock::Lock>> read_if_lock(const std::string& path) {
    TRY_ASSIGN(const std::string text, spec::read_spec_text(path));
    if (spec::recognise_spec(text) != spec::SpecKind::tinderbox_lock) return std::optional<lock::Lock>();
    TRY_ASSIGN(lock::Lock lock, lock::parse_lock(text, path));
    return std::optional(std::move(lock));
}

Result<Requested> read_request(const Options& options, Reporter& reporter) {
    Requested out;
    TRY(pip::check_platform(options.platform).in("--platform"));
    TRY_ASSIGN(out.target, advise::parse_target(options.target_gpus, options.target_driver));
    TRY_ASSIGN(out.machines, advise::read_machines(options.targets));
    if (options.specs.size() == 1) {
        TRY_ASSIGN(out.lock, read_given_lock(options.specs.front()));
    }
    TRY(advise::check_processor(out.machines, out.platform(options)));
    if (out.lock) {
        warn_of_changed_sources(*out.lock, options.specs.front(), reporter);
    } else {
        TRY(merge_request(options, out));
        TRY(options.pip_only ? keep_only_pip(options, out) : add_default_python(options, out));
    }
    // A lock names no mirrors, credentials or certificates: they are this machine's.
    TRY_ASSIGN(auto config, pip::read_config());
    out.request.pip_options.add_defaults(config.options);
    // Only the project itself is built: of other packages wheels are taken.
    if (options.with_project && !options.allow_sdist) out.request.pip_options.only_binary = {":all:"};
    return out;
}

} // namespace tinderbox::build
