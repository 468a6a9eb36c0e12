#include "runtime/install/conda_init.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::install {
namespace {

constexpr std::string_view open_mark = "# >>> conda initialize >>>";
constexpr std::string_view close_mark = "# <<< conda initialize <<<";
constexpr std::string_view ps_open_mark = "#region conda initialize";
constexpr std::string_view ps_close_mark = "#endregion";
constexpr std::string_view managed = "# !! Contents within this block are managed by 'conda init' !!";
constexpr std::string_view comment = "  # commented out by conda initialize";

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// ---- lines that conda comments out --------------------------------------------------------------------------------

// `export PATH="…/BASE/bin:$PATH"`: installers of 2018 and before appended this line. Returns the line after the
// change.
std::optional<std::string> without_export(std::string_view line, std::string_view base) {
    std::size_t start = 0;
    while (start < line.size() && is_blank(line[start])) ++start;
    constexpr std::string_view words = "export PATH=";
    if (!line.substr(start).starts_with(words)) return std::nullopt;
    std::size_t at = start + words.size();
    if (at >= line.size() || (line[at] != '\'' && line[at] != '"')) return std::nullopt;
    const std::string wanted = std::string(base) + "/bin:$PATH";
    for (++at; (at = line.find(wanted, at)) != std::string_view::npos; ++at) {
        std::size_t end = at + wanted.size();
        if (end >= line.size() || (line[end] != '\'' && line[end] != '"')) continue;
        return fmt::format("# {}{}{}", line.substr(start, end + 1 - start), comment, line.substr(end + 1));
    }
    return std::nullopt;
}

// The same of fish: `set -gx PATH "…/BASE/bin" … $PATH`, with or without quotes.
std::optional<std::string> without_set_path(std::string_view line, std::string_view base) {
    std::size_t start = 0;
    while (start < line.size() && is_blank(line[start])) ++start;
    constexpr std::string_view words = "set -gx PATH ";
    if (!line.substr(start).starts_with(words)) return std::nullopt;
    const std::size_t first = start + words.size();
    auto attempt = [&](std::size_t at, std::string_view quote) -> std::optional<std::string> {
        const std::string wanted = fmt::format("{}/bin{} ", base, quote);
        at = line.find(wanted, at);
        if (at == std::string_view::npos) return std::nullopt;
        at = line.find("$PATH", at + wanted.size());
        if (at == std::string_view::npos) return std::nullopt;
        std::size_t end = at + 5;
        return fmt::format("# {}{}{}", line.substr(start, end - start), comment, line.substr(end));
    };
    if (first < line.size() && (line[first] == '\'' || line[first] == '"'))
        if (auto found = attempt(first + 1, line.substr(first, 1))) return found;
    return attempt(first, "");
}

std::size_t character_size(char first) {
    auto c = static_cast<unsigned char>(first);
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

// Where `source X` or `. X` begins, when X holds `needle`. Before it may stand blanks and one more character, whatever
// it is (`^[ \t]*[^#\n]?[ \t]*` in conda): the places where that pattern can end before a word are two.
std::optional<std::size_t> source_of(std::string_view line, std::string_view needle) {
    std::size_t blanks = 0;
    while (blanks < line.size() && is_blank(line[blanks])) ++blanks;
    auto fits = [&](std::size_t at) {
        std::string_view rest = line.substr(at);
        for (std::string_view word : {"source ", ". "})
            if (rest.starts_with(word) && rest.find(needle, word.size()) != std::string_view::npos) return true;
        return false;
    };
    if (blanks < line.size() && line[blanks] != '#') {
        std::size_t at = std::min(blanks + character_size(line[blanks]), line.size());
        while (at < line.size() && is_blank(line[at])) ++at;
        if (fits(at)) return at;
    }
    return fits(blanks) ? std::optional(blanks) : std::nullopt;
}

// Where `what` stands at or after `from`; `line`: as a whole line.
std::size_t find_copy(std::string_view text, const std::string& what, bool line, std::size_t from) {
    for (std::size_t at = from; (at = text.find(what, at)) != std::string_view::npos; ++at) {
        if (!line) return at;
        std::string_view rest = text.substr(at + what.size());
        if ((at == 0 || text[at - 1] == '\n') && (rest.empty() || rest.starts_with('\n') || rest.starts_with("\r\n")))
            return at;
    }
    return std::string_view::npos;
}

TextEdit edit_at(bool line, std::string before, std::string after, std::string_view in_front) {
    TextEdit edit{line, std::move(before), std::move(after), 0};
    for (std::size_t at = 0; (at = find_copy(in_front, edit.after, line, at)) != std::string_view::npos; ++at)
        ++edit.copies;
    return edit;
}

class Editor {
  public:
    explicit Editor(std::string_view text) { out_.text = text; }

    // `change` gives the new line, or nothing. A "\r" at a line's end is not part of the line and stays.
    template <class Change> void each_line(const Change& change) {
        std::string made;
        std::string_view rest = out_.text;
        std::vector<TextEdit> edits;
        while (!rest.empty()) {
            auto [line, ending] = cut(rest);
            std::string_view next = rest.empty() ? std::string_view() : peek(rest);
            if (std::optional<std::string> changed = change(line, next)) {
                edits.push_back(edit_at(true, std::string(line), *changed, made));
                made += *changed;
            } else made += line;
            made += ending;
        }
        out_.text = std::move(made);
        std::ranges::move(edits, std::back_inserter(out_.edits));
    }

    // Every block from `open` (a line of its own) to the nearest `close`, with the newline after that.
    void replace_blocks(std::string_view open, std::string_view close, const std::string& block, bool only_first) {
        std::string& text = out_.text;
        for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;) {
            std::size_t after = newline_at(at + open.size());
            if ((at > 0 && text[at - 1] != '\n') || after == 0) {
                ++at;
                continue;
            }
            std::size_t end = text.find(close, at + open.size() + after);
            if (end == std::string::npos) break;
            end += close.size();
            end += newline_at(end);
            std::string old = text.substr(at, end - at);
            if (old != block) out_.edits.push_back(edit_at(false, old, block, std::string_view(text).substr(0, at)));
            text.replace(at, end - at, block);
            at += block.size();
            if (only_first) break;
        }
    }

    void append(std::string_view open, const std::string& block) {
        if (out_.text.find(open) != std::string::npos) {
            out_.broken_block = out_.text.find(block) == std::string::npos;
            return;
        }
        std::string added = "\n" + block + "\n";
        out_.text += added;
        out_.edits.push_back({false, "", std::move(added), 0});
    }

    // Lines inside a block are commented out before the block itself is replaced: when it is ours, nothing has changed.
    InitText take(std::string_view before) {
        if (out_.text == before) out_.edits.clear();
        return std::move(out_);
    }

  private:
    static std::pair<std::string_view, std::string_view> cut(std::string_view& rest) {
        std::size_t end = std::min(rest.find('\n'), rest.size());
        std::size_t line = end > 0 && end < rest.size() && rest[end - 1] == '\r' ? end - 1 : end;
        std::size_t whole = std::min(end + 1, rest.size());
        std::pair out = {rest.substr(0, line), rest.substr(line, whole - line)};
        rest.remove_prefix(whole);
        return out;
    }
    static std::string_view peek(std::string_view rest) { return cut(rest).first; }
    std::size_t newline_at(std::size_t at) const {
        std::string_view rest = std::string_view(out_.text).substr(std::min(at, out_.text.size()));
        return rest.starts_with('\n') ? 1 : rest.starts_with("\r\n") ? 2 : 0;
    }
    InitText out_;
};

std::string commented(std::string_view words) { return fmt::format("# {}{}", words, comment); }

// `source …/conda.sh` with `conda activate …` below it (both), then by itself.
void comment_sources(Editor& editor, std::string_view needle, std::string_view needle_alone) {
    bool second = false;
    editor.each_line([&](std::string_view line, std::string_view next) -> std::optional<std::string> {
        if (second) {
            second = false;
            return commented(line);
        }
        auto at = source_of(line, needle);
        if (!at || !next.starts_with("conda activate")) return std::nullopt;
        second = true;
        return commented(line.substr(*at));
    });
    editor.each_line([&](std::string_view line, std::string_view) -> std::optional<std::string> {
        auto at = source_of(line, needle_alone);
        return at ? std::optional(commented(line.substr(*at))) : std::nullopt;
    });
}

} // namespace

