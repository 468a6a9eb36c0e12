// Jinja and selectors in a construct.yaml.
#include "generator/spec/template.hpp"

#include "tests/unit/check_contains.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::spec;

namespace {

std::string rendered(std::string_view text) {
    auto out = render_template(text, "c.yaml", "linux-64");
    return out.ok() ? std::string(out->substr(0, out->size() - 1)) : "refused_template: " + out.error().message;
}

std::string refused_template(std::string_view text) {
    auto out = render_template(text, "c.yaml", "linux-64");
    return out.ok() ? "answered: " + *out : out.error().message;
}

struct Case {
    const char* text;
    const char* expected;
};

} // namespace

TEST_CASE("what jinja2 3.1.6 answers", "[template]") {
    ::setenv("TINDERBOX_JINJA", "set", 1);
    ::unsetenv("NO");
    for (const Case& one : std::initializer_list<Case>{
             {"{{ 'a' + 'b' ~ 1 }}", "ab1"},
             {"{{ 1 ~ 2 == '12' }}", "True"},
             {"{{ True ~ 1 }}", "True1"},
             {"{{ not 'a' == 'b' }}", "True"},
             {"{{ 'a' if False }}", ""},
             {"{{ ('a' if False) | default('d') }}", "d"},
             {"{{ x.lower() if x else 'none' }}", "none"},
             {"{{ x and x.lower() or 'none' }}", "none"},
             {"{{ 'yes' or x.lower() }}", "yes"},
             {"{{ '' | default('d') }}", ""},
             {"{{ '' | default('d', true) }}", "d"},
             {"{{ x | default('d') | upper }}", "D"},
             {"{{ x | d }}", ""},
             {"{{ '1.2.3' | replace('.', '_') }}", "1_2_3"},
             {"{{ '1.2.3'.replace('.', '_').upper() }}", "1_2_3"},
             {"{{ 'a-B' | upper ~ 'c' }}", "A-Bc"},
             {"{{ ' a ' | trim ~ '|' }}", "a|"},
             {"{{ ' a '.strip() ~ '|' }}", "a|"},
             {"{{ 'b' in 'abc' }}", "True"},
             {"{{ 'b' not in 'abc' }}", "False"},
             {"{{ 'TINDERBOX_JINJA' in environ }}", "True"},
             {"{{ environ['TINDERBOX_JINJA'] }}", "set"},
             {"{{ environ.get('NO', 'd') }}", "d"},
             {"{{ environ.get('NO') or 'd' }}", "d"},
             {"{{ environ['NO'] | default('d') }}", "d"},
             {"{{ environ.get('NO') == none }}", "True"},
             {"{{ True == 1 }}", "True"},
             {"{{ 2 < 10 }}", "True"},
             {"{{ '2' < '10' }}", "False"},
             {"{{ x == y }}", "True"},
             {"{{ x == '' }}", "False"},
             {"{{ 12 | string == '12' }}", "True"},
             {"{{ 'abc'.startswith('ab') and 'abc'.endswith('bc') }}", "True"},
             {"{{ 'a' if x else 'b' if 'x' else 'c' }}", "b"},
             {"{% set v = '1' %}{% if v == '1' %}one{% elif w.lower() %}two{% else %}three{% endif %}", "one"},
             {"a {{- 'b' -}} c", "abc"},
             {"a {%- if true -%} b {%- endif %} c", "ab c"},
             {"{# x #}a", "a"},
             {"{{ not not 'a' }}", "True"},
             {"{{ ('a' ~ ('b' if ('c')) )}}", "ab"},
             {"{{ 'a' and 'b' or 'c' }}", "b"},
             {"{{ 5000000000 ~ '' }}", "5000000000"},
             {"{{ 1 != '1' }}", "True"}})
        CHECK((one.text + std::string(" => ") + rendered(one.text)) == one.text + std::string(" => ") + one.expected);
}

