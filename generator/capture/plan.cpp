#include "generator/capture/plan.hpp"

#include "common/base/hash.hpp"
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/format/script_header.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tinderbox::capture {
namespace {

// As long as prefixes usually are not: it shall not be found in texts by chance.
constexpr std::string_view neutral_placeholder = "/.tinderbox-captured-prefix";

struct Hit {
    std::uint64_t offset = 0;
    std::string_view spelling;
};

bool word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
bool path_char(char c) { return word(c) || (c != 0 && std::strchr("/.+-@~%", c)); }

// memmem: string_view::find walks from one '/' to the next, and texts are full of them.
std::size_t find(std::string_view text, std::string_view what, std::size_t from) {
    if (from > text.size()) return std::string_view::npos;
    const void* at = ::memmem(text.data() + from, text.size() - from, what.data(), what.size());
    return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : std::string_view::npos;
}

// The path that starts with the prefix at `at` names something captured.
bool names_captured(std::string_view text, std::size_t at, std::size_t prefix_size, const PrefixRules& rules) {
    if (at > 0 && path_char(text[at - 1])) {
        std::string_view before = text.substr(at >= 2 ? at - 2 : 0, at >= 2 ? 2 : 1);
        if (before != "-I" && before != "-L") return false;
    }
    std::size_t end = at + prefix_size;
    while (end < text.size() && path_char(text[end])) ++end;
    std::string_view rest = text.substr(at + prefix_size, end - at - prefix_size);
    while (!rest.empty() && (rest.front() == '/')) rest.remove_prefix(1);
    while (!rest.empty() && (rest.back() == '/' || rest.back() == '.')) rest.remove_suffix(1);
    return rules.captured.contains(std::string(rest));
}

class Planner {
  public:
    Planner(const std::string& path, std::string_view content, Role role, const PrefixRules& rules,
            const ConversionHint* hint)
        : path_(path), content_(content), role_(role), rules_(rules), hint_(hint) {}

    FilePlan run() {
        bool text = std::memchr(content_.data(), 0, content_.size()) == nullptr;
        if (text) {
            plan_text();
            return std::move(plan_);
        }
        plan_.elf = elf::elf_facts(as_bytes(content_));
        std::vector<Hit> hits = find_hits();
        if (hits.empty()) return std::move(plan_);
        if (hint_ && hint_->binary && restore_placeholder(hits)) return std::move(plan_);
        if (plan_.elf) plan_elf(std::move(hits));
        else plan_data();
        return std::move(plan_);
    }

  private:
    std::vector<Hit> find_hits() const {
        std::vector<Hit> hits;
        auto search = [&](const std::string& spelling, bool strict) {
            for (std::size_t at = 0; (at = find(content_, spelling, at)) != std::string_view::npos;
                 at += spelling.size()) {
                if (!prefix_ends_at(content_, at + spelling.size())) continue;
                if (strict && !names_captured(content_, at, spelling.size(), rules_)) continue;
                hits.push_back({at, spelling});
            }
        };
        for (const Spelling& spelling : rules_.spellings) search(spelling.text, spelling.shared);
        if (role_ == Role::build_config && !rules_.build_prefix.empty()) search(rules_.build_prefix, true);
        // Of two spellings at one place (a venv inside its base's prefix) the longer one is meant.
        std::ranges::sort(hits, [](const Hit& a, const Hit& b) {
            return std::pair(a.offset, b.spelling.size()) < std::pair(b.offset, a.spelling.size());
        });
        std::uint64_t free_from = 0;
        std::erase_if(hits, [&](const Hit& h) {
            if (h.offset < free_from) return true;
            free_from = h.offset + h.spelling.size();
            return false;
        });
        return hits;
    }

    // ---- texts ----------------------------------------------------------------------------------------

    void plan_text() {
        std::size_t body = plan_first_lines();
        std::vector<Hit> hits = find_hits();
        std::erase_if(
            hits, [&](const Hit& h) { return h.offset < body || (role_ != Role::build_config && shared(h.spelling)); });
        if (hits.empty()) return;
        std::string placeholder(neutral_placeholder);
        while (content_.find(placeholder) != std::string_view::npos) placeholder += 'x';
        for (const Hit& h : hits) plan_.splices.push_back({h.offset, h.spelling.size(), placeholder});
        plan_.mode = parcel::PrefixMode::text;
        plan_.placeholder = placeholder;
    }

    bool shared(std::string_view text) const {
        for (const Spelling& spelling : rules_.spellings)
            if (spelling.text == text) return spelling.shared;
        return false;
    }

    // "#!/old/bin/python3 -E", or what we, pip, uv and conda write for long paths. Returns where the rest
    // of the text starts.
    std::size_t plan_first_lines() {
        if (!content_.starts_with("#!")) return 0;
        std::size_t end = std::min(content_.find('\n'), content_.size());
        std::string_view line = content_.substr(0, end);
        std::string interpreter = line_interpreter(line);
        if (const auto header = format::read_sh_header(content_); interpreter.empty() && header) {
            interpreter = after_prefix(std::string(trim(header->interpreter + " " + header->arguments)));
            if (interpreter.empty()) plan_.foreign_interpreter = header->interpreter;
            end = header->end;
        } else if (interpreter.empty()) {
            const std::string_view rest = trim(line.substr(2));
            if (rest.starts_with('/')) plan_.foreign_interpreter = rest.substr(0, rest.find_first_of(" \t"));
        }
        if (interpreter.empty()) return 0;
        // The line in the captured content is the wheel format's own neutral one, so that it names no machine.
        plan_.splices.push_back({0, end, "#!python"});
        plan_.shebang = "#!\x01" + interpreter;
        return end;
    }

    // The rest behind the old prefix in "#!PREFIX/bin/python3 -E": "/bin/python3 -E"; "" when it is another line.
    std::string line_interpreter(std::string_view line) const {
        std::string_view rest = trim(line.substr(2));
        return after_prefix(rest);
    }

    std::string after_prefix(std::string_view path) const {
        for (const Spelling& spelling : rules_.spellings) {
            if (!path.starts_with(spelling.text) || !path.substr(spelling.text.size()).starts_with('/')) continue;
            std::string rest(path.substr(spelling.text.size()));
            if (spelling.shared && !rules_.captured.contains(rest.substr(1, rest.find(' ') - 1))) continue;
            return rest;
        }
        return {};
    }

    // ---- binaries -------------------------------------------------------------------------------------

    bool nvidia() const {
        if (path_.find("site-packages/nvidia/") != std::string::npos) return true;
        std::string_view name = last_component(path_);
        for (std::string_view stem :
             {"libcuda",   "libcudart",   "libcublas",   "libcudnn",   "libcufft", "libcufile",    "libcupti",
              "libcurand", "libcusolver", "libcusparse", "libnccl",    "libnpp",   "libnvJitLink", "libnvToolsExt",
              "libnvblas", "libnvjpeg",   "libnvrtc",    "libnvshmem", "libnvvm",  "libnvptx"})
            if (name.starts_with(stem)) return true;
        return false;
    }

    void plan_elf(std::vector<Hit> hits) {
        if (nvidia()) {
            if (std::ranges::any_of(hits, [&](const Hit& h) { return plan_.elf->is_loaded(h.offset); }))
                plan_.not_relocatable.push_back(
                    "a library of NVIDIA's, which may not be changed, names the old prefix");
            return;
        }
        bool shared_bytes = false;
        for (const elf::ElfRunpath& runpath : plan_.elf->runpaths) shared_bytes |= !plan_runpath(runpath, hits);
        std::erase_if(hits, [&](const Hit& h) {
            if (plan_.elf->is_loaded(h.offset)) return false;
            note(plan_.harmless, "debug information, never loaded");
            return true;
        });
        if (std::erase_if(hits, [&](const Hit& h) { return plan_.elf->is_loader_name(h.offset); }) > 0)
            note(plan_.not_relocatable, "the dynamic loader it names lies in the old prefix");
        if (role_ == Role::interpreter)
            std::erase_if(hits, [&](const Hit& h) {
                for (const elf::ElfRunpath& r : plan_.elf->runpaths)
                    if (h.offset >= r.offset && h.offset < r.offset + r.value.size()) return false;
                note(plan_.harmless,
                     "the interpreter's compiled-in default; it finds its prefix from its own location");
                return true;
            });
        if (shared_bytes) {
            note(plan_.not_relocatable,
                 "its RPATH names the old prefix and shares its bytes with other names, so it cannot be changed");
            return;
        }
        cstrings(hits);
    }

    // False: the RPATH names the old prefix and its bytes must not be touched.
    bool plan_runpath(const elf::ElfRunpath& runpath, std::vector<Hit>& hits) {
        auto inside = [&](const Hit& h) {
            return h.offset >= runpath.offset && h.offset < runpath.offset + runpath.value.size();
        };
        if (std::ranges::none_of(hits, inside)) return true;
        if (!runpath.exclusive) return false;
        auto slash = path_.rfind('/');
        std::string value =
            relative_runpath(runpath.value, slash == std::string::npos ? "" : path_.substr(0, slash), rules_);
        if (value.size() > runpath.value.size()) {
            // Other elements could be lost: it stays, a C string that a prefix no longer than the old one fits into.
            for (std::string_view element : split(value, ':'))
                if (!element.starts_with("$ORIGIN")) return true;
            value = "$ORIGIN";
            if (value.size() > runpath.value.size()) return true;
            plan_.links_beside = true;
        }
        value.resize(runpath.value.size(), '\0');
        plan_.splices.push_back({runpath.offset, runpath.value.size(), value});
        std::erase_if(hits, inside);
        return true;
    }

    void cstrings(const std::vector<Hit>& hits) {
        if (hits.empty()) return;
        plan_.mode = parcel::PrefixMode::binary;
        plan_.placeholder = hits.front().spelling;
        for (const Hit& h : hits)
            if (h.spelling != plan_.placeholder)
                note(plan_.not_relocatable,
                     "it names the old prefix in two spellings; only one of them can be relocated");
    }

    // Data whose structure is unknown: strings with counted lengths would be broken by a replacement.
    void plan_data() {
        if (content_.starts_with("!<arch>\n"))
            note(plan_.harmless, "a static library: only a linker reads it, its code is not loaded");
        else if (path_.ends_with(".pyc"))
            note(plan_.harmless, "bytecode without source: only tracebacks show the name");
        else note(plan_.not_relocatable, "binary data that names the old prefix");
    }

    static void note(std::vector<std::string>& list, std::string_view why) {
        if (std::ranges::find(list, why) == list.end()) list.emplace_back(why);
    }

    // conda wrote its prefix over a longer placeholder and padded with NULs. Undone, the file is the package's again –
    // its SHA-256 proves it – and takes prefixes as long as that placeholder.
    bool restore_placeholder(const std::vector<Hit>& hits) {
        std::string_view spelling = hits.front().spelling;
        if (hint_->placeholder.size() < spelling.size()) return false;
        std::vector<Splice> splices;
        for (std::size_t i = 0; i < hits.size();) {
            if (hits[i].spelling != spelling) return false;
            std::size_t end = content_.find('\0', hits[i].offset);
            if (end == std::string_view::npos) return false;
            std::string value(content_.substr(hits[i].offset, end - hits[i].offset));
            std::size_t old_size = value.size();
            const std::uint64_t start = hits[i].offset;
            value = replace_all(value, spelling, hint_->placeholder);
            while (i < hits.size() && hits[i].offset < end) ++i;
            std::size_t padding = value.size() - old_size;
            if (content_.size() - end < padding) return false;
            for (std::size_t k = 0; k < padding; ++k)
                if (content_[end + k] != '\0') return false;
            splices.push_back({start, old_size + padding, value});
        }
        if (!proven(splices)) return false;
        plan_.splices = std::move(splices);
        plan_.mode = parcel::PrefixMode::binary;
        plan_.placeholder = hint_->placeholder;
        return true;
    }

    // Packages from before info/paths.json declare no SHA-256 (rattler's record has none then). A file that is still
    // as the installer left it proves as much, because the installer put the prefix and the padding there.
    bool proven(const std::vector<Splice>& splices) const {
        if (hint_->sha256.empty()) return to_hex(sha256(as_bytes(content_))) == hint_->installed_sha256;
        return to_hex(sha256(as_bytes(apply_splices(content_, splices)))) == hint_->sha256;
    }

    const std::string& path_;
    std::string_view content_;
    Role role_;
    const PrefixRules& rules_;
    const ConversionHint* hint_;
    FilePlan plan_;
};

} // namespace

FilePlan plan_file(const std::string& path, std::string_view content, Role role, const PrefixRules& rules,
                   const ConversionHint* hint) {
    if (content.empty()) return {};
    return Planner(path, content, role, rules, hint).run();
}

std::string relative_between(const std::string& directory, const std::string& target) {
    auto parts = [](const std::string& path) {
        std::vector<std::string_view> out;
        for (std::string_view part : split(path, '/'))
            if (!part.empty() && part != ".") out.push_back(part);
        return out;
    };
    auto from = parts(directory), to = parts(target);
    std::size_t common = 0;
    while (common < from.size() && common < to.size() && from[common] == to[common]) ++common;
    std::string out;
    for (std::size_t i = common; i < from.size(); ++i) out += out.empty() ? ".." : "/..";
    for (std::size_t i = common; i < to.size(); ++i) {
        if (!out.empty()) out += '/';
        out += to[i];
    }
    return out;
}

std::string relative_runpath(const std::string& value, const std::string& directory, const PrefixRules& rules) {
    std::vector<std::string> out;
    for (std::string_view element : split(value, ':')) {
        std::string converted(element);
        for (const Spelling& spelling : rules.spellings) {
            const std::size_t size = spelling.text.size();
            if (!element.starts_with(spelling.text) || (element.size() > size && element[size] != '/')) continue;
            std::string relative = relative_between(directory, std::string(element.substr(size)));
            converted = relative.empty() ? "$ORIGIN" : "$ORIGIN/" + relative;
            break;
        }
        if (std::ranges::find(out, converted) == out.end()) out.push_back(std::move(converted));
    }
    return fmt::format("{}", fmt::join(out, ":"));
}

std::string apply_splices(std::string_view content, const std::vector<Splice>& splices) {
    std::string out;
    std::size_t at = 0;
    for (const Splice& s : splices) {
        out += content.substr(at, s.offset - at);
        out += s.with;
        at = s.offset + s.length;
    }
    out += content.substr(at);
    return out;
}

bool prefix_ends_at(std::string_view text, std::size_t end) {
    if (end >= text.size()) return true;
    char next = text[end];
    if (next == '.') return end + 1 >= text.size() || !word(text[end + 1]);
    return !word(next) && (next == 0 || !std::strchr("-+@~", next));
}

} // namespace tinderbox::capture
