// The start-up files of shells: what `conda init` writes, and the way back.
//
// TINDERBOX_CONDA_SOURCE=DIR (a checkout of conda, or a git directory of one) adds the comparison with conda's own
// code; it needs scripts/test-venv. TINDERBOX_CONDA_CASES=N sets the number of made-up files (default 2000).
#include "common/base/hash.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "runtime/install/shell_init.hpp"
#include "source_dir.hpp"

#include <nlohmann/json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

using namespace tinderbox;
using namespace tinderbox::install;
using nlohmann::json;

namespace {

constexpr const char* prefix = "/opt/mini conda";

struct Home {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path at = directory.path() / "home", record = directory.path() / "shell-init";
    ShellPlaces places;
    Home() {
        fs::create_directory(at);
        places.home = at.string();
        places.shell = "/bin/bash";
    }
    void put(const std::string& name, std::string_view text) const {
        fs::create_directories((at / name).parent_path());
        REQUIRE(write_atomically(at / name, text).ok());
    }
    std::string get(const std::string& name) const {
        auto text = read_text(at / name);
        return text.ok() ? *text : "(" + text.error().message + ")";
    }
    std::vector<std::string> files() const {
        std::vector<std::string> out;
        for (const auto& entry : fs::recursive_directory_iterator(at))
            out.push_back(entry.path().lexically_relative(at).string());
        std::ranges::sort(out);
        return out;
    }
    std::vector<ShellChange> init(std::vector<Shell> shells, const char* conda = prefix) const {
        return init_shells(conda, shells, places, record);
    }
};

using Outcome = ShellChange::Outcome;

} // namespace

TEST_CASE("the block for bash", "[conda_init]") {
    InitText made = conda_init_text(Shell::bash, "/opt/c", "alias a=b\n");
    CHECK(made.text == "alias a=b\n\n"
                       "# >>> conda initialize >>>\n"
                       "# !! Contents within this block are managed by 'conda init' !!\n"
                       "__conda_setup=\"$('/opt/c/bin/conda' 'shell.bash' 'hook' 2> /dev/null)\"\n"
                       "if [ $? -eq 0 ]; then\n"
                       "    eval \"$__conda_setup\"\n"
                       "else\n"
                       "    if [ -f \"/opt/c/etc/profile.d/conda.sh\" ]; then\n"
                       "        . \"/opt/c/etc/profile.d/conda.sh\"\n"
                       "    else\n"
                       "        export PATH=\"/opt/c/bin:$PATH\"\n"
                       "    fi\n"
                       "fi\n"
                       "unset __conda_setup\n"
                       "# <<< conda initialize <<<\n\n");
    CHECK(conda_init_text(Shell::bash, "/opt/c", made.text).edits.empty());
}

TEST_CASE("blocks of other condas are replaced, older ways commented out, and all of it comes back", "[conda_init]") {
    const std::string before = "  export PATH=\"/home/x/c/bin:$PATH\" # old\n"
                               ". /home/x/c/etc/profile.d/conda.sh\n"
                               "conda activate base\n"
                               "source ~/venv/bin/activate\n"
                               "# >>> conda initialize >>>\nsomething else\n# <<< conda initialize <<<\n"
                               "tail";
    InitText made = conda_init_text(Shell::zsh, "/home/x/c", before);
    const std::string mark = "  # commented out by conda initialize";
    CHECK(made.text == "# export PATH=\"/home/x/c/bin:$PATH\"" + mark + " # old\n# . /home/x/c/etc/profile.d/conda.sh" +
                           mark + "\n# conda activate base" + mark + "\n# source ~/venv/bin/activate" + mark + "\n" +
                           conda_init_block(Shell::zsh, "/home/x/c") + "tail");
    CHECK(undo_init_text("/home/x/c", made.text, made.edits) == before);
    CHECK(undo_init_text("/home/x/c", "new\n" + made.text + "\nmore\n", made.edits) == "new\n" + before + "\nmore\n");
}

