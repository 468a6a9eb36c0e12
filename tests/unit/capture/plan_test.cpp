// The changes in one file: texts, first lines, ELF files made by the system's compiler, RECORD rows.
#include "common/base/hash.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "generator/capture/plan.hpp"
#include "generator/capture/record.hpp"

#include "common/base/file.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fstream>

using namespace tinderbox;
using namespace tinderbox::capture;

namespace {

PrefixRules rules_for(std::string prefix) {
    PrefixRules rules;
    rules.spellings = {{std::move(prefix), false}};
    return rules;
}

std::string planned(std::string_view text, const PrefixRules& rules, Role role = Role::ordinary,
                    std::string* shebang = nullptr) {
    FilePlan plan = plan_file("bin/x", text, role, rules);
    if (shebang) *shebang = plan.shebang;
    std::string out = apply_splices(text, plan.splices);
    return plan.mode == parcel::PrefixMode::text ? replace_all(out, plan.placeholder, "@") : out;
}

std::string compile(const fs::path& directory, const std::string& code, const std::vector<std::string>& options) {
    std::ofstream(directory / "x.c") << code;
    ProcessSpec spec;
    spec.argv = {"gcc", "-shared", "-fPIC", "-o", (directory / "x.so").string(), (directory / "x.c").string()};
    spec.argv.insert(spec.argv.end(), options.begin(), options.end());
    spec.set = {{"LC_ALL", "C"}};
    auto ran = run_process(spec);
    if (!ran.ok() || !ran->succeeded()) return {};
    return read_text(directory / "x.so").value();
}

} // namespace

TEST_CASE("a text's mentions of the old prefix") {
    PrefixRules rules = rules_for("/old/py");
    CHECK(planned("a='/old/py'\nb=/old/py/lib:/old/py\n", rules) == "a='@'\nb=@/lib:@\n");
    CHECK(planned("-L/old/py/lib -Wl,-rpath,/old/py/lib", rules) == "-L@/lib -Wl,-rpath,@/lib");
    CHECK(planned("file:///old/py/x. In /old/py.", rules) == "file://@/x. In @.");
    for (std::string_view other :
         {"/old/python", "/old/py2", "/old/py-1", "/old/py.bak", "/old/py_x", "/old/p", "nothing"})
        CHECK(planned(other, rules) == other);
    // two spellings of the prefix, one inside the other
    rules.spellings = {{"/old/py/venv", false}, {"/old/py", false}};
    CHECK(planned("/old/py/venv/bin /old/py/bin /old/py/venv2", rules) == "@/bin @/bin @/venv2");
    // the text already holds the placeholder
    std::string odd = "/.tinderbox-captured-prefix /old/py";
    CHECK(planned(odd, rules) == "/.tinderbox-captured-prefix @");
    CHECK(plan_file("x", "", Role::ordinary, rules).mode == parcel::PrefixMode::none);
}

TEST_CASE("in a prefix that holds more than Python only what was captured moves") {
    PrefixRules rules;
    rules.spellings = {{"/usr", true}};
    rules.captured = {"", "bin", "bin/python3.11", "include", "include/python3.11", "lib", "lib/python3.11"};
    std::string_view text =
        "'prefix': '/usr', '/usr/bin/install -c' -I/usr/include/python3.11 /usr/include/x /x/usr /usr/lib/python3.11/";
    CHECK(planned(text, rules, Role::build_config) ==
          "'prefix': '@', '/usr/bin/install -c' -I@/include/python3.11 /usr/include/x /x/usr @/lib/python3.11/");
    CHECK(planned(text, rules) == text);
    std::string shebang;
    CHECK(planned("#!/usr/bin/env python3\n", rules, Role::ordinary, &shebang) == "#!/usr/bin/env python3\n");
    CHECK(shebang.empty());
    CHECK(planned("#! /usr/bin/python3.11 -E\nx", rules, Role::ordinary, &shebang) == "#!python\nx");
    CHECK(shebang == "#!\x01/bin/python3.11 -E");
}

TEST_CASE("first lines") {
    PrefixRules rules = rules_for("/old/py");
    std::string shebang;
    auto is = [&](std::string_view text, std::string_view content, std::string_view line) {
        CHECK(planned(text, rules, Role::ordinary, &shebang) == content);
        CHECK(shebang == line);
    };
    is("#!/old/py/bin/python3.11\nimport x\n", "#!python\nimport x\n", "#!\x01/bin/python3.11");
    is("#!/old/py/bin/python", "#!python", "#!\x01/bin/python");
    is("#!/old/py/bin/perl -w\n/old/py\n", "#!python\n@\n", "#!\x01/bin/perl -w");
    is("#!/old/python/bin/python\n", "#!/old/python/bin/python\n", "");
    is("#!/usr/bin/env python3\n", "#!/usr/bin/env python3\n", "");
    // the launcher of pip, uv and conda for long paths becomes a plain line again
    is("#!/bin/sh\n'''exec' /old/py/bin/python \"$0\" \"$@\"\n' '''\nimport x\n", "#!python\nimport x\n",
       "#!\x01/bin/python");
    is("#!/bin/sh\n'''exec' \"/old/py/bin/python\" -E \"$0\" \"$@\"\n' '''\nx", "#!python\nx", "#!\x01/bin/python -E");
    is("#!/bin/sh\n\f#coding:utf-8/ 2>/dev/null || exec '/old/py/bin/python' -E -s \"$0\" \"$@\"\nx", "#!python\nx",
       "#!\x01/bin/python -E -s");
    is("#!/bin/sh\nexec /old/py/bin/python\n", "#!/bin/sh\nexec @/bin/python\n", "");
    is("#!/bin/sh", "#!/bin/sh", "");
    is("#!/bin/sh\n'''exec' ", "#!/bin/sh\n'''exec' ", "");
}

