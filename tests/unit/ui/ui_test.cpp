#include "runtime/ui/options.hpp"
#include "runtime/ui/prompt.hpp"
#include "runtime/ui/report.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::ui;
using nlohmann::json;

namespace {

RunOptions parsed(std::vector<std::string> arguments) {
    auto result = parse_options(arguments);
    if (!result.ok()) FAIL(result.error().message);
    return *result;
}
std::string refused(std::vector<std::string> arguments) {
    auto result = parse_options(arguments);
    REQUIRE(!result.ok());
    CHECK(result.error().kind == ErrorKind::usage);
    return result.error().message;
}

struct FakeConsole {
    std::string output;
    std::vector<std::string> answers;
    std::size_t next = 0;
    Console console() {
        Console c;
        c.write = [this](std::string_view text) { output += text; };
        c.read = [this]() -> std::optional<std::string> {
            if (next >= answers.size()) return std::nullopt;
            return answers[next++];
        };
        return c;
    }
};

Welcome welcome() {
    return {"demo 1.0", "numpy 2.1.0 and 3 more packages", "120 MB", "MIT\nno warranty\n", "/home/me/demo"};
}

} // namespace

TEST_CASE("constructor's letters, combined and separate") {
    for (const auto& arguments : std::vector<std::vector<std::string>>{
             {"-b", "-f", "-p", "/x y"}, {"-bfp", "/x y"}, {"-bfp/x y"}, {"--batch", "--force", "--prefix=/x y"}}) {
        auto o = parsed(arguments);
        CHECK(o.batch);
        CHECK(o.force);
        CHECK(!o.update);
        CHECK(o.prefix == "/x y");
        CHECK(o.mode == Mode::install);
    }
    auto all = parsed({"-bufksmtc"});
    CHECK((all.batch && all.update && all.force && all.keep_packages && all.skip_scripts && all.skip_shortcuts &&
           all.run_tests && all.conda_init));
    CHECK(!parsed({"-b", "-i"}).batch); // the later option counts
    CHECK(parsed({"-h"}).mode == Mode::help);
    CHECK(parsed({"--check", "-h"}).mode == Mode::help);
    CHECK(parsed({"-h", "--check"}).mode == Mode::help);
    CHECK(parsed({}).mode == Mode::install);
    CHECK(parsed({"--"}).mode == Mode::install);
}

TEST_CASE("long options") {
    auto o = parsed(
        {"--check", "--json", "--no-gpu", "--private", "--jobs", "4", "--log", "l", "--report=r.html", "-p", "~"});
    CHECK(o.mode == Mode::check);
    CHECK((o.json && o.no_gpu && o.private_files));
    CHECK(o.jobs == 4);
    CHECK(o.log_file == "l");
    CHECK(o.report_file == "r.html");
    CHECK(parsed({"--gpu-memory", "0"}).gpu_memory == 0);
    CHECK(parsed({"--verify-only", "--gpu-memory=95"}).gpu_memory == 95);
    CHECK(parsed({"--rollback"}).generation == 0);
    CHECK(parsed({"--rollback", "3", "-p", "x"}).generation == 3);
    CHECK(parsed({"--rollback=12"}).generation == 12);
    CHECK(parsed({"--rollback", "-p", "7"}).prefix == "7");
    CHECK(parsed({"--extract", "d"}).extract_to == "d");
    CHECK(parsed({"--init-shells", "bash,zsh"}).conda_init);
    CHECK(parsed({"--init-shells=all"}).init_shells == "all");
    CHECK(refused({"--init-shells="}) == "--init-shells needs the names of shells, or all");
    for (auto [word, mode] : {std::pair{"--list", Mode::list},
                              {"--info", Mode::info},
                              {"--license", Mode::license},
                              {"--verify-file", Mode::verify_file},
                              {"--verify-only", Mode::verify_only},
                              {"--version", Mode::version}})
        CHECK(parsed({word}).mode == mode);
}

