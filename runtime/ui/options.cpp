#include "runtime/ui/options.hpp"

#include "common/base/edit_distance.hpp"
#include "common/base/number.hpp"

#include <algorithm>
#include <functional>

namespace tinderbox::ui {
namespace {

struct OptionRow {
    char letter; // 0 = none
    std::string_view name;
    std::string_view argument; // "" = takes none; "[N]": may be left out
    std::string_view help;     // "" = not shown
    std::function<Status(RunOptions&, const std::string&)> apply;
};

Status set_mode(RunOptions& o, Mode mode, std::string_view name) {
    if (o.mode != Mode::install && o.mode != mode && o.mode != Mode::help)
        return make_error(ErrorKind::usage, "{} cannot be combined with another action; give one of them", name);
    if (o.mode != Mode::help) o.mode = mode;
    return {};
}

template <class Number>
Status take_number(std::string_view option, const std::string& value, Number least, Number most, Number& out) {
    if (parse_number(value, out) && out >= least && out <= most) return {};
    return make_error(ErrorKind::usage, "{} needs a number from {} to {}, not '{}'", option, least, most, value);
}

// One row an option, in the order in which --help shows them.
const std::vector<OptionRow>& option_rows() {
    auto flag = [](bool RunOptions::*member) {
        return [member](RunOptions& o, const std::string&) -> Status {
            o.*member = true;
            return {};
        };
    };
    auto text = [](std::string RunOptions::*member) {
        return [member](RunOptions& o, const std::string& value) -> Status {
            o.*member = value;
            return {};
        };
    };
    auto mode = [](Mode m, std::string_view name) {
        return [m, name](RunOptions& o, const std::string&) -> Status { return set_mode(o, m, name); };
    };
    static const std::vector<OptionRow> all = {
        {'b', "batch", "", "ask nothing; the licences count as accepted", flag(&RunOptions::batch)},
        {'i', "interactive", "", "ask (the default on a terminal)",
         [](RunOptions& o, const std::string&) -> Status {
             o.batch = false;
             o.ask = true;
             return {};
         }},
        {'p', "prefix", "DIR", "where to install (default: $HOME/NAME); may be relative or begin with ~",
         text(&RunOptions::prefix)},
        {'f', "force", "", "allow an existing DIR: what is in it stays; a conda gets envs/NAME",
         flag(&RunOptions::force)},
        {'u', "update", "", "the same as -f", flag(&RunOptions::update)},
        {'s', "skip-scripts", "", "run no package's scripts (post-link; with --uninstall, pre-unlink)",
         flag(&RunOptions::skip_scripts)},
        {'k', "keep-pkgs", "", "keep the base conda's package cache, PREFIX/pkgs", flag(&RunOptions::keep_packages)},
        {'m', "no-shortcuts", "", "make no menu entries (none are made on Linux)", flag(&RunOptions::skip_shortcuts)},
        {'t', "test", "", "run the import checks that the packages declare, when done", flag(&RunOptions::run_tests)},
        {'c', "init", "", "conda init: make your shells know conda (where there is a conda)",
         flag(&RunOptions::conda_init)},
        {'h', "help", "", "this text",
         [](RunOptions& o, const std::string&) -> Status {
             o.mode = Mode::help;
             return {};
         }},
        {0, "check", "", "look at this machine, its driver and DIR; write nothing", mode(Mode::check, "--check")},
        {0, "list", "", "the packages in this file", mode(Mode::list, "--list")},
        {0, "info", "", "what this file holds and needs", mode(Mode::info, "--info")},
        {0, "describe", "", "print what this machine is and DIR holds, for tinderbox build --target",
         mode(Mode::describe, "--describe")},
        {0, "files", "", "with --describe: every installed file by its hash", flag(&RunOptions::list_files)},
        {0, "with-host", "", "with --describe: name this machine", flag(&RunOptions::with_host)},
        {0, "license", "", "all licence texts", mode(Mode::license, "--license")},
        {0, "extract", "DIR", "only write the files for use in DIR: run, register and verify nothing",
         [](RunOptions& o, const std::string& value) -> Status {
             o.extract_to = value;
             return set_mode(o, Mode::extract, "--extract");
         }},
        {0, "verify-file", "", "check every byte of this file; install nothing",
         mode(Mode::verify_file, "--verify-file")},
        {0, "verify-only", "", "test GPU and imports of what is installed in DIR",
         mode(Mode::verify_only, "--verify-only")},
        {0, "integrity", "", "compare every file in DIR with what was installed", mode(Mode::integrity, "--integrity")},
        {0, "repair", "", "restore files in DIR that are damaged or missing; what you added stays",
         mode(Mode::repair, "--repair")},
        {0, "uninstall", "", "remove what was installed into DIR; what you added or changed stays",
         mode(Mode::uninstall, "--uninstall")},
        {0, "purge", "", "with --uninstall, --replace: what you added or changed goes, too", flag(&RunOptions::purge)},
        {0, "init-shells", "LIST", "-c for these: bash,zsh,fish,tcsh,xonsh,powershell; or all",
         [](RunOptions& o, const std::string& value) -> Status {
             if (value.empty()) return make_error(ErrorKind::usage, "--init-shells needs the names of shells, or all");
             o.conda_init = true;
             o.init_shells = value;
             return {};
         }},
        {0, "replace", "", "replace the environment in DIR, once the new one is complete", flag(&RunOptions::replace)},
        {0, "keep", "N", "with --replace, or an update: keep the last N environments that were there",
         [](RunOptions& o, const std::string& value) { return take_number("--keep", value, 1u, 1000u, o.keep); }},
        {0, "generations", "", "list the environments that --keep left beside DIR",
         mode(Mode::generations, "--generations")},
        {0, "rollback", "[N]", "bring generation N back to DIR (the newest)",
         [](RunOptions& o, const std::string& value) -> Status {
             if (!value.empty() && (!parse_number(value, o.generation) || o.generation == 0))
                 return make_error(ErrorKind::usage, "--rollback takes the number of a generation, not '{}'", value);
             return set_mode(o, Mode::rollback, "--rollback");
         }},
        {0, "no-gpu", "", "install even if this GPU or driver cannot run the environment", flag(&RunOptions::no_gpu)},
        {0, "gpu-memory", "N", "test N percent of each GPU's free memory (10; 0: none)",
         [](RunOptions& o, const std::string& value) {
             return take_number("--gpu-memory", value, 0, 95, o.gpu_memory.emplace());
         }},
        {0, "as-owner", "", "for root: become the user that DIR belongs to first", flag(&RunOptions::as_owner)},
        {0, "allow-shared", "", "accept that others could change the directories that lead to DIR",
         flag(&RunOptions::allow_shared)},
        {0, "private", "", "files for this user only (0700)", flag(&RunOptions::private_files)},
        {0, "jobs", "N", "at most N threads",
         [](RunOptions& o, const std::string& value) { return take_number("--jobs", value, 1u, 1024u, o.jobs); }},
        {0, "key", "FILE", "first check that this file was signed by this public key (PEM)",
         text(&RunOptions::key_file)},
        {0, "log", "FILE", "append every message to FILE", text(&RunOptions::log_file)},
        {0, "json", "", "results as JSON on standard output", flag(&RunOptions::json)},
        {0, "report", "FILE|DIR/", "write the report as a page to FILE, or to DIR/HOST.html and .json",
         text(&RunOptions::report_file)},
        {0, "no-host", "", "leave this machine's name out of the report", flag(&RunOptions::no_host)},
        {0, "quiet", "", "only warnings and errors", flag(&RunOptions::quiet)},
        {0, "version", "", "the version of Tinderbox that made this file", mode(Mode::version, "--version")},
    };
    return all;
}

Error unknown(std::string_view option) {
    std::string_view best;
    std::size_t best_distance = 4;
    if (option.starts_with("--")) {
        std::string_view name =
            option.substr(2, option.find('=') == std::string_view::npos ? option.npos : option.find('=') - 2);
        for (const OptionRow& row : option_rows()) {
            std::size_t d = name.size() >= 3 && row.name.starts_with(name) ? 0 : edit_distance(name, row.name);
            if (d < best_distance && d < name.size()) {
                best = row.name;
                best_distance = d;
            }
        }
    }
    if (best.empty()) return make_error(ErrorKind::usage, "unknown option '{}'; -h lists all options", option);
    return make_error(ErrorKind::usage, "unknown option '{}'; did you mean --{}?", option, best);
}

class Parser {
  public:
    explicit Parser(const std::vector<std::string>& arguments) : arguments_(arguments) {}