TEST_CASE("what is not answered as jinja2 would is refused_template by its line", "[template]") {
    ::unsetenv("NO");
    for (const Case& one : std::initializer_list<Case>{
             {"{{ 1 + 4000000000 }}", "'+' joins two texts"},
             {"{{ 'a' + 1 }}", "'+' joins two texts"},
             {"{{ 3 * 2 }}", "'* 2' is not understood"},
             {"{{ -1 }}", "'-1' is not understood"}, // YAML has it as it is
             {"{{ '12abc' | int }}", "'int' is not understood; write its result instead"},
             {"{{ 'a' | startswith('a') }}", "'startswith' is not understood"},
             {"{{ 'a' | strip }}", "'strip' is not understood"},
             {"{{ 'a'.trim() }}", "'trim' is not understood"},
             {"{{ 'a'.lower }}", "'lower' is not understood"},
             {"{{ 'a'.split('.') }}", "'split' is not understood"},
             {"{{ 'aa' | replace('a', 'b', 1) }}", "'replace' is not understood"},
             {"{{ ' a ' | trim('a') }}", "'trim' is not understood"},
             {"{{ 'Ä' | lower }}", "'lower' works here only on texts of ASCII letters"},
             {"{{ 'a\\tb' }}", "a text has a backslash"},
             {"{{ 007 }}", "'007' is no whole number"},
             {"{{ 1.5 }}", "'1.5' is no whole number"},
             {"{{ 99999999999999999999 }}", "is no whole number"},
             {"{{ 1 < 'a' }}", "'<' compares two texts or two numbers"},
             {"{{ 1 < 2 < 3 }}", "'< 3' is not understood"},
             {"{{ x < 1 }}", "'x' is not defined"},
             {"{{ x ~ 'a' }}", "'x' is not defined"},
             {"{{ x }}", "'x' is not defined; set it with {% set %}"},
             {"{{ x.lower() }}", "'x' is not defined"},
             {"{{ 1 in 'a1' }}", "'in' searches a text in a text"},
             {"{{ 'a' not 'b' }}", "'not' stands where 'not in' should be"},
             {"{{ environ.get('NO') }}", "'NO' is not set, so jinja would write 'None'; write a default"},
             {"{{ environ }}", "environ and os are no texts"},
             {"{% set a.b = 1 %}", "'set a.b = 1' is not {% set NAME = VALUE %}"},
             {"{% raw %}", "jinja's 'raw' is not understood here"},
             {"{{ 'a'", "'{{' is not closed with '}}'"},
             {"a: {{ 'b' -}}\n  c", "joins two lines"},
             {"a:\n  {{- 'b' }}", "joins two lines"},
             {"{{ "
              "((((((((((((((((((((((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))))))))))))))))))))"
              ") }}",
              "nested more than 50 deep"}}) {
        INFO(one.text);
        CHECK(refused_template(std::string("\n") + one.text).starts_with("c.yaml:"));
        CHECK_CONTAINS(refused_template(one.text), one.expected);
    }
}

TEST_CASE("line numbers stay those of the file", "[template]") {
    CHECK(rendered("a\n{%- if false -%}\nb\n{%- else -%}\nc\n{%- endif %}\nd\n{# x\ny #}\ne") ==
          "a\n\n\n\nc\n\nd\n\n\ne");
    CHECK(rendered("{% set v =\n 'x' %}\na: {{ v }}  # [linux]\nb: 1  # [win]\nc: 2") == "\n\na: x  \n\nc: 2");
}

TEST_CASE("selectors are Python's expressions over the platform", "[template]") {
    CHECK(rendered("a [unix and not aarch64]\nb # [win or osx]\nc # [x86_64]\nd: [e, f]") == "a\n\nc \nd: [e, f]");
    CHECK_CONTAINS(refused_template("a # [win and linxu]"),
                   "c.yaml:1: in 'win and linxu', selectors know no platform 'linxu'");
}
