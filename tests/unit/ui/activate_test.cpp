// The activation scripts in the real shells; a shell that is not installed is skipped.
#include "common/base/file.hpp"
#include "common/base/process.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;

namespace {

std::string template_text(const std::string& name) {
    return read_text(fs::path(TINDERBOX_SOURCE_DIR) / "templates/activate" / name).value();
}

bool has_shell(const std::string& name) {
    ProcessSpec spec;
    spec.argv = {"sh", "-c", "command -v " + name};
    auto found = run_process(spec);
    return found.ok() && found->succeeded();
}

class Prefix {
  public:
    explicit Prefix(const std::string& name) : directory_(TemporaryDirectory::make().value()) {
        path = directory_.path().string() + "/" + name;
        write("bin/activate", render("activate", "export DEMO='x y'\nexport KEPT='new'\n"));
        write("bin/activate.fish", render("activate.fish", "set -gx DEMO 'x y'\nset -gx KEPT 'new'\n"));
        write("bin/activate.csh", render("activate.csh", "setenv DEMO 'x y'\nsetenv KEPT 'new'\n"));
    }
    std::string render(const std::string& name, const std::string& variables) const {
        std::string text = replace_all(template_text(name), "@NAME@", "demo");
        return replace_all(replace_all(text, "@VARIABLES@", variables), "@PREFIX@", path);
    }
    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((fs::path(path) / file).parent_path());
        REQUIRE(write_atomically(fs::path(path) / file, text).ok());
    }
    void hooks(const std::string& end, const std::string& a, const std::string& b, const std::string& off_a,
               const std::string& off_b) const {
        write("etc/conda/activate.d/a" + end, a);
        write("etc/conda/activate.d/b" + end, b);
        write("etc/conda/deactivate.d/a" + end, off_a);
        write("etc/conda/deactivate.d/b" + end, off_b);
    }
    fs::path scratch() const { return directory_.path(); }
    std::string path;

  private:
    TemporaryDirectory directory_;
};

// Runs `script` in `shell` with the variables PREFIX and SCRATCH set; its output must not hold an error.
std::string in_shell(const std::vector<std::string>& shell, const Prefix& prefix, const std::string& script) {
    ProcessSpec spec;
    spec.argv = shell;
    spec.argv.push_back((prefix.scratch() / "script").string());
    REQUIRE(write_atomically(prefix.scratch() / "script", script).ok());
    spec.clear_environment = true;
    spec.set = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                {"HOME", prefix.scratch().string()},
                {"P", prefix.path},
                {"S", prefix.scratch().string()},
                {"KEPT", "old  value"},
                {"LC_ALL", "C.UTF-8"},
                {"TERM", "dumb"}};
    spec.timeout_seconds = 120;
    spec.merge_stderr = true;
    auto result = run_process(spec);
    REQUIRE(result.ok());
    if (!result->succeeded()) UNSCOPED_INFO(result->describe());
    return result->output;
}

const std::vector<std::string> prefixes = {"plain", "with space", "o'brien $HOME \"x\" `y` é"};

// The script that every POSIX-like shell must run.
constexpr const char* posix_script = R"sh(
snapshot() { env | grep -v '^_=' | sort; echo "PS1=${PS1-unset}"; }
PS1='user> '
snapshot > "$S/before"
. "$P/bin/activate"
echo "path ${PATH%%:*}"
echo "prefix $CONDA_PREFIX env $CONDA_DEFAULT_ENV"
echo "prompt $PS1"
echo "variables $DEMO,$KEPT"
echo "hooks ${HOOKS-}"
. "$P/bin/activate"
echo "again $PS1"
deactivate
snapshot > "$S/after"
cmp "$S/before" "$S/after" && echo restored
command -v deactivate || echo gone
set | grep -i _tinderbox && echo leftovers
exit 0
)sh";

std::string expected_posix(const std::string& path) {
    return "path " + path + "/bin\nprefix " + path +
           " env demo\nprompt (demo) user> \nvariables x y,new\nhooks ab\nagain (demo) user> "
           "\nrestored\ngone\n";
}

} // namespace