TEST_CASE("an absolute RPATH becomes relative in place") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    const std::string code = "int alpha(void) { return 1; }\n";
    std::string file =
        compile(temporary->path(), code, {"-Wl,-rpath,/old/python-prefix/lib:/elsewhere", "-Wl,-soname,libx.so.1"});
    if (file.empty()) SKIP("there is no gcc");
    PrefixRules rules = rules_for("/old/python-prefix");
    FilePlan plan = plan_file("lib/deep/x.so", file, Role::ordinary, rules);
    REQUIRE(plan.elf);
    CHECK(plan.elf->info.soname.value == "libx.so.1");
    CHECK(plan.elf->runpaths.at(0).value == "/old/python-prefix/lib:/elsewhere");
    CHECK(plan.elf->runpaths.at(0).exclusive);
    CHECK(plan.mode == parcel::PrefixMode::none);
    std::string changed = apply_splices(file, plan.splices);
    CHECK(changed.size() == file.size());
    auto after = elf::elf_facts(as_bytes(changed));
    REQUIRE(after);
    CHECK(after->runpaths.at(0).value == "$ORIGIN/..:/elsewhere");
    CHECK(after->runpaths.at(0).runpath == plan.elf->runpaths.at(0).runpath);
    CHECK(after->info.soname.value == "libx.so.1");
    CHECK(after->info.needed.size() == plan.elf->info.needed.size());
    CHECK(plan_file("lib/nvidia/libcudart.so.12", file, Role::ordinary, rules).splices.empty());
    CHECK(plan_file("lib/nvidia/libcudart.so.12", file, Role::ordinary, rules).not_relocatable.size() == 1);

    // A prefix shorter than "$ORIGIN/..": the relative form does not fit.
    file = compile(temporary->path(), code, {"-Wl,-rpath,/o/py/lib"});
    plan = plan_file("lib/python3.11/lib-dynload/x.so", file, Role::ordinary, rules_for("/o/py"));
    CHECK(plan.links_beside);
    CHECK(elf::elf_facts(as_bytes(apply_splices(file, plan.splices)))->runpaths.at(0).value == "$ORIGIN");
    file = compile(temporary->path(), code, {"-Wl,-rpath,/o/py/lib:/x"});
    plan = plan_file("lib/python3.11/lib-dynload/x.so", file, Role::ordinary, rules_for("/o/py"));
    CHECK(plan.splices.empty());
    CHECK(plan.mode == parcel::PrefixMode::binary);
    CHECK(plan.placeholder == "/o/py");
}

TEST_CASE("an RPATH whose tail is another name's is left alone") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    // The linker stores "shared_tail" as the end of the RPATH's string.
    std::string file = compile(temporary->path(), "int shared_tail(void) { return 1; }\n",
                               {"-Wl,-rpath,/old/python-prefix/shared_tail", "-Wl,-O2"});
    if (file.empty()) SKIP("there is no gcc");
    FilePlan plan = plan_file("lib/x.so", file, Role::ordinary, rules_for("/old/python-prefix"));
    REQUIRE(plan.elf);
    CHECK_FALSE(plan.elf->runpaths.at(0).exclusive);
    CHECK(plan.splices.empty());
    CHECK(plan.mode == parcel::PrefixMode::none);
    CHECK(plan.not_relocatable.size() == 1);
}

TEST_CASE("strings in binaries: defaults of the interpreter, code, data") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    std::string file =
        compile(temporary->path(), "const char* where(void) { return \"/old/python-prefix/share\"; }\n", {"-s"});
    if (file.empty()) SKIP("there is no gcc");
    PrefixRules rules = rules_for("/old/python-prefix");
    FilePlan plan = plan_file("lib/x.so", file, Role::ordinary, rules);
    CHECK(plan.mode == parcel::PrefixMode::binary);
    CHECK(plan.placeholder == "/old/python-prefix");
    plan = plan_file("lib/libpython3.so", file, Role::interpreter, rules);
    CHECK(plan.mode == parcel::PrefixMode::none);
    CHECK(plan.harmless.size() == 1);
    CHECK(plan.not_relocatable.empty());

    std::string object = compile(temporary->path(), "int x;\n",
                                 {"-g", "-fdebug-prefix-map=" + temporary->path().string() + "=/old/python-prefix"});
    CHECK(object.find("/old/python-prefix") != std::string::npos);
    plan = plan_file("lib/x.so", object, Role::ordinary, rules);
    CHECK(plan.mode == parcel::PrefixMode::none);
    CHECK(plan.harmless.size() == 1);

    using namespace std::string_literals;
    CHECK(plan_file("x.db", "SQLite\0/old/python-prefix/x"s, Role::ordinary, rules).not_relocatable.size() == 1);
    CHECK(plan_file("x.a", "!<arch>\n\0/old/python-prefix/x"s, Role::ordinary, rules).harmless.size() == 1);
    CHECK(plan_file("x.pyc", "\0/old/python-prefix/x"s, Role::ordinary, rules).harmless.size() == 1);
}