std::string_view to_string(Shell shell) {
    static constexpr std::array names = {"bash", "zsh", "fish", "tcsh", "xonsh", "powershell"};
    return names[static_cast<std::size_t>(shell)];
}

std::optional<Shell> shell_named(std::string_view name) {
    name = last_component(name);
    for (Shell shell : all_shells)
        if (name == to_string(shell)) return shell;
    if (name == "sh" || name == "dash") return Shell::bash;
    if (name == "csh") return Shell::tcsh;
    if (name == "pwsh" || name == "pwsh-preview") return Shell::powershell;
    return std::nullopt;
}

std::string conda_init_block(Shell shell, std::string_view prefix) {
    const std::string exe = fmt::format("{}/bin/conda", prefix);
    std::string body;
    switch (shell) {
    case Shell::bash:
    case Shell::zsh:
        body = fmt::format("__conda_setup=\"$('{1}' 'shell.{2}' 'hook' 2> /dev/null)\"\n"
                           "if [ $? -eq 0 ]; then\n"
                           "    eval \"$__conda_setup\"\n"
                           "else\n"
                           "    if [ -f \"{0}/etc/profile.d/conda.sh\" ]; then\n"
                           "        . \"{0}/etc/profile.d/conda.sh\"\n"
                           "    else\n"
                           "        export PATH=\"{0}/bin:$PATH\"\n"
                           "    fi\n"
                           "fi\n"
                           "unset __conda_setup\n",
                           prefix, exe, to_string(shell));
        break;
    case Shell::tcsh:
        body = fmt::format("if ( -f \"{0}/etc/profile.d/conda.csh\" ) then\n"
                           "    source \"{0}/etc/profile.d/conda.csh\"\n"
                           "else\n"
                           "    setenv PATH \"{0}/bin:$PATH\"\n"
                           "endif\n",
                           prefix);
        break;
    case Shell::fish: {
        // conda writes it bare, which a space would cut in two.
        const std::string word = exe.find(' ') == std::string::npos ? exe : "\"" + exe + "\"";
        body = fmt::format("if test -f {1}\n"
                           "    eval {1} \"shell.fish\" \"hook\" $argv | source\n"
                           "else\n"
                           "    if test -f \"{0}/etc/fish/conf.d/conda.fish\"\n"
                           "        . \"{0}/etc/fish/conf.d/conda.fish\"\n"
                           "    else\n"
                           "        set -x PATH \"{0}/bin\" $PATH\n"
                           "    end\n"
                           "end\n",
                           prefix, word);
        break;
    }
    case Shell::xonsh:
        body = fmt::format("if !(test -f \"{0}\"):\n"
                           "    import sys as _sys\n"
                           "    from types import ModuleType as _ModuleType\n"
                           "    _mod = _ModuleType(\"xontrib.conda\",\n"
                           "                    \"Autogenerated from $({0} shell.xonsh hook)\")\n"
                           "    __xonsh__.execer.exec($(\"{0}\" \"shell.xonsh\" \"hook\"),\n"
                           "                        glbs=_mod.__dict__,\n"
                           "                        filename=\"$({0} shell.xonsh hook)\")\n"
                           "    _sys.modules[\"xontrib.conda\"] = _mod\n"
                           "    del _sys, _mod, _ModuleType\n",
                           exe);
        break;
    case Shell::powershell:
        return fmt::format("{1}\n{2}\n"
                           "If (Test-Path \"{0}\") {{\n"
                           "    (& \"{0}\" \"shell.powershell\" \"hook\") | Out-String | ?{{$_}} | Invoke-Expression\n"
                           "}}\n"
                           "{3}\n",
                           exe, ps_open_mark, managed, ps_close_mark);
    }
    return fmt::format("{}\n{}\n{}{}\n", open_mark, managed, body, close_mark);
}