TEST_CASE("an undo takes out our lines and nothing else", "[conda_init]") {
    InitText made = conda_init_text(Shell::bash, "/opt/c", "foo"); // no newline at the end
    CHECK(undo_init_text("/opt/c", made.text, made.edits) == "foo");
    CHECK(undo_init_text("/opt/c", made.text + "bar\n", made.edits) == "foo\nbar\n");
    SECTION("an edited block still goes") {
        std::string edited = replace_all(made.text, "unset __conda_setup\n", "unset __conda_setup\necho hello\n");
        CHECK(undo_init_text("/opt/c", edited, made.edits) == "foo");
    }
    SECTION("a block that names another conda by now stays") {
        std::string other = replace_all(made.text, "/opt/c/", "/opt/d/");
        CHECK(undo_init_text("/opt/c", other, made.edits) == other);
    }
    SECTION("what conda init --reverse has taken out stays out") {
        CHECK(undo_init_text("/opt/c", "foo", made.edits) == "foo");
    }
}

TEST_CASE("line ends and bytes that are no UTF-8 stay", "[conda_init]") {
    const std::string before =
        "\xff\xfe\r\n. /x/etc/profile.d/conda.sh\r\n# >>> conda initialize >>>\r\nx\r\n# <<< conda initialize <<<\r\nz";
    InitText made = conda_init_text(Shell::bash, "/opt/c", before);
    CHECK(made.text == "\xff\xfe\r\n# . /x/etc/profile.d/conda.sh  # commented out by conda initialize\r\n" +
                           conda_init_block(Shell::bash, "/opt/c") + "z");
    CHECK(undo_init_text("/opt/c", made.text, made.edits) == before);
}

TEST_CASE("a block without its end is left as it is, and said", "[conda_init]") {
    InitText made = conda_init_text(Shell::bash, "/opt/c", "# >>> conda initialize >>>\nx\n");
    CHECK(made.broken_block);
    CHECK(made.edits.empty());
}

