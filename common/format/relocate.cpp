#include "common/format/relocate.hpp"

#include "common/base/base64url.hpp"
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::format {
namespace {

// Linux reads at most this many bytes of a "#!" line, and silently drops the rest.
constexpr std::size_t shebang_limit = 127;

void append(Bytes& out, std::string_view text) {
    auto bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

std::string with_prefix(std::string_view marked, std::string_view prefix) {
    return replace_all(marked, "\x01", prefix);
}

// Quotes for sh. They are double ones, because Python reads the line as a string in single quotes.
std::string double_quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
        out += c;
    }
    return out + "\"";
}

Status append_cstring(Bytes& out, std::string_view field, const Reloc& reloc, std::string_view prefix) {
    if (prefix.size() > reloc.text.size())
        return make_error(ErrorKind::usage, "the prefix has {} bytes, this file has room for {}; choose a shorter one",
                          prefix.size(), reloc.text.size());
    std::string replaced = replace_all(field, reloc.text, prefix);
    replaced.resize(field.size(), '\0');
    append(out, replaced);
    return {};
}

Status append_of_target(Bytes& out, const Reloc& reloc, const InstalledLookup& lookup) {
    if (!lookup) return make_error(ErrorKind::bug, "a digest relocation without a way to look its target up");
    TRY_ASSIGN(InstalledFile file, lookup(reloc.target));
    if (reloc.kind == RelocKind::digest_hex) append(out, to_hex(file.sha256));
    else if (reloc.kind == RelocKind::digest_b64url) append(out, to_base64url(file.sha256));
    else append(out, std::to_string(file.size));
    return {};
}

} // namespace

std::string portable_shebang(std::string_view line, std::string_view prefix) {
    std::string full = with_prefix(line, prefix);
    std::string_view command = std::string_view(line).substr(2);
    while (command.starts_with(' ') || command.starts_with('\t')) command.remove_prefix(1);
    // The interpreter ends at the first blank of the marked line; the prefix may have blanks of its own.
    std::size_t end = std::min(command.find_first_of(" \t"), command.size());
    std::string_view marked_interpreter = command.substr(0, end);
    std::string interpreter = with_prefix(marked_interpreter, prefix);
    std::string_view arguments = trim(command.substr(end));
    bool blank = interpreter.find_first_of(" \t") != std::string::npos;
    if (full.size() <= shebang_limit && !blank) return full;
    const std::string_view name = last_component(interpreter);
    if (!name.starts_with("python") && !name.starts_with("pypy"))
        return fmt::format("#!/usr/bin/env {}{}{}", name, arguments.empty() ? "" : " ", with_prefix(arguments, prefix));
    // sh reads a quoted command, and Python reads a string that it ignores.
    return fmt::format("#!/bin/sh\n'''exec' {} {}\"$0\" \"$@\"\n' '''", double_quoted(interpreter),
                       arguments.empty() ? "" : with_prefix(arguments, prefix) + " ");
}

Result<Bytes> apply_relocations(ByteView original, const std::vector<Reloc>& relocs, std::string_view prefix,
                                const InstalledLookup& lookup) {
    Bytes out;
    out.reserve(original.size() + relocs.size() * prefix.size());
    std::size_t done = 0;
    for (const Reloc& reloc : relocs) {
        if (reloc.offset < done || reloc.offset > original.size() || reloc.length > original.size() - reloc.offset)
            return make_error(ErrorKind::damaged, "a relocation lies outside its file");
        out.insert(out.end(), original.begin() + static_cast<std::ptrdiff_t>(done),
                   original.begin() + static_cast<std::ptrdiff_t>(reloc.offset));
        done = reloc.offset + reloc.length;
        switch (reloc.kind) {
        case RelocKind::text:
            append(out, prefix);
            break;
        case RelocKind::shebang:
            append(out, portable_shebang(reloc.text, prefix));
            break;
        case RelocKind::cstring:
            TRY(append_cstring(out, as_text(original.subspan(reloc.offset, reloc.length)), reloc, prefix));
            break;
        default:
            TRY(append_of_target(out, reloc, lookup));
        }
    }
    out.insert(out.end(), original.begin() + static_cast<std::ptrdiff_t>(done), original.end());
    return out;
}

std::optional<std::size_t> longest_prefix(const Content& content) {
    std::optional<std::size_t> longest;
    for (const Reloc& reloc : content.relocs)
        if (reloc.kind == RelocKind::cstring) longest = std::min(longest.value_or(SIZE_MAX), reloc.text.size());
    return longest;
}

} // namespace tinderbox::format
