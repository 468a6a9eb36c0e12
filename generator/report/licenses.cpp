#include "generator/report/licenses.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::report {
namespace {

// Identifiers of the SPDX licence list 3.27 that conda-forge's and the index's packages use; all of them are free or
// open source by OSI's or FSF's word, but for those behind `not_free`.
constexpr std::string_view identifiers[] = {
    "0BSD", "AFL-2.0", "AFL-2.1", "AFL-3.0", "AGPL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-1.1",
    "Apache-2.0", "APSL-2.0", "Artistic-1.0", "Artistic-2.0", "Beerware", "Bitstream-Vera", "BlueOak-1.0.0",
    "BSD-1-Clause", "BSD-2-Clause", "BSD-2-Clause-Patent", "BSD-3-Clause", "BSD-3-Clause-LBNL", "BSD-3-Clause-Clear",
    "BSD-3-Clause-Open-MPI", "BSD-4-Clause", "BSD-4-Clause-UC", "BSL-1.0", "bzip2-1.0.6", "CC-BY-3.0", "CC-BY-4.0",
    "CC-BY-SA-4.0", "CC-PDDC", "CC0-1.0", "CDDL-1.0", "CECILL-2.1", "CECILL-B", "CECILL-C", "CNRI-Python", "CPL-1.0",
    "curl", "ECL-2.0", "EFL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.2", "FSFAP", "FSFUL", "FSFULLR", "FTL", "GFDL-1.3",
    "GFDL-1.3-only", "GFDL-1.3-or-later", "GPL-1.0-or-later", "GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0",
    "GPL-3.0-only", "GPL-3.0-or-later", "HDF5", "HPND", "HPND-sell-variant", "ICU", "IJG", "ImageMagick", "Intel",
    "ISC", "JSON", "LGPL-2.0", "LGPL-2.0-only", "LGPL-2.0-or-later", "LGPL-2.1", "LGPL-2.1-only", "LGPL-2.1-or-later",
    "LGPL-3.0", "LGPL-3.0-only", "LGPL-3.0-or-later", "Libpng", "libpng-2.0", "libtiff", "LLVM-exception", "LPPL-1.3c",
    "MIT", "MIT-0", "MIT-advertising", "MIT-CMU", "MIT-Modern-Variant", "MPL-1.1", "MPL-2.0", "MS-PL", "MulanPSL-2.0",
    "NAIST-2003", "NCSA", "NTP", "OFL-1.1", "OLDAP-2.8", "OpenSSL", "OSL-3.0", "PostgreSQL", "PSF-2.0", "Python-2.0",
    "Python-2.0.1", "QPL-1.0", "RSA-MD", "Ruby", "SGI-B-2.0", "Sleepycat", "SMLNJ", "Spencer-94", "SSH-OpenSSH",
    "SSH-short", "TCL", "TCP-wrappers", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "UPL-1.0", "Vim", "W3C",
    "WTFPL", "X11", "X11-distribute-modifications-variant", "XFree86-1.1", "Xnet", "YPL-1.1", "Zed", "Zlib",
    "zlib-acknowledgement", "ZPL-2.1",
    // Known, and not free.
    "BUSL-1.1", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0", "Elastic-2.0", "SSPL-1.0"};
constexpr std::string_view not_free[] = {"BUSL-1.1",        "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0",
                                         "CC-BY-NC-ND-4.0", "Elastic-2.0",  "SSPL-1.0"};
constexpr std::string_view exceptions[] = {"GCC-exception-2.0",       "GCC-exception-3.1",      "LLVM-exception",
                                           "Classpath-exception-2.0", "Autoconf-exception-3.0", "Bison-exception-2.2",
                                           "Font-exception-2.0",      "OpenSSL-exception",      "Linux-syscall-note",
                                           "Libtool-exception",       "Bootloader-exception"};

// Other names of a licence: the last parts of classifiers, and common spellings.
constexpr std::pair<std::string_view, std::string_view> other_words[] = {
    {"mit license", "MIT"},
    {"the mit license", "MIT"},
    {"mit license (mit)", "MIT"},
    {"expat", "MIT"},
    {"apache software license", "Apache-2.0"},
    {"apache 2.0", "Apache-2.0"},
    {"apache-2", "Apache-2.0"},
    {"apache license 2.0", "Apache-2.0"},
    {"apache license, version 2.0", "Apache-2.0"},
    {"apache license version 2.0", "Apache-2.0"},
    {"apache 2", "Apache-2.0"},
    {"apache license v2.0", "Apache-2.0"},
    {"apache-2.0 license", "Apache-2.0"},
    {"apache 2.0 license", "Apache-2.0"},
    {"bsd 3-clause", "BSD-3-Clause"},
    {"bsd 3-clause license", "BSD-3-Clause"},
    {"bsd-3-clause license", "BSD-3-Clause"},
    {"3-clause bsd license", "BSD-3-Clause"},
    {"3-clause bsd", "BSD-3-Clause"},
    {"new bsd license", "BSD-3-Clause"},
    {"new bsd", "BSD-3-Clause"},
    {"modified bsd", "BSD-3-Clause"},
    {"modified bsd license", "BSD-3-Clause"},
    {"bsd 3 clause", "BSD-3-Clause"},
    {"bsd-3", "BSD-3-Clause"},
    {"bsd 2-clause", "BSD-2-Clause"},
    {"bsd 2-clause license", "BSD-2-Clause"},
    {"simplified bsd", "BSD-2-Clause"},
    {"python software foundation license", "PSF-2.0"},
    {"psf", "PSF-2.0"},
    {"psf license", "PSF-2.0"},
    {"psfl", "PSF-2.0"},
    {"mozilla public license 2.0 (mpl 2.0)", "MPL-2.0"},
    {"mpl 2.0", "MPL-2.0"},
    {"isc license (iscl)", "ISC"},
    {"isc license", "ISC"},
    {"the unlicense (unlicense)", "Unlicense"},
    {"gnu general public license v3 (gplv3)", "GPL-3.0-only"},
    {"gplv3", "GPL-3.0-only"},
    {"gnu general public license v3 or later (gplv3+)", "GPL-3.0-or-later"},
    {"gplv3+", "GPL-3.0-or-later"},
    {"gnu general public license v2 (gplv2)", "GPL-2.0-only"},
    {"gnu general public license v2 or later (gplv2+)", "GPL-2.0-or-later"},
    {"gnu lesser general public license v3 (lgplv3)", "LGPL-3.0-only"},
    {"gnu lesser general public license v3 or later (lgplv3+)", "LGPL-3.0-or-later"},
    {"gnu lesser general public license v2 or later (lgplv2+)", "LGPL-2.0-or-later"},
    {"boost software license 1.0 (bsl-1.0)", "BSL-1.0"},
    {"zope public license", "ZPL-2.1"},
    {"zpl 2.1", "ZPL-2.1"},
    {"cc0 1.0 universal (cc0 1.0) public domain dedication", "CC0-1.0"},
    {"zlib/libpng license", "Zlib"},
    {"historical permission notice and disclaimer (hpnd)", "HPND"}};

// Words that name a free licence, but not which one.
constexpr std::string_view free_words[] = {"bsd",
                                           "bsd license",
                                           "bsd-like",
                                           "gpl",
                                           "lgpl",
                                           "lgplv2",
                                           "lgplv2+",
                                           "gnu general public license (gpl)",
                                           "gnu library or lesser general public license (lgpl)",
                                           "public domain",
                                           "apache",
                                           "dual license"};

std::string_view classifier_end(std::string_view text) {
    auto at = text.rfind(" :: ");
    return trim(at == std::string_view::npos ? text : text.substr(at + 4));
}

// "(MIT OR Apache-2.0) AND BSD-3-Clause" → its words, with "(" and ")" on their own.
std::vector<std::string> expression_words(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    auto flush = [&] {
        if (!word.empty()) out.push_back(std::exchange(word, ""));
    };
    for (char c : text) {
        if (c == ' ' || c == '\t') {
            flush();
        } else if (c == '(' || c == ')') {
            flush();
            out.emplace_back(1, c);
        } else {
            word += c;
        }
    }
    flush();
    return out;
}

} // namespace

std::string spdx_identifier(std::string_view text) {
    std::string lower = to_lower(text);
    for (std::string_view known : identifiers)
        if (to_lower(known) == lower) return std::string(known);
    return "";
}

std::string spdx_expression(std::string_view text) {
    text = trim(text);
    std::string_view plain = classifier_end(text);
    if (plain.empty() || plain.size() > 1000) return "";
    if (std::string known = spdx_identifier(plain); !known.empty()) return known;
    for (auto [words, identifier] : other_words)
        if (to_lower(plain) == words) return std::string(identifier);
    // IDENTIFIER[+] [WITH EXCEPTION], joined by AND or OR, in parentheses that close.
    std::string out;
    int depth = 0;
    bool wants_license = true, after_with = false;
    for (const std::string& word : expression_words(plain)) {
        std::string upper = to_lower(word), next;
        if (word == "(") {
            if (!wants_license || after_with) return "";
            ++depth;
            out += out.empty() || out.ends_with('(') ? "(" : " (";
            continue;
        }
        if (word == ")") {
            if (wants_license || depth-- == 0) return "";
            out += ")";
            continue;
        }
        if (upper == "and" || upper == "or" || upper == "with") {
            if (wants_license) return "";
            wants_license = true;
            after_with = upper == "with";
            next = upper == "and" ? "AND" : upper == "or" ? "OR" : "WITH";
        } else if (after_with) {
            for (std::string_view one : exceptions)
                if (to_lower(one) == upper) next = one;
            if (next.empty()) return "";
            after_with = wants_license = false;
        } else {
            bool plus = word.ends_with('+');
            next = spdx_identifier(std::string_view(word).substr(0, word.size() - (plus ? 1 : 0)));
            if (next.empty() || !wants_license) return "";
            if (plus) next += "+";
            wants_license = false;
        }
        out += (out.empty() || out.ends_with('(') ? "" : " ") + next;
    }
    return wants_license || depth != 0 ? "" : out;
}

bool is_free_license(std::string_view expression) {
    std::string known = spdx_expression(expression);
    if (known.empty())
        return std::ranges::find(free_words, to_lower(classifier_end(trim(expression)))) != std::end(free_words);
    for (const std::string& word : expression_words(known))
        if (std::ranges::find(not_free, word) != std::end(not_free)) return false;
    return true;
}

} // namespace tinderbox::report