    Result<RunOptions> run() {
        for (; next_ < arguments_.size();) {
            const std::string& word = arguments_[next_++];
            if (word == "--") {
                if (next_ < arguments_.size()) return stray(arguments_[next_]);
                break;
            }
            if (word.starts_with("--")) TRY(long_option(word));
            else if (word.starts_with('-') && word.size() > 1) TRY(letters(word));
            else return stray(word);
        }
        const bool replaces = options_.replace && (options_.mode == Mode::install || options_.mode == Mode::check);
        const bool removes = options_.mode == Mode::uninstall || options_.mode == Mode::rollback;
        if (options_.purge && !replaces && !removes && options_.mode != Mode::help)
            return make_error(ErrorKind::usage, "--purge goes with --uninstall or --replace");
        if (options_.mode != Mode::describe && options_.mode != Mode::help) {
            if (options_.list_files) return make_error(ErrorKind::usage, "--files goes with --describe");
            if (options_.with_host) return make_error(ErrorKind::usage, "--with-host goes with --describe");
        }
        return std::move(options_);
    }

  private:
    static Error stray(std::string_view word) {
        return make_error(ErrorKind::usage, "unexpected argument '{}'; the directory to install into goes after -p",
                          word);
    }

    Result<std::string> value_for(std::string_view shown, std::string_view argument) {
        if (next_ >= arguments_.size())
            return make_error(ErrorKind::usage, "{} needs a value: {} {}", shown, shown, argument);
        return arguments_[next_++];
    }