TEST_CASE("wrong usage") {
    CHECK(refused({"--chekc"}) == "unknown option '--chekc'; did you mean --check?");
    CHECK(refused({"--verify"}) == "unknown option '--verify'; did you mean --verify-file?");
    CHECK(refused({"--no-gpus=1"}) == "unknown option '--no-gpus=1'; did you mean --no-gpu?");
    CHECK(refused({"--completely-different"}) == "unknown option '--completely-different'; -h lists all options");
    CHECK(refused({"-z"}) == "unknown option '-z'; -h lists all options");
    CHECK(refused({"-bzf"}) == "unknown option '-z' in '-bzf'; -h lists all options");
    CHECK(refused({"-b", "/opt/x"}) == "unexpected argument '/opt/x'; the directory to install into goes after -p");
    CHECK(refused({"--", "x"}) == "unexpected argument 'x'; the directory to install into goes after -p");
    CHECK(refused({"-"}) == "unexpected argument '-'; the directory to install into goes after -p");
    CHECK(refused({"-p"}) == "-p needs a value: -p DIR");
    CHECK(refused({"-bp"}) == "-p needs a value: -p DIR");
    CHECK(refused({"--log"}) == "--log needs a value: --log FILE");
    CHECK(refused({"--json=yes"}) == "--json takes no value");
    CHECK(refused({"--jobs", "0"}) == "--jobs needs a number from 1 to 1024, not '0'");
    CHECK(refused({"--rollback=0"}) == "--rollback takes the number of a generation, not '0'");
    CHECK(refused({"--rollback", "all"}) == "unexpected argument 'all'; the directory to install into goes after -p");
    CHECK(refused({"--keep", "0"}) == "--keep needs a number from 1 to 1000, not '0'");
    CHECK(refused({"--gpu-memory", "96"}) == "--gpu-memory needs a number from 0 to 95, not '96'");
    CHECK(refused({"--gpu-memory", "all"}) == "--gpu-memory needs a number from 0 to 95, not 'all'");
    CHECK(refused({"--jobs", "4x"}) == "--jobs needs a number from 1 to 1024, not '4x'");
    CHECK(refused({"--check", "--list"}) == "--list cannot be combined with another action; give one of them");
    CHECK(parsed({"--repair"}).mode == Mode::repair);
    CHECK(parsed({"--integrity"}).mode == Mode::integrity);
    CHECK(parsed({"-bu", "--replace"}).replace);
    CHECK(refused({"--purge"}) == "--purge goes with --uninstall or --replace");
    CHECK(refused({"--purge", "--replace", "--repair"}) == "--purge goes with --uninstall or --replace");
    CHECK(parsed({"-bu", "--replace", "--purge"}).purge);
    CHECK(parsed({"--uninstall", "--purge"}).purge);
    CHECK(refused({"--key"}) == "--key needs a value: --key FILE");
    CHECK(refused({""}) == "unexpected argument ''; the directory to install into goes after -p");
}

TEST_CASE("help names every option that can be given") {
    std::string help = help_text("demo.run", "demo", "0.1.0");
    for (auto word : {"-b",
                      "-i",
                      "-p, --prefix DIR",
                      "-f",
                      "-u",
                      "-s",
                      "-k",
                      "-m",
                      "-t",
                      "-c",
                      "-h",
                      "--check",
                      "--list",
                      "--info",
                      "--license",
                      "--extract DIR",
                      "--verify-file",
                      "--verify-only",
                      "--replace",
                      "--no-host",
                      "--no-gpu",
                      "--gpu-memory N",
                      "--private",
                      "--jobs N",
                      "--log FILE",
                      "--json",
                      "--report FILE"})
        CHECK(help.find(word) != std::string::npos);
    CHECK(help.find("--repair") != std::string::npos);
    std::string_view rest = help;
    while (!rest.empty()) {
        auto end = rest.find('\n');
        CHECK(end <= 100);
        rest.remove_prefix(end + 1);
    }
}