InitText conda_init_text(Shell shell, std::string_view prefix, std::string_view text) {
    const std::string block = conda_init_block(shell, prefix);
    Editor editor(text);
    auto one_line = [&](auto change) {
        editor.each_line([&](std::string_view line, std::string_view) { return change(line, last_component(prefix)); });
    };
    switch (shell) {
    case Shell::bash:
    case Shell::zsh:
    case Shell::tcsh:
        one_line(without_export);
        comment_sources(editor, "etc/profile.d/conda.sh", "etc/profile.d/conda.sh");
        editor.each_line([&](std::string_view line, std::string_view) -> std::optional<std::string> {
            auto at = source_of(line, "bin/activate");
            return at ? std::optional(commented(line.substr(*at))) : std::nullopt;
        });
        break;
    case Shell::fish:
        one_line(without_set_path);
        comment_sources(editor, "etc/fish/conf.d/conda.fish", "etc/fish/conda.d/conda.fish");
        break;
    case Shell::xonsh:
        break;
    case Shell::powershell:
        editor.replace_blocks(ps_open_mark, ps_close_mark, block, true);
        editor.append(ps_open_mark, block);
        return editor.take(text);
    }
    editor.replace_blocks(open_mark, close_mark, block, false);
    editor.append(open_mark, block);
    return editor.take(text);
}