TEST_CASE("activate and deactivate: bash, zsh, dash") {
    for (const std::vector<std::string>& shell : std::vector<std::vector<std::string>>{{"bash"},
                                                                                       {"zsh", "-f"},
                                                                                       {"dash"},
                                                                                       {"bash", "-eu"},
                                                                                       {"zsh", "-feu"},
                                                                                       {"dash", "-eu"},
                                                                                       {"bash", "--posix"}}) {
        if (!has_shell(shell[0])) {
            WARN(shell[0] << " is not installed: skipped");
            continue;
        }
        for (const std::string& name : prefixes) {
            Prefix prefix(name);
            prefix.hooks(".sh", "export HOOKS=a\n", "export HOOKS=${HOOKS}b\n", "unset HOOKS\n",
                         "HOOKS=${HOOKS}-off\n");
            // b is left before a, so the unset of a comes last.
            INFO(shell[0] << " " << name);
            CHECK(in_shell(shell, prefix, posix_script) == expected_posix(prefix.path));
        }
    }
}

TEST_CASE("activate beside others: bash") {
    Prefix prefix("plain");
    SECTION("no PS1, no hooks, PATH as it was") {
        CHECK(in_shell({"bash"}, prefix,
                       "unset PS1\n. \"$P/bin/activate\"\necho \"${PS1-none}\"\ndeactivate\necho "
                       "\"${PS1-none} $PATH\"\n") == "none\nnone /usr/local/bin:/usr/bin:/bin\n");
    }
    SECTION("a conda environment is active and stays below") {
        CHECK(in_shell({"bash"}, prefix,
                       "conda() { echo conda \"$@\"; }\nexport CONDA_PREFIX=/opt/conda "
                       "CONDA_DEFAULT_ENV=base CONDA_SHLVL=1 CONDA_PROMPT_MODIFIER='(base) '\n"
                       "PS1='(base) $ '\n. \"$P/bin/activate\"\necho \"$CONDA_PREFIX $PS1\"\nconda "
                       "works\ndeactivate\n"
                       "echo \"$CONDA_PREFIX $CONDA_DEFAULT_ENV $CONDA_SHLVL "
                       "$CONDA_PROMPT_MODIFIER$PS1\"\nconda works\n") ==
              prefix.path + " (demo) (base) $ \nconda works\n/opt/conda base 1 (base) (base) $ \nconda works\n");
    }
    SECTION("a virtual environment is left first") {
        CHECK(in_shell({"bash"}, prefix,
                       "deactivate() { echo left the venv; unset -f deactivate; }\n. "
                       "\"$P/bin/activate\"\ntype -t deactivate\n") == "left the venv\nfunction\n");
    }
    SECTION("a program named deactivate is not called") {
        prefix.write("other/deactivate", "#!/bin/sh\necho WRONG\n");
        fs::permissions(prefix.path + "/other/deactivate", fs::perms::owner_all);
        CHECK(in_shell({"bash"}, prefix, "PATH=$P/other:$PATH\n. \"$P/bin/activate\"\necho fine\n") == "fine\n");
    }
    SECTION("PYTHONHOME is put aside") {
        CHECK(in_shell({"bash"}, prefix,
                       "export PYTHONHOME=/x\n. \"$P/bin/activate\"\necho "
                       "\"${PYTHONHOME-none}\"\ndeactivate\necho $PYTHONHOME\n") == "none\n/x\n");
    }
    SECTION("without variables") {
        std::string text = replace_all(template_text("activate"), "@NAME@", "demo");
        prefix.write("bin/activate", replace_all(replace_all(text, "@VARIABLES@", ""), "@PREFIX@", prefix.path));
        CHECK(in_shell({"bash", "-eu"}, prefix, ". \"$P/bin/activate\"\necho \"$KEPT\"\ndeactivate\n") ==
              "old  value\n");
    }
}