TEST_CASE("interactive: licence and place") {
    FakeConsole fake;
    SECTION("accepted, default place") {
        fake.answers = {"", "maybe", "YES", ""};
        auto answers = ask(fake.console(), welcome(), true);
        REQUIRE(answers.ok());
        CHECK(answers->prefix == "/home/me/demo");
        CHECK(fake.output.find("no warranty") != std::string::npos);
        // The sentences that people and scripts know from constructor's installers.
        for (const char* words :
             {"Please, press ENTER to continue\n>>> ", "Do you accept the license terms? [yes|no]\n>>> ",
              "Please answer 'yes' or 'no':\n>>> ", "  - Press ENTER to confirm the location\n"})
            CHECK(fake.output.find(words) != std::string::npos);
        CHECK(fake.output.find("numpy 2.1.0 and 3 more packages") != std::string::npos);
    }
    SECTION("another place") {
        fake.answers = {"", "yes", "  ~/else  "};
        CHECK(ask(fake.console(), welcome(), true)->prefix == "~/else");
    }
    SECTION("declined, or the input ends: 7") {
        for (const auto& answers : std::vector<std::vector<std::string>>{{"", "no"}, {"", ""}, {}, {"", "yes"}}) {
            FakeConsole f;
            f.answers = answers;
            auto result = ask(f.console(), welcome(), true);
            REQUIRE(!result.ok());
            CHECK(result.error().kind == ErrorKind::interrupted);
        }
    }
    SECTION("nothing to accept, place given") {
        Welcome w = welcome();
        w.licenses.clear();
        CHECK(ask(fake.console(), w, false)->prefix == "/home/me/demo");
    }
    SECTION("a long licence, screen by screen") {
        Welcome w = welcome();
        w.licenses.clear();
        for (int i = 0; i < 100; ++i) w.licenses += fmt::format("line {}\n", i);
        fake.answers = {"", "", "q", "y", ""};
        CHECK(ask(fake.console(), w, true).ok());
        CHECK(fake.output.find("line 43") != std::string::npos);
        CHECK(fake.output.find("line 44") == std::string::npos);
    }
    SECTION("answers from a pipe are not spent on screens") {
        Welcome w = welcome();
        for (int i = 0; i < 100; ++i) w.licenses += fmt::format("line {}\n", i);
        fake.answers = {"", "yes", "/srv/x"};
        Console console = fake.console();
        console.pages = false;
        CHECK(ask(console, w, true)->prefix == "/srv/x");
        CHECK(fake.output.find("line 99") != std::string::npos);
    }
}

TEST_CASE("interactive: conda init, and what the user has added") {
    for (auto [answer, wanted] :
         {std::pair{"yes", true}, {"Y", true}, {"", false}, {"no", false}, {"perhaps", false}}) {
        FakeConsole fake;
        fake.answers = {answer};
        CHECK(ask_conda_init(fake.console(), "/opt/c") == wanted);
        CHECK(fake.output.find("Do you wish to update your shell profile to automatically initialize conda?") !=
              std::string::npos);
        CHECK((fake.output.find("eval \"$(/opt/c/bin/conda shell.YOUR_SHELL_NAME hook)\"") != std::string::npos) !=
              wanted);
    }
    FakeConsole none;
    CHECK(!ask_conda_init(none.console(), "/opt/c"));
    CHECK(!ask_purge(none.console(), "/opt/c", {"a"}));
    FakeConsole fake;
    fake.answers = {"yes"};
    std::vector<std::string> kept(12, "envs/mine/");
    CHECK(ask_purge(fake.console(), "/opt/c", kept));
    CHECK(fake.output.find("and 2 more") != std::string::npos);
}