namespace {

// Puts `before` where `after` stands. A line of the user's below must not join the one above.
void put_back(std::string& text, std::size_t at, std::size_t size, const std::string& before) {
    const bool joins = before.empty() && at > 0 && text[at - 1] != '\n' && at + size < text.size();
    text.replace(at, size, joins ? "\n" : before);
}

// The block was edited: lines between the markers that name this conda's directory are still ours.
void put_back_edited(std::string& text, const TextEdit& edit, std::string_view prefix) {
    const bool powershell = edit.after.find(ps_open_mark) != std::string::npos;
    const std::string_view open = powershell ? ps_open_mark : open_mark;
    const std::string_view close = powershell ? ps_close_mark : close_mark;
    for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos; at += open.size()) {
        if (at > 0 && text[at - 1] != '\n') continue;
        std::size_t end = text.find(close, at);
        if (end == std::string::npos) return;
        end += close.size();
        std::string_view block = std::string_view(text).substr(at, end - at);
        if (block.find(fmt::format("{}/bin", prefix)) == std::string_view::npos &&
            block.find(fmt::format("{}/etc/", prefix)) == std::string_view::npos)
            continue;
        if (text.compare(end, 1, "\n") == 0) ++end;
        if (edit.before.empty()) { // the empty lines around it came with it
            if (at > 0) --at;
            if (text.compare(end, 1, "\n") == 0) ++end;
        }
        put_back(text, at, end - at, edit.before);
        return;
    }
}

} // namespace

std::string undo_init_text(std::string_view prefix, std::string_view text, const std::vector<TextEdit>& edits) {
    std::string out(text);
    for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
        // That of several copies which is ours; fewer than there were: somebody was here, and any is as good.
        std::size_t at = find_copy(out, edit->after, edit->line, 0);
        for (std::size_t next = at, i = 0; i < edit->copies && next != std::string::npos; ++i)
            if ((next = find_copy(out, edit->after, edit->line, next + 1)) != std::string::npos) at = next;
        if (at != std::string::npos) put_back(out, at, edit->after.size(), edit->before);
        else if (!edit->line) put_back_edited(out, *edit, prefix);
    }
    return out;
}

Status check_init_prefix(Shell shell, std::string_view prefix) {
    std::string_view special = shell == Shell::fish ? "'\"$`\\!()[]{}<>|&;*?~#^" : "'\"$`\\!";
    auto at = prefix.find_first_of(special);
    if (at == std::string_view::npos) return {};
    return make_error(ErrorKind::usage,
                      "'{}' holds a '{}', which {} would not take literally; its start-up file was left alone", prefix,
                      prefix[at], to_string(shell));
}

} // namespace tinderbox::install
