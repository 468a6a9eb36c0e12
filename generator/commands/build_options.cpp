#include "generator/commands/build_options.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"

#include <CLI/CLI.hpp>

namespace tinderbox::commands {

namespace {

// An option whose words `parse` turns into an enumerator; its error becomes CLI11's.
template <class Value, class Parse>
CLI::Option* add_parsed(CLI::App& command, const char* name, Value& value, Parse parse, const char* help) {
    return command.add_option_function<std::string>(
        name,
        [&value, parse](const std::string& text) {
            auto parsed = parse(text);
            if (!parsed.ok()) throw CLI::ValidationError(parsed.error().message);
            value = *parsed;
        },
        help);
}

} // namespace

void add_options(CLI::App& command, build::Options& o, bool& plan, bool& as_json) {
    command.add_option("SPEC", o.specs,
                       "environment.yml, requirements.txt, pyproject.toml, construct.yaml, @EXPLICIT list, or a lock "
                       "(ours, conda-lock, pixi, "
                       "pylock, uv), or a directory with one of them; several merge; SPEC[NAME] takes an extra, a "
                       "group or an environment");
    command
        .add_option("--conda", o.conda,
                    "conda packages: match specs (NAME, NAME=VERSION, 'NAME>=1,<2', CHANNEL::NAME), URLs, files")
        ->group("What");
    command.add_option("--pip", o.pip, "pip requirements: NAME, NAME>=VERSION, NAME[EXTRA], a URL, a wheel")
        ->group("What");
    command
        .add_option(
            "--python", o.python,
            "Python of this version, from conda (with lock --pip-only: the one that pip packages are chosen for)")
        ->group("What");
    command
        .add_option("--cuda", o.cuda,
                    "CUDA of this version: conda's cudatoolkit or cuda-version, and wheels made for it")
        ->group("What");
    command
        .add_option("--include", o.include,
                    "File or directory to carry along: SRC or SRC:DEST, below share/NAME of the environment")
        ->group("What");
    command.add_option("--name", o.env_name, "Name of the environment")->group("What");
    command.add_option("--platform", o.platform, "linux-64 or linux-aarch64")->group("What")->capture_default_str();
    command
        .add_option("--base", o.base,
                    "The conda at PREFIX: miniconda[=VERSION], miniforge[=VERSION], an installer's .sh (file or URL), "
                    "none (default: miniforge when conda solves, else none)")
        ->group("Base");
    command.add_option("--python-from", o.python_from, "Capture this interpreter and its standard library")
        ->group("Base");
    command.add_flag("--no-pip", o.no_pip, "Leave out the pip that --python-from brings, as ensurepip has it")
        ->group("Base");
    command
        .add_option("--from-prefix", o.from_prefix,
                    "Capture this environment: a venv, a conda prefix, a standalone Python")
        ->group("Base");
    command
        .add_option("--channel", o.channels,
                    "conda channel: a name, a URL, a directory; the first is preferred (default: conda-forge)")
        ->group("Sources");
    add_parsed(command, "--channel-priority", o.channel_priority, conda::parse_channel_priority,
               "strict, flexible, disabled (default: as .condarc says, else flexible)")
        ->group("Sources");
    command.add_option("--index-url", o.index_url, "Package index (default: the one in pip's configuration)")
        ->group("Sources");
    command.add_option("--extra-index-url", o.extra_index_urls, "Further package index")->group("Sources");
    command.add_option("--find-links", o.find_links, "Directory or page with wheels")->group("Sources");
    command.add_flag("--no-index", o.no_index, "Only --find-links and local files")->group("Sources");
    add_parsed(command, "--index-strategy", o.index_strategy, pip::parse_index_strategy,
               "Which index answers: first-index (default), unsafe-first-match, "
               "unsafe-best-match")
        ->group("Sources");
    command.add_flag("--pre", o.pre, "Take pre-releases of pip packages as well")->group("Sources");
    command
        .add_flag("--allow-sdist", o.allow_sdist,
                  "Where a version has no wheel, make one of its source archive here with the environment's "
                  "own Python (runs the package's code)")
        ->group("Sources");
    auto* with =
        command.add_flag("--with-project", o.with_project,
                         "Build the wheel of the SPEC's own project (pyproject.toml, uv.lock) here and add it; with "
                         "--from-prefix also of what is installed there from its source directory (pip install -e)");
    with->group("Sources");
    command.add_flag("--no-project", o.no_project, "Leave the SPEC's own project out: its dependencies only")
        ->excludes(with)
        ->group("Sources");
    command.add_option("--insecure-host", o.insecure_hosts, "Host that may be reached without TLS")->group("Sources");
    command
        .add_option("--target", o.targets,
                    "Description of a machine that it must run on, from 'sh NAME.run --describe' there; of several "
                    "machines what all of them have")
        ->type_name("FILE")
        ->group("Target");
    command.add_option("--target-glibc", o.target_glibc, "Oldest glibc the environment must run with (default: 2.28)")
        ->group("Target");
    command
        .add_option("--target-gpu", o.target_gpus,
                    "GPU that it must run on: a name (\"RTX 3060\") or compute capability (8.6)")
        ->group("Target");
    command.add_option("--target-driver", o.target_driver, "NVIDIA driver that it must run with: 535, 535.154.05")
        ->group("Target");
    command.add_option("--virtual", o.virtuals, "What the target has: __cuda=11.4, __glibc=2.31; __cuda= for none")
        ->group("Target");
    command
        .add_option_function<std::string>(
            "--level", [&o](const std::string& text) { o.level = *parcel::parse_level(text); },
            "Compression: fast, default, max")
        ->group("Output")
        ->default_str("default")
        ->check(CLI::IsMember({"fast", "default", "max"}));
    command
        .add_option_function<std::string>(
            "--bytecode", [&o](const std::string& text) { o.bytecode = *lock::parse_bytecode(text); },
            "Where .py files are compiled: build, install")
        ->group("Output")
        ->default_str("build")
        ->check(CLI::IsMember({"build", "install"}));
    command.add_option("--sign", o.sign, "Sign with this private key (PEM, P-256): writes NAME.run.sig")
        ->group("Output");
    command
        .add_option_function<std::string>(
            "--split",
            [&o](const std::string& text) {
                auto size = parse_bytes(text);
                if (!size || *size == 0)
                    throw CLI::ValidationError(
                        fmt::format("--split needs a size such as 4G, 700M or a number of bytes, not '{}'", text));
                o.split = *size;
            },
            "Volumes smaller than SIZE: NAME.run, NAME.run.002, … (4G for FAT32)")
        ->group("Output");
    command.add_flag("--offline", o.offline, "Use only earlier downloads")->group("Run");
    command.add_flag("--strict", o.strict, "Treat warnings about packages' contents as errors")->group("Run");
    command.add_flag("--redistributable", o.redistributable, "Refuse packages whose terms restrict redistribution")
        ->group("Run");
    command.add_flag("--plan", plan, "Show the plan, build nothing")->group("Run");
    command.add_flag("--json", as_json, "The result as JSON on standard output")->group("Run");
    command.add_option("--jobs", o.jobs, "Threads (default: all cores)")->group("Run");
}

} // namespace tinderbox::commands