TEST_CASE("activate and deactivate: fish") {
    if (!has_shell("fish")) SKIP("fish is not installed");
    for (const std::string& name : prefixes) {
        Prefix prefix(name);
        INFO(name);
        prefix.hooks(".fish", "set -gx HOOKS a\n", "set -gx HOOKS $HOOKS'b'\n", "set -e HOOKS\n", "");
        CHECK(in_shell({"fish", "--no-config"}, prefix, R"fish(
function snapshot; env | grep -v '^_=' | sort; end
function fish_prompt; echo "[$status]>"; end
snapshot > $S/before
source $P/bin/activate.fish
echo "path $PATH[1]"
echo "prefix $CONDA_PREFIX env $CONDA_DEFAULT_ENV"
echo "variables $DEMO,$KEPT"
echo "hooks $HOOKS"
source $P/bin/activate.fish
false
echo "prompt "(fish_prompt)
cd $P/bin; source activate.fish; echo "relative $CONDA_PREFIX"; cd $S
deactivate
cd /; set -e OLDPWD
snapshot > $S/now
grep -v PWD= $S/now > $S/after
grep -v PWD= $S/before | cmp - $S/after; and echo restored
true
echo "prompt "(fish_prompt)
functions -q deactivate; or echo gone
set -n | grep _tinderbox
functions -a -n | string split , | grep _tinderbox
true
)fish") == "path " + prefix.path + "/bin\nprefix " + prefix.path +
                  " env demo\nvariables x y,new\nhooks ab\nprompt (demo) [1]>\nrelative " + prefix.path +
                  "\nrestored\nprompt [0]>\ngone\n");
    }
}

TEST_CASE("activate and deactivate: csh and tcsh") {
    for (const char* shell : {"tcsh", "csh"}) {
        if (!has_shell(shell)) {
            WARN(shell << " is not installed: skipped");
            continue;
        }
        for (const std::string name : {"plain", "with space"}) {
            Prefix prefix(name);
            INFO(shell << " " << name);
            prefix.hooks(".csh", "setenv HOOKS a\n", "setenv HOOKS ${HOOKS}b\n", "unsetenv HOOKS\n", "");
            CHECK(in_shell({shell, "-f"}, prefix, R"csh(
set prompt = "% "
env | grep -v '^_=' | sort > "$S/before"
source "$P/bin/activate.csh"
echo "prefix $CONDA_PREFIX env $CONDA_DEFAULT_ENV"
echo "path $PATH"
echo "variables $DEMO,$KEPT"
echo "hooks $HOOKS"
source "$P/bin/activate.csh"
echo "prompt $prompt"
deactivate
env | grep -v '^_=' | sort > "$S/after"
cmp "$S/before" "$S/after" && echo restored
echo "prompt $prompt"
set | grep _tinderbox
alias
exit 0
)csh") == "prefix " + prefix.path + " env demo\npath " + prefix.path +
                      "/bin:/usr/local/bin:/usr/bin:/bin\nvariables x y,new\nhooks ab\nprompt (demo) % "
                      "\nrestored\nprompt % \n");
        }
    }
}

