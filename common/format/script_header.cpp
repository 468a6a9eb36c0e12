#include "common/format/script_header.hpp"

#include "common/base/ascii.hpp"
#include "common/base/last_component.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::format {
namespace {

constexpr std::size_t shebang_limit = 127; // bytes of a "#!" line that every Linux reads; the rest is dropped
constexpr std::string_view blanks = " \t";
constexpr std::string_view sh_line = "#!/bin/sh\n";
constexpr std::string_view our_line = "\f#coding:";
constexpr std::string_view our_exec = "/ 2>/dev/null || exec ";
constexpr std::string_view quoted_exec = "'''exec' ";
constexpr std::string_view script_words = " \"$0\" \"$@\"";

std::string with_prefix(std::string_view marked, std::string_view prefix) {
    return replace_all(marked, "\x01", prefix);
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end;
    }
    return out;
}

// One word for sh, in ASCII.
std::string sh_word(std::string_view text) {
    if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        return shell_quote(text);
    std::string out = "\"$(printf '";
    for (char c : text)
        if (is_alnum(c) || c == '/') out += c;
        else out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    return out + "')\"";
}

// The coding that a comment declares (PEP 263), "" = none.
std::string_view declared_coding(std::string_view line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\f"), line.size()));
    if (!line.starts_with('#')) return {};
    constexpr std::string_view word = "coding";
    for (std::size_t at = 0; (at = line.find(word, at)) != std::string_view::npos;) {
        at += word.size();
        if (at >= line.size() || (line[at] != ':' && line[at] != '=')) continue;
        const std::size_t begin = std::min(line.find_first_not_of(blanks, at + 1), line.size());
        std::size_t end = begin;
        while (end < line.size() && (is_word(line[end]) || line[end] == '-' || line[end] == '.')) ++end;
        if (end > begin) return line.substr(begin, end - begin);
    }
    return {};
}

// The coding of a script whose first line is followed by `rest`.
std::string_view coding_of(std::string_view rest) {
    if (rest.starts_with('\n')) rest.remove_prefix(1);
    const std::string_view coding = declared_coding(rest.substr(0, rest.find('\n')));
    return coding.empty() ? "utf-8" : coding;
}

enum class Family { python, shell, perl, node, other };

Family family_of(std::string_view name) {
    for (std::string_view stem : {"python", "pypy", "ipython"})
        if (name.starts_with(stem)) return Family::python;
    for (std::string_view shell : {"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"})
        if (name == shell) return Family::shell;
    if (name.starts_with("perl")) return Family::perl;
    return name == "node" ? Family::node : Family::other;
}

// A "#!" line, taken apart.
struct Line {
    std::string_view interpreter;            // marked
    std::vector<std::string_view> arguments; // marked
    bool by_env = false;                     // "#!/usr/bin/env PREFIX/bin/x"
    bool split = false;                      // env -S
};

Line parse(std::string_view line) {
    std::vector<std::string_view> words = words_of(line.substr(2));
    Line out;
    if (words.empty()) return out;
    std::size_t at = 0;
    if (last_component(words[0]) == "env") {
        const std::size_t next = words.size() > 1 && words[1] == "-S" ? 2 : 1;
        out.by_env = next < words.size() && words[next].starts_with('\x01');
        out.split = out.by_env && next == 2;
        if (out.by_env) at = next;
    }
    out.interpreter = words[at];
    out.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    return out;
}

// Whether Linux does with `full` what the line means.
bool is_understood(const Line& line, std::string_view full, const std::string& interpreter, Family family) {
    if (full.size() > shebang_limit) return false;
    const bool blank = interpreter.find_first_of(blanks) != std::string::npos;
    // env reads a path with '=' as a variable; else the path is one argument, blanks and all.
    if (line.by_env && interpreter.find('=') != std::string::npos) return false;
    if (line.split) return !blank;
    if (line.by_env) return line.arguments.empty();
    // perl and many others take their first line apart themselves.
    const bool one = line.arguments.size() < 2 || (family != Family::python && family != Family::shell);
    return !blank && one;
}

