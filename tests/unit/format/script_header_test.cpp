// Interpreter lines: each form is really run at a short prefix, one with a blank, a long one and a hostile one.
#include "common/base/file.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/relocate.hpp"
#include "common/format/script_header.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

namespace {

// A prefix with links to this machine's interpreters.
class Prefix {
  public:
    Prefix(const fs::path& parent, const std::string& name) : path((parent / name).string()) {
        fs::create_directories(path + "/bin");
        for (const char* program : {"python3", "bash", "dash", "perl", "node"})
            for (const char* directory : {"/usr/bin/", "/bin/", "/usr/local/bin/"}) {
                std::error_code none;
                if (!has(program) && fs::exists(std::string(directory) + program))
                    fs::create_symlink(std::string(directory) + program, path + "/bin/" + program, none);
            }
    }
    bool has(const std::string& program) const { return fs::exists(path + "/bin/" + program); }
    // What a script of these bytes prints when it is started by its path with the arguments "one two" and "".
    std::string run(ByteView script) const {
        REQUIRE(write_atomically(path + "/bin/script", script, 0755).ok());
        ProcessSpec spec;
        spec.argv = {path + "/bin/script", "one two", ""};
        spec.clear_environment = true; // no PATH leads to the interpreters of the prefix
        spec.set = {{"PATH", "/usr/bin:/bin"}, {"PYTHONDONTWRITEBYTECODE", "1"}, {"LC_ALL", "C.UTF-8"}};
        spec.merge_stderr = true;
        spec.timeout_seconds = 60;
        auto result = run_process(spec);
        if (!result.ok()) return result.error().message;
        return result->output + (result->succeeded() ? "" : result->describe());
    }
    std::string path;
};

const std::vector<std::string> prefixes = {"p", "a b", std::string(140, 'l'),
                                           "o'brien $(id) \"x\" `y` coding=z %s \\n é"};

struct Row {
    const char *program, *line, *rest, *expected;
};

// `rest` begins behind the first line.
const Row rows[] = {
    {"python3", "#!\x01/bin/python3", "\nimport sys\nprint(sys.argv[1:])\n", "['one two', '']\n"},
    {"python3", "#! \x01/bin/python3", "\nprint('blank')\n", "blank\n"},
    {"python3", "#!\x01/bin/python3", "\n\"\"\"The doc.\"\"\"\nprint(__doc__)\n", "The doc.\n"},
    {"python3", "#!\x01/bin/python3", "\n'The doc.'\nfrom __future__ import division\nprint(__doc__)\n", "The doc.\n"},
    {"python3", "#!\x01/bin/python3", "\nfrom __future__ import division\nprint(__doc__)\n", "None\n"},
    {"python3", "#!\x01/bin/python3", "\n# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\n", "'\\xe9'\n"},
    {"python3", "#!\x01/bin/python3", "\n \t# vim: set fileencoding=iso-8859-5 :\nprint(ascii('\xe9'))\n",
     "'\\u0449'\n"},
    {"python3", "#!\x01/bin/python3", "\n# no coding here: it is UTF-8\nprint(ascii('\xc3\xa9'))\n", "'\\xe9'\n"},
    {"python3", "#!\x01/bin/python3 -E", "\nimport sys\nprint(sys.flags.ignore_environment)\n", "1\n"},
    {"python3", "#!\x01/bin/python3 -E -s",
     "\nimport sys\nprint(sys.flags.ignore_environment, sys.flags.no_user_site, len(sys.argv))\n", "1 1 3\n"},
    {"python3", "#!\x01/bin/python3  -W\terror::UserWarning  -X utf8",
     "\nimport sys\nprint(sys.warnoptions, sys._xoptions)\n", "['error::UserWarning'] {'utf8': True}\n"},
    {"python3", "#!/usr/bin/env \x01/bin/python3", "\nprint('env')\n", "env\n"},
    {"python3", "#!/usr/bin/env \x01/bin/python3 -E", "\nprint('env')\n", "env\n"},
    {"python3", "#!/usr/bin/env -S \x01/bin/python3 -E -s", "\nimport sys\nprint(sys.flags.no_user_site)\n", "1\n"},
    // The script is read once more, as a module.
    {"python3", "#!\x01/bin/python3",
     "\nimport multiprocessing\ndef f(): print('child', flush=True)\nif __name__ == '__main__':\n"
     "    p = multiprocessing.get_context('spawn').Process(target=f)\n    p.start()\n    p.join()\n",
     "child\n"},
    {"bash", "#!\x01/bin/bash", "\n[[ $# == 2 ]] && echo \"$1,$2,${BASH_VERSION:+bash}\"\n", "one two,,bash\n"},
    {"bash", "#!\x01/bin/bash -e -u", "\necho $-\nfalse\necho not here\n", "ehuB\nexit status 1"},
    {"bash", "#!/usr/bin/env \x01/bin/bash", "\nif [ $# = 2 ]; then \"$0\" child; else [[ x ]] && echo $1; fi\n",
     "child\n"},
    {"dash", "#!\x01/bin/dash -eu", "\necho \"$1\"\n", "one two\n"},
    {"perl", "#!\x01/bin/perl", "\nprint \"@ARGV,\", scalar(@ARGV), \"\\n\", <DATA>;\n__END__\ndata\n",
     "one two ,2\ndata\n"},
    {"perl", "#!\x01/bin/perl -w", "\nprint \"$^W\\n\";\n", "1\n"},
    {"perl", "#!\x01/bin/perl -w -T", "\nprint \"$^W ${^TAINT}\\n\";\n", "1 1\n"},
    {"perl", "#!/usr/bin/env \x01/bin/perl", "\nprint \"env\\n\";\n", "env\n"},
    {"node", "#!\x01/bin/node",
     "\n'use strict';\nconsole.log(process.argv.slice(2), (function () { return this; })());\n",
     "[ 'one two', '' ] undefined\n"},
    {"node", "#!\x01/bin/node --no-warnings", "\nconsole.log(process.execArgv);\n", "[ '--no-warnings' ]\n"},
};

} // namespace