    bool number_follows() const {
        return next_ < arguments_.size() && !arguments_[next_].empty() &&
               arguments_[next_].find_first_not_of("0123456789") == std::string::npos;
    }

    Status long_option(const std::string& word) {
        auto equals = word.find('=');
        std::string_view name =
            std::string_view(word).substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
        for (const OptionRow& row : option_rows()) {
            if (row.name != name) continue;
            if (row.argument.empty()) {
                if (equals != std::string::npos) return make_error(ErrorKind::usage, "--{} takes no value", name);
                return row.apply(options_, "");
            }
            if (equals != std::string::npos) return row.apply(options_, word.substr(equals + 1));
            if (row.argument.starts_with('[') && !number_follows()) return row.apply(options_, "");
            TRY_ASSIGN(std::string value, value_for(fmt::format("--{}", name), row.argument));
            return row.apply(options_, value);
        }
        return unknown(word);
    }

    // "-bfp DIR", "-bfpDIR": as getopts reads them.
    Status letters(const std::string& word) {
        for (std::size_t i = 1; i < word.size(); ++i) {
            auto row = std::ranges::find(option_rows(), word[i], &OptionRow::letter);
            if (row == option_rows().end() || word[i] == 0)
                return word.size() > 2 ? make_error(ErrorKind::usage,
                                                    "unknown option '-{}' in '{}'; -h lists all options", word[i], word)
                                       : unknown(word);
            if (row->argument.empty()) {
                TRY(row->apply(options_, ""));
                continue;
            }
            if (i + 1 < word.size()) return row->apply(options_, word.substr(i + 1));
            TRY_ASSIGN(std::string value, value_for(fmt::format("-{}", word[i]), row->argument));
            return row->apply(options_, value);
        }
        return {};
    }

    const std::vector<std::string>& arguments_;
    std::size_t next_ = 0;
    RunOptions options_;
};

} // namespace

Result<RunOptions> parse_options(const std::vector<std::string>& arguments) { return Parser(arguments).run(); }

std::string help_text(std::string_view name, std::string_view environment, std::string_view version) {
    std::string out =
        fmt::format("Installs the environment '{}' on this machine, without internet, and tests its GPU.\n\n"
                    "usage: sh {} [OPTIONS]\n\n",
                    environment, name);
    for (const OptionRow& row : option_rows()) {
        if (row.help.empty()) continue;
        std::string left =
            row.letter ? fmt::format("-{}, --{}", row.letter, row.name) : fmt::format("    --{}", row.name);
        if (!row.argument.empty()) left += fmt::format(" {}", row.argument);
        out += fmt::format("  {:<22} {}\n", left, row.help);
    }
    out += fmt::format("\nexit status: 0 done, 2 usage, 3 machine or driver, 4 damaged file, 5 disk or prefix,\n"
                       "  6 GPU test failed, 7 declined or interrupted, 10 a script or import failed, 70 a bug\n\n"
                       "made by Tinderbox {}\n",
                       version);
    return out;
}

} // namespace tinderbox::ui