std::string started_by_sh(Family family, const std::string& command, std::string_view rest) {
    switch (family) {
    case Family::python:
        return fmt::format("{}{}{}{}{}{}", sh_line, our_line, coding_of(rest), our_exec, command, script_words);
    case Family::shell:
        return fmt::format("{}test \"$_tinderbox_script\" = $$ || _tinderbox_script=$$ exec {}{}", sh_line, command,
                           script_words);
    case Family::perl:
        return fmt::format("{}exec {} -x{}\n#!perl", sh_line, command, script_words);
    default:
        return fmt::format("{}\":\" //; exec {}{}", sh_line, command, script_words);
    }
}

} // namespace

std::string script_header(std::string_view marked, std::string_view prefix, std::string_view rest) {
    const std::string full = with_prefix(marked, prefix);
    const Line line = parse(marked);
    const std::string interpreter = with_prefix(line.interpreter, prefix);
    const std::string_view name = last_component(interpreter);
    const Family family = family_of(name);
    if (line.interpreter.empty() || is_understood(line, full, interpreter, family)) return full;
    if (line.by_env) { // env looks a path up no better than Linux does
        std::string direct = "#!" + std::string(line.interpreter);
        for (std::string_view argument : line.arguments) direct += " " + std::string(argument);
        return script_header(direct, prefix, rest);
    }
    std::string arguments;
    for (std::string_view argument : line.arguments)
        arguments +=
            " " + (family == Family::other ? with_prefix(argument, prefix) : sh_word(with_prefix(argument, prefix)));
    if (family == Family::other)
        return fmt::format("#!/usr/bin/env {}{}{}", arguments.empty() ? "" : "-S ", name, arguments);
    return started_by_sh(family, sh_word(interpreter) + arguments, rest);
}

std::optional<ShHeader> read_sh_header(std::string_view script) {
    if (!script.starts_with(sh_line)) return std::nullopt;
    const std::size_t second = std::min(script.find('\n', sh_line.size()), script.size());
    std::string_view line = script.substr(sh_line.size(), second - sh_line.size());
    const std::size_t tail = line.rfind(script_words);
    if (tail == std::string_view::npos) return std::nullopt;
    line = line.substr(0, tail);
    ShHeader out;
    out.end = second;
    if (const std::size_t ours = line.find(our_exec); line.starts_with(our_line) && ours != std::string_view::npos) {
        line.remove_prefix(ours + our_exec.size());
    } else if (line.starts_with(quoted_exec)) {
        const std::size_t third = std::min(script.find('\n', std::min(second + 1, script.size())), script.size());
        if (second >= script.size() || script.substr(second + 1, third - second - 1) != "' '''") return std::nullopt;
        line.remove_prefix(quoted_exec.size());
        out.end = third;
    } else {
        return std::nullopt;
    }
    const char quote = line.empty() ? '\0' : line.front();
    const bool quoted = quote == '"' || quote == '\'';
    const std::size_t end = quoted ? line.find(quote, 1) : std::min(line.find(' '), line.size());
    if (end == std::string_view::npos) return std::nullopt;
    out.interpreter = line.substr(quoted ? 1 : 0, end - (quoted ? 1 : 0));
    out.arguments = trim(line.substr(std::min(end + (quoted ? 1 : 0), line.size())));
    return out;
}

std::optional<ReplacedHeader> replaced_header(std::string_view content, const std::vector<Reloc>& relocs,
                                              std::string_view prefix) {
    if (shell_quote(prefix) == prefix || !content.starts_with(sh_line)) return std::nullopt;
    const std::size_t second = std::min(content.find('\n', sh_line.size()), content.size());
    std::string marked;
    std::size_t done = 0, removed = 0; // `removed`: by how much `marked` is shorter
    for (const Reloc& reloc : relocs) {
        if (reloc.offset < done || reloc.offset >= second || reloc.length > second - reloc.offset) break;
        if (reloc.kind != RelocKind::text || reloc.length == 0) return std::nullopt;
        marked += content.substr(done, reloc.offset - done);
        marked += '\x01';
        done = reloc.offset + reloc.length;
        removed += reloc.length - 1;
    }
    if (done == 0) return std::nullopt;
    marked += content.substr(done);
    const auto header = read_sh_header(marked);
    if (!header || !header->interpreter.starts_with('\x01')) return std::nullopt;
    const std::size_t end = header->end + removed;
    const std::string line = fmt::format("#!{} {}", header->interpreter, header->arguments);
    return ReplacedHeader{script_header(trim(line), prefix, content.substr(end)), end};
}

} // namespace tinderbox::format