TEST_CASE("the report as text and as a page") {
    json report = {
        {"report", 1},
        {"name", "demo"},
        {"summary", "installed; GPU: not verified"},
        {"exit_code", 0},
        {"prefix", "/opt/<b>&\"x\"@BODY@"},
        {"tinderbox", "0.1.0"},
        {"preflight",
         {{"findings",
           {{{"severity", "ok"}, {"sentence", "glibc 2.36"}, {"advice", ""}},
            {{"severity", "warning"}, {"sentence", "something"}, {"advice", "do this"}}}}}},
        {"installation", {{"files", 12}, {"bytes", 3000000}, {"seconds", 1.5}, {"notes", {"a script said hello"}}}},
        {"verification",
         {{"probe",
           {{"devices",
             {{{"name", "Fake GPU"},
               {"ok", true},
               {"compute_capability", "8.6"},
               {"memory_bytes", 24000000000},
               {"bandwidth_gb_per_s", {{"host_to_device", 12.34}}}}}}}},
          {"checks", {{{"ok", false}, {"sentence", "import torch failed"}, {"advice", "read the log"}}}}}},
        {"gpu", {{"state", "not verified"}, {"reason", "no NVIDIA GPU was found"}}},
        {"packages", {{{"name", "numpy"}, {"version", "2.1.0"}, {"kind", "wheel"}, {"license", "BSD-3-Clause"}}}}};
    std::string text = render_report_text(report, false);
    CHECK(text.find("demo: installed; GPU: not verified\n") == 0);
    CHECK(text.find("  ok           glibc 2.36\n") != std::string::npos);
    CHECK(text.find("  warning      something\n               → do this\n") != std::string::npos);
    CHECK(text.find("  ok           12 files, 3.00 MB in 1.5 s\n") != std::string::npos);
    CHECK(text.find("CUDA kernels on Fake GPU, compute capability 8.6, 24.0 GB; host to device 12.3 GB/s") !=
          std::string::npos);
    CHECK(text.find("  not verified GPU: not verified: no NVIDIA GPU was found\n") != std::string::npos);
    // What a row has said already is not said again.
    json told = report;
    told["preflight"]["findings"].push_back(
        {{"severity", "note"}, {"sentence", "GPU: not verified: no NVIDIA GPU was found"}});
    const std::string once = render_report_text(told, false);
    CHECK(once.find("no NVIDIA GPU was found") == once.rfind("no NVIDIA GPU was found"));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(render_report_text(report, true).find('\x1b') != std::string::npos);

    std::string html = render_report_html(report);
    CHECK(html.starts_with("<!DOCTYPE html>"));
    CHECK(html.find("/opt/&lt;b&gt;&amp;&quot;x&quot;@BODY@") != std::string::npos);
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("http") == std::string::npos);
    CHECK(html.find("prefers-color-scheme: dark") != std::string::npos);
    CHECK(html.find("@media print") != std::string::npos);
    for (auto marker : {"@TITLE@", "@SUMMARY@", "@STATE@"}) CHECK(html.find(marker) == std::string::npos);
    CHECK(html.find("BSD-3-Clause") != std::string::npos);
}

// The page without what is folded.
std::string unfolded(const std::string& html) {
    std::string out;
    for (std::size_t at = 0; at != std::string::npos;) {
        const auto fold = html.find("<details>", at);
        out += html.substr(at, fold == std::string::npos ? fold : fold - at);
        at = fold == std::string::npos ? fold : html.find("</details>", fold);
    }
    return out;
}

TEST_CASE("the page says the verdict in one word") {
    auto page = [](const char* mode, int code, const char* gpu, const char* found) {
        return render_report_html({{"mode", mode},
                                   {"exit_code", code},
                                   {"installation", json::object()},
                                   {"preflight", {{"gpu", {{"verdict", found}}}}},
                                   {"gpu", {{"state", gpu}, {"reason", ""}}}});
    };
    auto says = [](const std::string& html, std::string_view css, std::string_view word) {
        return html.find(fmt::format("<div class=\"verdict {}\">", css)) != std::string::npos &&
               html.find(fmt::format("</svg><span>{}</span>", word)) != std::string::npos;
    };
    CHECK(says(page("install", 0, "verified", "usable"), "good", "Works"));
    CHECK(says(page("install", 0, "not needed", "not needed"), "good", "Works"));
    CHECK(says(page("install", 0, "not verified", "not verified"), "warn", "Unverified"));
    CHECK(says(page("install", 6, "failed", "usable"), "bad", "Failed"));
    CHECK(says(page("install", 0, "failed", "usable"), "warn", "GPU failed"));
    CHECK(says(page("check", 0, "refused", "refused"), "warn", "GPU refused"));
    CHECK(says(page("check", 0, "not verified", "usable"), "good", "Ready"));
    CHECK(says(page("check", 3, "refused", "refused"), "bad", "Refused"));
    CHECK(says(page("verify-only", 10, "verified", "usable"), "bad", "Failed"));
    CHECK(says(page("extract", 0, "", ""), "good", "Extracted"));
    CHECK(says(render_report_html({{"mode", "install"}, {"exit_code", 3}}), "bad", "Refused"));
}