TEST_CASE("each form of an interpreter line is run", "[header]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    for (const std::string& name : prefixes) {
        const Prefix prefix(directory->path(), name);
        for (const Row& row : rows) {
            if (!prefix.has(row.program)) continue;
            const std::string script = "#!python" + std::string(row.rest);
            auto bytes = apply_relocations(as_bytes(script), {{RelocKind::shebang, 0, 8, row.line, 0}}, prefix.path);
            REQUIRE(bytes.ok());
            INFO(as_text(*bytes));
            CHECK(prefix.run(*bytes) == row.expected);
            CHECK(as_text(*bytes).ends_with(row.rest));
        }
    }
}

TEST_CASE("a package's own lines for sh are run", "[header]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    const std::string rest = "\nimport sys\nprint(sys.argv[1:])\n'/old/place'\n";
    for (const std::string& name : prefixes) {
        const Prefix prefix(directory->path(), name);
        if (!prefix.has("python3")) SKIP("no python3 here");
        for (const char* command :
             {"/old/place/bin/python3", "\"/old/place/bin/python3\"", "/old/place/bin/python3 -E -s"}) {
            const std::string script = fmt::format("#!/bin/sh\n'''exec' {} \"$0\" \"$@\"\n' '''{}", command, rest);
            std::vector<Reloc> relocs;
            for (std::size_t at = 0; (at = script.find("/old/place", at)) != std::string::npos; at += 10)
                relocs.push_back({RelocKind::text, at, 10, "", 0});
            auto bytes = apply_relocations(as_bytes(script), relocs, prefix.path);
            REQUIRE(bytes.ok());
            INFO(as_text(*bytes));
            const bool plain = name.find(' ') == std::string::npos;
            CHECK((as_text(*bytes) == replace_all(script, "/old/place", prefix.path)) == plain);
            // The prefix of the last line would end the string.
            if (name.find('\'') == std::string::npos) CHECK(prefix.run(*bytes) == "['one two', '']\n");
        }
    }
}

TEST_CASE("the lines of a header", "[header]") {
    const std::string spaced = "/home/a user/env";
    // A line that fits stays as it is.
    CHECK(script_header("#!\x01/bin/python3.11", "/opt/env") == "#!/opt/env/bin/python3.11");
    CHECK(script_header("#!\x01/bin/perl -w", "/opt/env") == "#!/opt/env/bin/perl -w");
    CHECK(script_header("#! \x01/bin/perl", "/opt/env") == "#! /opt/env/bin/perl");
    CHECK(script_header("#!/usr/bin/env python", spaced) == "#!/usr/bin/env python");
    CHECK(script_header("#!/usr/bin/env \x01/bin/x", "/opt/env") == "#!/usr/bin/env /opt/env/bin/x");
    CHECK(script_header("#!/bin/sh -e", spaced) == "#!/bin/sh -e");
    CHECK(script_header("#!", spaced) == "#!");
    // Exactly 127 bytes with "#!" fit, 128 do not.
    const std::string fits = "/" + std::string(127 - 2 - 1 - 9, 'f');
    CHECK(script_header("#!\x01/bin/tool", fits) == "#!" + fits + "/bin/tool");
    CHECK(script_header("#!\x01/bin/tool", fits + "f") == "#!/usr/bin/env tool");
    CHECK(script_header("#!\x01/bin/tool -f", spaced) == "#!/usr/bin/env -S tool -f");
    CHECK(script_header("#!\x01/bin/python3 -s", spaced) ==
          "#!/bin/sh\n\f#coding:utf-8/ 2>/dev/null || exec '/home/a user/env/bin/python3' -s \"$0\" \"$@\"");
    CHECK(script_header("#!\x01/bin/pypy3", spaced).starts_with("#!/bin/sh\n\f#"));
    // What we write can be read again.
    const auto read = read_sh_header(script_header("#!\x01/bin/python3 -E -s", spaced) + "\nimport x\n");
    REQUIRE(read);
    CHECK(read->interpreter == spaced + "/bin/python3");
    CHECK(read->arguments == "-E -s");
    for (std::string_view none :
         {"", "#!/bin/sh\n", "#!/bin/sh\n'''exec' ", "#!/bin/sh\n'''exec' x \"$0\" \"$@\"\n",
          "#!/bin/sh\n\f#coding: \"$0\" \"$@\"", "#!/bin/sh\n'''exec' \"x \"$0\" \"$@\"\n' '''"})
        CHECK_FALSE(read_sh_header(none));
}