TEST_CASE("conda's placeholder is restored when the package's hash proves it") {
    using namespace std::string_literals;
    const std::string placeholder = "/opt/build/" + std::string(240, 'p'), prefix = "/home/me/env";
    const std::string original = "\x7f\0A"s + placeholder + "/ssl:" + placeholder + "/x\0tail\0"s + placeholder + "\0"s;
    std::string first = prefix + "/ssl:" + prefix + "/x", installed = "\x7f\0A"s + first;
    installed.append(2 * (placeholder.size() - prefix.size()), '\0');
    installed += "\0tail\0"s + prefix + std::string(placeholder.size() - prefix.size(), '\0') + "\0"s;
    REQUIRE(installed.size() == original.size());
    ConversionHint hint{placeholder, to_hex(sha256(as_bytes(original))), true};
    FilePlan plan = plan_file("lib/x.so", installed, Role::ordinary, rules_for(prefix), &hint);
    CHECK(plan.mode == parcel::PrefixMode::binary);
    CHECK(plan.placeholder == placeholder);
    CHECK(apply_splices(installed, plan.splices) == original);
    hint.sha256[0] ^= 1;
    plan = plan_file("lib/x.so", installed, Role::ordinary, rules_for(prefix), &hint);
    CHECK(plan.splices.empty());
    CHECK(plan.not_relocatable.size() == 1);

    // Old packages declare no hash: then the file must equal the installed one.
    hint.sha256.clear();
    CHECK(plan_file("lib/x.so", installed, Role::ordinary, rules_for(prefix), &hint).splices.empty());
    hint.installed_sha256 = to_hex(sha256(as_bytes(installed)));
    plan = plan_file("lib/x.so", installed, Role::ordinary, rules_for(prefix), &hint);
    CHECK(plan.placeholder == placeholder);
    CHECK(apply_splices(installed, plan.splices) == original);
    hint.installed_sha256[0] ^= 1;
    CHECK(plan_file("lib/x.so", installed, Role::ordinary, rules_for(prefix), &hint).splices.empty());
}

TEST_CASE("a cut or damaged ELF file is no crash") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    std::string file =
        compile(temporary->path(), "int alpha(void) { return 1; }\n", {"-s", "-Wl,-rpath,/old/python-prefix/lib"});
    if (file.empty()) SKIP("there is no gcc");
    PrefixRules rules = rules_for("/old/python-prefix");
    for (std::size_t n = 0; n < file.size(); n += 7)
        (void)elf::elf_facts(as_bytes(std::string_view(file).substr(0, n)));
    for (std::size_t i = 0; i < file.size(); i += 3) {
        std::string damaged = file;
        damaged[i] = static_cast<char>(damaged[i] ^ 0xff);
        FilePlan plan = plan_file("lib/x.so", damaged, Role::ordinary, rules);
        CHECK(apply_splices(damaged, plan.splices).size() == damaged.size());
    }
}

TEST_CASE("relative paths") {
    CHECK(relative_between("lib/python3.11/lib-dynload", "/lib") == "../..");
    CHECK(relative_between("bin", "lib") == "../lib");
    CHECK(relative_between("lib", "lib") == "");
    CHECK(relative_between("", "lib/x") == "lib/x");
}

TEST_CASE("RECORD rows follow what was captured") {
    auto state = [](const std::string& path) {
        if (path == "bin/tool") return RecordState::relocated;
        if (path == "lib/python3.11/site-packages/gone.py") return RecordState::missing;
        return RecordState::same;
    };
    const std::string site = "lib/python3.11/site-packages";
    std::string text =
        "../../../bin/tool,sha256=abc,12\r\na/__init__.py,sha256=x,0\na/__pycache__/__init__.cpython-311.pyc,,\n"
        "gone.py,sha256=y,3\n\"odd, name.py\",sha256=z,1\n../../../../outside,sha256=q,1\n/abs,,\n";
    CHECK(updated_record(text, site, state) ==
          "../../../bin/tool,,\na/__init__.py,sha256=x,0\n"
          "a/__pycache__/__init__.cpython-311.pyc,,\n\"odd, name.py\",sha256=z,1\n");
    std::string same = "a.py,sha256=x,0\r\n";
    CHECK(updated_record(same, site, state) == same);
    CHECK(updated_record("", site, state).empty());
}