TEST_CASE("the page folds what support asks for, and names no page of the documentation") {
    const std::string page = render_report_html(
        {{"exit_code", 3},
         {"created", "2026-11-30T18:04:16Z"},
         {"local_time", {{"time", "2026-11-30T19:04:16+01:00"}, {"zone", "Europe/Berlin"}}},
         {"installer", {{"manifest_sha256", "c0ffee"}}},
         {"preflight",
          {{"findings",
            {{{"id", "gpu-nouveau"},
              {"severity", "error"},
              {"sentence", "driven by nouveau"},
              {"advice", "install the driver"},
              {"docs", "docs/inside/gpu.md#gpu-nouveau"}}}}}},
         {"packages",
          {{{"name", "six"}, {"license", "MIT\nPermission is …"}, {"sha256", "beef"}, {"requested", true}},
           {{"name", "attrs"}, {"license", ""}}}}});
    const std::string open = unfolded(page);
    for (auto words : {"driven by nouveau", "install the driver", "Asked for", "2026-11-30 19:04:16",
                       "Europe/Berlin (UTC+01:00)", "2026-11-30 18:04:16 UTC", "<td>MIT</td>", "<td>not stated</td>"})
        CHECK(open.find(words) != std::string::npos);
    for (auto words : {"gpu-nouveau", "c0ffee", "beef", "xit code"}) {
        CHECK(open.find(words) == std::string::npos);
        CHECK(page.find(words) != std::string::npos);
    }
    CHECK(page.find("docs/") == std::string::npos);
    CHECK(page.find("<b>") == std::string::npos);
}

TEST_CASE("the steps after an installation are lines that can be copied") {
    const json report = {{"included", {"/opt/a b/share/lab/course", "/opt/a b/share/lab/x"}},
                         {"activate", "source '/opt/a b/bin/activate'"},
                         {"start", "jupyter lab"}};
    CHECK(render_report_text(report, false, 40)
              .ends_with("\nNext\n"
                         "  included     /opt/a b/share/lab/course\n"
                         "  included     /opt/a b/share/lab/x\n"
                         "  activate     source '/opt/a b/bin/activate'\n"
                         "  start        jupyter lab\n"));
}

TEST_CASE("the first screen breaks between words") {
    FakeConsole fake;
    Console console = fake.console();
    console.width = 40;
    Welcome first = welcome();
    first.summary = "jupyterlab 4.6.6, numpy 2.4.6 and 93 more packages";
    first.licenses.clear();
    CHECK(ask(console, first, false).ok());
    CHECK(fake.output.find("\n  jupyterlab 4.6.6, numpy 2.4.6 and 93\n  more packages\n") != std::string::npos);
}

TEST_CASE("facts wrap below their own column") {
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"needs libraries", "liba.so, libb.so, libc.so, libd.so"}, {"asked for", "a"}, {"none", ""}};
    CHECK(render_facts(rows, 42) == "needs libraries  liba.so, libb.so,\n                 libc.so, libd.so\n"
                                    "asked for        a\nnone\n");
    CHECK(render_facts(rows).starts_with("needs libraries  liba.so, libb.so, libc.so, libd.so\n"));
}

TEST_CASE("a report of odd types is shown, not a crash") {
    for (const json& odd :
         {json(nullptr), json::array(), json::object(),
          json({{"preflight", 3}, {"verification", "x"}, {"packages", {{"a", 1}}}}),
          json({{"preflight", {{"findings", {1, 2}}}}, {"installation", {{"files", "many"}}}, {"gpu", nullptr}})}) {
        CHECK(!render_report_text(odd, false).empty());
        CHECK(!render_report_html(odd).empty());
    }
}

TEST_CASE("columns") {
    CHECK(render_columns({{"a", "1.0", "x"}, {"longer", "2", ""}}) == "a       1.0  x\nlonger  2\n");
}