namespace {

// As `env -0` writes them, without those that every shell changes.
std::map<std::string, std::string> environment_in(const fs::path& file) {
    std::map<std::string, std::string> out;
    const auto text = read_text(file);
    if (!text.ok()) return out;
    for (std::string_view entry : split(*text, '\0')) {
        const std::size_t equal = entry.find('=');
        if (equal != std::string_view::npos) out[std::string(entry.substr(0, equal))] = entry.substr(equal + 1);
    }
    for (const char* name : {"_", "SHLVL", "PWD", "OLDPWD"}) out.erase(name);
    return out;
}

struct Shell {
    std::vector<std::string> argv;
    std::string file, set, to; // of the activation script, and of its lines
    std::string (*quote)(std::string_view);
    std::string script;
};

const char* const posix_round = "env -0 >\"$S/before\"\n. \"$P/bin/activate\"\nenv -0 >\"$S/inside\"\ndeactivate\n"
                                "env -0 >\"$S/after\"\n";
const Shell shells[] = {
    {{"bash"}, "activate", "export ", "=", shell_quote, posix_round},
    {{"dash"}, "activate", "export ", "=", shell_quote, posix_round},
    {{"zsh", "-f"}, "activate", "export ", "=", shell_quote, posix_round},
    {{"fish", "--no-config"},
     "activate.fish",
     "set -gx ",
     " ",
     fish_quote,
     "env -0 >$S/before\nsource $P/bin/activate.fish\nenv -0 >$S/inside\ndeactivate\nenv -0 >$S/after\n"},
    {{"tcsh", "-f"},
     "activate.csh",
     "setenv ",
     " ",
     csh_quote,
     "env -0 >\"$S:q/before\"\nsource \"$P:q/bin/activate.csh\"\nenv -0 >\"$S:q/inside\"\ndeactivate\n"
     "env -0 >\"$S:q/after\"\n"},
};

} // namespace

TEST_CASE("hostile values come and go in every shell") {
    const std::vector<std::string> values = {"it's",
                                             "a!b !! !x",
                                             "$HOME",
                                             "`id`",
                                             "\"q\"",
                                             "back\\slash\\",
                                             "a;b|c&d",
                                             "*?[x]{a,b}~",
                                             " lead and trail ",
                                             "#c",
                                             "-n",
                                             "\\'",
                                             "%s %d",
                                             "é",
                                             "(x)",
                                             "!",
                                             "''",
                                             "\\!",
                                             "$(id) ${X}",
                                             "\t tab",
                                             "^x^y",
                                             "\\\\'!'`$\"",
                                             "",
                                             "--"};
    const std::vector<std::string> own = {"line\nend", "end\n", "a\n\n'b!$`\""}; // a user's values may have line ends
    for (const Shell& shell : shells) {
        if (!has_shell(shell.argv[0])) {
            WARN(shell.argv[0] << " is not installed: skipped");
            continue;
        }
        for (const std::string name : {"plain", "a b", "o'brien!", "all '!$HOME`id`\"\\ é%s"}) {
            const Prefix prefix(name);
            std::string lines;
            ProcessSpec spec;
            for (std::size_t i = 0; i < values.size(); ++i) {
                lines += fmt::format("{}V{}{}{}\n", shell.set, i, shell.to, shell.quote(values[i]));
                spec.set[fmt::format("V{}", i)] = i < own.size() ? own[i] : "old" + values[i];
            }
            prefix.write("bin/" + shell.file, prefix.render(shell.file, lines));
            prefix.write("../script", shell.script);
            spec.argv = shell.argv;
            spec.argv.push_back((prefix.scratch() / "script").string());
            spec.clear_environment = true;
            spec.set.merge(std::map<std::string, std::string>{{"PATH", "/usr/bin:/bin"},
                                                              {"HOME", prefix.scratch().string()},
                                                              {"P", prefix.path},
                                                              {"S", prefix.scratch().string()},
                                                              {"PYTHONHOME", "it's!\n$"},
                                                              {"LC_ALL", "C.UTF-8"}});
            spec.timeout_seconds = 120;
            auto result = run_process(spec);
            REQUIRE(result.ok());
            INFO(shell.argv[0] << " in " << name);
            CHECK(result->error_output == "");
            const auto before = environment_in(prefix.scratch() / "before");
            auto inside = environment_in(prefix.scratch() / "inside");
            CHECK(before.at("V0") == own[0]);
            CHECK(environment_in(prefix.scratch() / "after") == before);
            for (std::size_t i = 0; i < values.size(); ++i) CHECK(inside[fmt::format("V{}", i)] == values[i]);
            CHECK(inside["CONDA_PREFIX"] == prefix.path);
            CHECK(inside["PATH"] == prefix.path + "/bin:/usr/bin:/bin");
            CHECK(!inside.contains("PYTHONHOME"));
        }
    }
}