TEST_CASE("start-up files are changed once, backed up, and given back byte for byte", "[shell_init]") {
    Home home;
    home.put(".bashrc", "alias a=b\n\xe4");
    home.put(".zshrc", "# >>> conda initialize >>>\nforeign\n# <<< conda initialize <<<\n");
    ::chmod((home.at / ".bashrc").c_str(), 0640);
    const auto files_before = home.files();
    const std::vector<Shell> all(all_shells.begin(), all_shells.end());
    CHECK(would_init_shells(prefix, all, home.places));
    auto changes = home.init(all);
    REQUIRE(changes.size() == 6);
    for (const ShellChange& change : changes) {
        CAPTURE(change.file, change.words);
        CHECK(change.outcome == Outcome::modified);
        CHECK(!change.backup.empty() == (change.shell == Shell::bash || change.shell == Shell::zsh));
    }
    CHECK(home.get(".bashrc.tinderbox.bak") == "alias a=b\n\xe4");
    struct stat st;
    REQUIRE(::stat((home.at / ".bashrc.tinderbox.bak").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0640);
    CHECK(home.get(".config/fish/config.fish").find("/opt/mini conda/bin") != std::string::npos);
    CHECK(home.get(".config/powershell/profile.ps1").starts_with("\n#region conda initialize\n"));

    // Once more: nothing to do, and the record still leads back.
    const auto files_after = home.files();
    CHECK(!would_init_shells(prefix, all, home.places));
    for (const ShellChange& change : home.init(all)) CHECK(change.outcome == Outcome::unchanged);
    CHECK(home.files() == files_after);

    auto undone = undo_shells(home.record);
    REQUIRE(undone.ok());
    REQUIRE(undone->size() == 6);
    for (const ShellChange& change : *undone) {
        CAPTURE(change.file, change.words);
        CHECK(change.outcome ==
              (change.shell == Shell::bash || change.shell == Shell::zsh ? Outcome::restored : Outcome::removed));
        CHECK(change.words.empty());
    }
    CHECK(home.files() == files_before); // no backup, no directory left
    CHECK(home.get(".bashrc") == "alias a=b\n\xe4");
    CHECK(home.get(".zshrc") == "# >>> conda initialize >>>\nforeign\n# <<< conda initialize <<<\n");
    CHECK(!fs::exists(home.record));
    CHECK(undo_shells(home.record)->empty());
}

TEST_CASE("a file edited since loses our lines only", "[shell_init]") {
    Home home;
    home.put(".bashrc", "first\n");
    (void)home.init({Shell::bash, Shell::zsh});
    home.put(".bashrc", home.get(".bashrc") + "mine\n");
    home.put(".zshrc", home.get(".zshrc") + "mine, too\n");
    auto undone = undo_shells(home.record);
    REQUIRE(undone.ok());
    CHECK(home.get(".bashrc") == "first\nmine\n");
    CHECK(trim(home.get(".zshrc")) == "mine, too"); // it did not exist before, but it is the user's by now
    CHECK(undone->front().words.find("edited since") != std::string::npos);
}

TEST_CASE("links, missing files and files that cannot be written", "[shell_init]") {
    Home home;
    home.put("dotfiles/bashrc", "linked\n");
    fs::create_symlink("dotfiles/bashrc", home.at / ".bashrc");
    REQUIRE(home.init({Shell::bash})[0].outcome == Outcome::modified);
    CHECK(fs::is_symlink(home.at / ".bashrc"));
    CHECK(home.get("dotfiles/bashrc").starts_with("linked\n\n# >>> conda"));
    REQUIRE(undo_shells(home.record).ok());
    CHECK(fs::is_symlink(home.at / ".bashrc"));
    CHECK(home.get("dotfiles/bashrc") == "linked\n");

    // Gone at the undo.
    (void)home.init({Shell::bash});
    fs::remove(home.at / "dotfiles/bashrc");
    auto undone = undo_shells(home.record);
    REQUIRE(undone.ok());
    CHECK(undone->front().outcome == Outcome::left);

    // A directory in its place, and (except for root) a file without write permission.
    fs::create_directory(home.at / ".zshrc");
    auto change = home.init({Shell::zsh})[0];
    CHECK(change.outcome == Outcome::failed);
    CHECK(change.words.find(".zshrc") != std::string::npos);
    CHECK(!fs::exists(home.record));
    if (::geteuid() != 0) {
        home.put(".tcshrc", "set x\n");
        ::chmod((home.at / ".tcshrc").c_str(), 0444);
        change = home.init({Shell::tcsh})[0];
        CHECK(change.outcome == Outcome::failed);
        CHECK(home.get(".tcshrc") == "set x\n");
        CHECK(!fs::exists(home.at / ".tcshrc.tinderbox.bak"));
    }
}

TEST_CASE("a backup of somebody else's is not overwritten", "[shell_init]") {
    Home home;
    home.put(".bashrc", "a\n");
    home.put(".bashrc.tinderbox.bak", "keep me");
    auto change = home.init({Shell::bash})[0];
    CHECK(change.backup == home.at / ".bashrc.tinderbox.bak.2");
    REQUIRE(undo_shells(home.record).ok());
    CHECK(home.files() == std::vector<std::string>{".bashrc", ".bashrc.tinderbox.bak"});
    CHECK(home.get(".bashrc.tinderbox.bak") == "keep me");
}

TEST_CASE("initialised again after the user has reversed it", "[shell_init]") {
    Home home;
    home.put(".bashrc", "a\n");
    (void)home.init({Shell::bash});
    home.put(".bashrc", "b\n"); // conda init --reverse, and an edit
    (void)home.init({Shell::bash});
    CHECK(home.get(".bashrc").starts_with("b\n\n# >>> conda"));
    REQUIRE(undo_shells(home.record).ok());
    CHECK(home.get(".bashrc") == "b\n");
    CHECK(home.files() == std::vector<std::string>{".bashrc"});
}

TEST_CASE("which shells, and which files", "[shell_init]") {
    Home home;
    CHECK(shells_in_use(home.places) == std::vector{Shell::bash});
    home.places.shell = "/usr/bin/zsh";
    CHECK(shells_in_use(home.places) == std::vector{Shell::zsh});
    home.put(".bashrc", "");
    fs::create_directories(home.at / ".config/fish");
    CHECK(shells_in_use(home.places) == std::vector{Shell::bash, Shell::zsh, Shell::fish});
    home.places.shell = "";
    home.put(".cshrc", "setenv A b\n");
    CHECK(shells_in_use(home.places) == std::vector{Shell::bash, Shell::fish, Shell::tcsh});
    CHECK(start_up_file(Shell::tcsh, home.places) == home.at / ".cshrc"); // a new .tcshrc would hide it
    home.put(".tcshrc", "");
    CHECK(start_up_file(Shell::tcsh, home.places) == home.at / ".tcshrc");
    home.places.zdotdir = "/elsewhere";
    CHECK(start_up_file(Shell::zsh, home.places) == "/elsewhere/.zshrc");

    CHECK(*parse_shells("bash,pwsh,bash") == std::vector{Shell::bash, Shell::powershell});
    CHECK(parse_shells("all")->size() == 6);
    CHECK(parse_shells("bash,ksh").error().kind == ErrorKind::usage);
    CHECK(parse_shells("").error().kind == ErrorKind::usage);
    CHECK(shell_named("/bin/csh") == Shell::tcsh);
    CHECK(!shell_named("/bin/nologin"));
}

TEST_CASE("a prefix that a shell would not take literally", "[shell_init]") {
    Home home;
    auto change = home.init({Shell::bash}, "/opt/it's")[0];
    CHECK(change.outcome == Outcome::failed);
    CHECK(home.files().empty());
    CHECK(check_init_prefix(Shell::bash, "/opt/a(b)").ok());
    CHECK(!check_init_prefix(Shell::fish, "/opt/a(b)").ok());
}

TEST_CASE("a damaged record changes nothing", "[shell_init]") {
    Home home;
    home.put(".bashrc", "a\n");
    for (const char* text : {"", "{", "[]", "{\"version\":2}", "{\"version\":1,\"conda\":\"/x\",\"files\":[{}]}",
                             "{\"version\":1,\"conda\":1,\"files\":[]}",
                             "{\"version\":1,\"conda\":\"/x\",\"files\":[{\"shell\":\"ksh\"}]}"}) {
        REQUIRE(write_atomically(home.record, std::string_view(text)).ok());
        auto undone = undo_shells(home.record);
        REQUIRE(!undone.ok());
        CHECK(undone.error().kind == ErrorKind::storage);
        CHECK(home.init({Shell::bash})[0].outcome == Outcome::failed);
        CHECK(home.get(".bashrc") == "a\n");
    }
}

TEST_CASE("the same as conda's own code, and every change can be undone", "[conda_init][reference]") {
    const char* source = std::getenv("TINDERBOX_CONDA_SOURCE");
    if (!source) SKIP("TINDERBOX_CONDA_SOURCE does not name a checkout of conda");
    ProcessSpec venv;
    venv.argv = {"bash", std::string(TINDERBOX_SOURCE_DIR) + "/scripts/test-venv"};
    auto where = run_process(venv);
    if (!where.ok() || !where->succeeded()) SKIP("no Python environment for tests");
    auto directory = TemporaryDirectory::make();
    const char* count = std::getenv("TINDERBOX_CONDA_CASES");
    ProcessSpec spec;
    spec.argv = {std::string(trim(where->output)) + "/bin/python",
                 std::string(TINDERBOX_SOURCE_DIR) + "/tests/tools/conda_init_reference.py", source,
                 (directory->path() / "cases.json").string(), count ? count : "2000"};
    auto made = run_process(spec);
    REQUIRE(made.ok());
    INFO(made->error_output);
    REQUIRE(made->succeeded());
    json cases = json::parse(*read_text(directory->path() / "cases.json"));
    REQUIRE(cases.size() > 1000);
    std::size_t changed = 0;
    for (const json& c : cases) {
        const auto at = c["prefix"].get<std::string>(), before = c["before"].get<std::string>();
        Shell shell = *shell_named(c["shell"].get<std::string>());
        InitText ours = conda_init_text(shell, at, before);
        INFO(c["shell"] << " " << at << "\n--- before\n"
                        << before << "\n--- conda\n"
                        << c["after"].get<std::string>() << "\n--- ours\n"
                        << ours.text);
        REQUIRE(ours.text == c["after"].get<std::string>());
        REQUIRE((ours.text != before) == !ours.edits.empty());
        REQUIRE(undo_init_text(at, ours.text, ours.edits) == before);
        changed += ours.text != before;
    }
    CHECK(changed > cases.size() / 2);
}
