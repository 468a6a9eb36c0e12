#include "generator/conda/constructor_header.hpp"

#include "common/base/names.hpp"
#include "common/base/text.hpp"
#include "generator/conda/names.hpp"

#include <algorithm>
#include <optional>

namespace tinderbox::conda {
namespace {

constexpr std::string_view end_mark = "@@END_HEADER@@";

// The comment in front holds these; a licence further below may hold anything.
constexpr std::size_t comment_lines = 20;

std::string field(std::string_view head, std::string_view key) {
    std::size_t count = 0;
    while (!head.empty() && count++ < comment_lines) {
        const std::size_t end = std::min(head.find('\n'), head.size());
        std::string_view line = trim(head.substr(0, end));
        head.remove_prefix(std::min(end + 1, head.size()));
        if (!line.starts_with('#')) break;
        line = trim(line.substr(1));
        if (line.starts_with(key)) return std::string(trim(line.substr(key.size())));
    }
    return "";
}

std::optional<std::uint64_t> number(std::string_view text) {
    const std::size_t zeros = std::min(text.find_first_not_of('0'), text.size());
    if (text.empty() || text.size() - zeros > 18 || text.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    std::uint64_t value = 0;
    for (char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return value;
}

// The number right after `key` in `line`.
std::optional<std::uint64_t> number_after(std::string_view line, std::string_view key) {
    const auto at = line.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    line.remove_prefix(at + key.size());
    return number(line.substr(0, std::min(line.find_first_not_of("0123456789"), line.size())));
}

// "$(( boundary0 + 12093208 ))", with "$boundary0" in older ones: `name` and the number.
std::optional<std::uint64_t> sum(std::string_view text, std::string_view name) {
    text = trim(text);
    if (!text.starts_with("$((") || !text.ends_with("))")) return std::nullopt;
    text = trim(text.substr(3, text.size() - 5));
    if (text.starts_with('$')) text.remove_prefix(1);
    if (!text.starts_with(name)) return std::nullopt;
    text = trim(text.substr(name.size()));
    if (!text.starts_with('+')) return std::nullopt;
    return number(trim(text.substr(1)));
}

// The text between the quotes (or up to a blank) after "$PREFIX/" in `text`.
std::string below_prefix(std::string_view text) {
    const auto at = text.find("$PREFIX/");
    if (at == std::string_view::npos) return "";
    text.remove_prefix(at + 8);
    return std::string(text.substr(0, std::min(text.find_first_of("\"' \t)>;"), text.size())));
}

std::string platform_in_words(std::string_view platform) {
    const auto cpu = platform.substr(std::min(platform.find('-'), platform.size() - 1) + 1);
    const std::string_view system = platform.starts_with("osx-")   ? "macOS"
                                    : platform.starts_with("win-") ? "Windows"
                                                                   : "Linux";
    static constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"64", "x86-64"},   {"32", "32-bit x86"}, {"arm64", "ARM"},
        {"aarch64", "ARM"}, {"ppc64le", "POWER"}, {"s390x", "IBM Z"}};
    for (const auto& [key, name] : names)
        if (cpu == key) return fmt::format("{} on {} ({})", system, name, platform);
    return fmt::format("{} ({})", system, platform);
}

// A line of the header with the text of its here-document. That text is data, never a command of the shell.
struct Line {
    std::string_view text;
    std::string_view document;
    bool has_document = false, quoted = false;
};

std::vector<Line> shell_lines(std::string_view head) {
    std::vector<Line> out;
    while (!head.empty()) {
        const std::size_t end = std::min(head.find('\n'), head.size());
        Line line{trim(head.substr(0, end)), {}};
        head.remove_prefix(std::min(end + 1, head.size()));
        auto mark = line.text.starts_with('#') ? std::string_view::npos : line.text.find("<<");
        if (mark != std::string_view::npos) {
            std::string_view word = trim(line.text.substr(mark + 2));
            line.quoted = word.starts_with('\'') || word.starts_with('"');
            if (line.quoted) word.remove_prefix(1);
            word = word.substr(0, std::min(word.find_first_of("'\" \t>|"), word.size()));
            std::string_view rest = head;
            std::size_t size = 0;
            for (bool found = word.empty(); !found && !rest.empty();) {
                const std::size_t stop = std::min(rest.find('\n'), rest.size());
                found = rest.substr(0, stop) == word;
                if (found) {
                    line.document = head.substr(0, size);
                    line.has_document = true;
                    head = rest.substr(std::min(stop + 1, rest.size()));
                }
                size += std::min(stop + 1, rest.size());
                rest.remove_prefix(std::min(stop + 1, rest.size()));
            }
        }
        out.push_back(line);
    }
    return out;
}

class Parser {
  public:
    Parser(std::string_view head, std::uint64_t file_size, const std::string& name)
        : head_(head), file_size_(file_size), file_(name) {}

    Result<ConstructorHeader> run() {
        out_.name = field(head_, "NAME:");
        out_.version = field(head_, "VER:");
        out_.platform = field(head_, "PLAT:");
        out_.md5 = to_lower(field(head_, "MD5:"));
        out_.constructor_version = field(head_, "Created by constructor");
        bytes_ = number(field(head_, "BYTES:"));
        TRY(find_end());
        if (!has_installers(out_.platform))
            return error(fmt::format("it is {} {} for {}; Tinderbox takes installers for linux-64 and linux-aarch64",
                                     out_.name.empty() ? "an installer" : out_.name, out_.version,
                                     platform_in_words(out_.platform)));
        if (out_.md5.size() != 32 || out_.md5.find_first_not_of("0123456789abcdef") != std::string::npos)
            return error("its header has no MD5 of what follows it; download it again");
        lines_ = shell_lines(head_.substr(0, out_.size));
        for (const Line& line : lines_) TRY(read(line));
        TRY(find_payloads());
        out_.keeps_packages = keep_variable_ ? *keep_variable_ : !removes_packages_;
        if (removes_executable_) out_.executable_name.clear();
        return std::move(out_);
    }

  private:
    Error error(std::string_view what) const { return make_error(ErrorKind::usage, "{}: {}", file_, what); }
    Error damaged(std::string_view what) const {
        return error(fmt::format("its header is damaged: {}; download it again", what));
    }
    Error cut_short(std::uint64_t declared) const {
        return error(fmt::format("it is cut short: it has {} bytes, and its header declares {}; download it again",
                                 file_size_, declared));
    }

    Status find_end() {
        std::size_t at = head_.starts_with(end_mark) ? 0 : head_.find("\n@@END_HEADER@@");
        if (at == std::string_view::npos) {
            if (head_.size() < file_size_)
                return error(fmt::format("its header does not end within {} bytes; it is damaged, download it again",
                                         head_.size()));
            if (bytes_) return cut_short(*bytes_);
            return error(fmt::format(
                "it is cut short: its {} bytes end inside the header, which declares {} only below; download it again",
                file_size_, "its size"));
        }
        const std::size_t line_end = head_.find('\n', at + 1);
        if (line_end == std::string_view::npos) {
            if (head_.size() < file_size_) return damaged("its last line does not end");
            return bytes_ ? Status(cut_short(*bytes_))
                          : Status(error(fmt::format("it is cut short: its {} bytes are the header alone, without the "
                                                     "packages; download it again",
                                                     file_size_)));
        }
        if (head_.substr(0, line_end).find("\r\n") != std::string_view::npos)
            return error("its line ends were changed to CR LF on the way, so that its payload is damaged as well; "
                         "download it again, as binary");
        out_.size = line_end + 1;
        if (auto lines = number(field(head_, "LINES:"))) {
            const auto found = static_cast<std::uint64_t>(std::count(
                                   head_.begin(), head_.begin() + static_cast<std::ptrdiff_t>(out_.size), '\n')) +
                               1;
            if (found != *lines)
                return damaged(
                    fmt::format("it says that line {} is the first behind it, and line {} is", *lines, found));
        }
        return {};
    }

    // One line of shell, as far as it matters.
    Status read(const Line& line) {
        const std::string_view text = line.text;
        if (line.has_document) return read_document(line);
        if (text.starts_with("boundary")) return read_boundary(text);
        if (text.starts_with("dd if=") && number_after(text, "skip=")) return read_dd(text);
        if (text.starts_with("install_dist ")) out_.install_order.emplace_back(trim(text.substr(13)));
        if (text.find("| head -c ") != std::string_view::npos && text.find("tail -c +") != std::string_view::npos) {
            tail_start_ = number_after(text, "tail -c +");
            tail_size_ = number_after(text, "head -c ");
        }
        if (text.find("| tar xf -") != std::string_view::npos && text.find("tail -n +") != std::string_view::npos)
            plain_tar_ = true;
        read_executable(text);
        read_effects(text);
        read_variable(text);
        return read_internal(text);
    }

    Status read_document(const Line& line) {
        std::string document(line.document);
        if (line.text.find("$pager\"") != std::string_view::npos || line.text.starts_with("more ")) {
            while (document.ends_with('\n')) document.pop_back();
            out_.license = document + "\n";
        } else if (line.text.find("$PREFIX/.condarc") != std::string_view::npos) {
            out_.has_condarc = true;
            out_.condarc = line.quoted ? document : expand(document);
        }
        return {};
    }

    // Expands an unquoted here-document as the shell would, as far as the header tells.
    std::string expand(std::string_view text) {
        std::string out;
        while (!text.empty()) {
            if (text.front() == '\\' && text.size() > 1 &&
                (text[1] == '$' || text[1] == '\\' || text[1] == '`' || text[1] == '\n')) {
                if (text[1] != '\n') out += text[1];
                text.remove_prefix(2);
                continue;
            }
            bool found = false;
            for (std::string_view form : {"${PREFIX}", "$PREFIX"})
                if (!found && text.starts_with(form)) {
                    out += '\x01';
                    text.remove_prefix(form.size());
                    found = true;
                }
            if (found) continue;
            if (text.front() == '$' || text.front() == '`')
                warn_once("its .condarc holds a shell expression, which is taken as it is written");
            if (text.front() != '\x01') out += text.front();
            text.remove_prefix(1);
        }
        return out;
    }

    void warn_once(std::string warning) {
        if (std::ranges::find(out_.warnings, warning) == out_.warnings.end())
            out_.warnings.push_back(std::move(warning));
    }

    Status read_boundary(std::string_view text) {
        for (std::size_t i = 1; i < 4; ++i) {
            const std::string key = fmt::format("boundary{}=", i);
            if (!text.starts_with(key)) continue;
            boundaries_[i] = sum(text.substr(key.size()), fmt::format("boundary{}", i - 1));
            if (!boundaries_[i]) return damaged(fmt::format("'{}' is no sum that could be read", text.substr(0, 80)));
        }
        return {};
    }

    Status read_dd(std::string_view text) {
        auto block = number_after(text, "bs="), skip = number_after(text, "skip="),
             count = number_after(text, "count=");
        constexpr std::uint64_t limit = 1ull << 50;
        if (!block || !skip || !count || *block == 0 || *block > (1u << 20) || *skip > limit / *block ||
            *count > limit / *block)
            return damaged(fmt::format("'{}' cannot be read", text.substr(0, 80)));
        copies_.push_back({*skip * *block, *count * *block});
        return {};
    }

    void read_executable(std::string_view text) {
        if (text.starts_with("CONDA_EXEC=\"$PREFIX/")) out_.executable_name = below_prefix(text);
        if (text.starts_with("ln -s") && text.find("\"$CONDA_EXEC\"") != std::string_view::npos) {
            std::string_view last = text.substr(text.find("\"$CONDA_EXEC\"") + 13); // "$PREFIX"/_conda
            if (auto slash = last.rfind('/'); slash != std::string_view::npos)
                out_.executable_link = std::string(trim(last.substr(slash + 1)));
        }
        if (text == "rm -f \"$CONDA_EXEC\"" || text == "rm -f $PREFIX/conda.exe" ||
            text == "rm -f \"$PREFIX/conda.exe\"")
            removes_executable_ = true;
    }

    void read_effects(std::string_view text) {
        if (text == "KEEP_PKGS=1" && !keep_variable_) keep_variable_ = true;
        if (text == "KEEP_PKGS=0" && !keep_variable_) keep_variable_ = false;
        if (text == "rm -rf \"$PREFIX\"/pkgs" || text == "rm -rf $PREFIX/pkgs") removes_packages_ = true;
        if (text == "DEFAULT=yes") out_.initialises = true;
        if (text == "DEFAULT=no") out_.initialises = false;
        if (text == "touch \"$PREFIX/.nonadmin\"") out_.nonadmin = true;
        if (text == "mkdir -p \"$PREFIX/envs\"" || text == "mkdir -p $PREFIX/envs") out_.makes_envs = true;
        if (text.starts_with("for env_pkgs in ") && text.find("/pkgs/envs/*/") != std::string_view::npos)
            out_.installs_environments = true;
        // Since 4.4, conda registers each prefix that it installs into, unless it is told not to.
        if (text.find("\"$CONDA_EXEC\" install ") != std::string_view::npos && !registers_said_) out_.registers = true;
        if (text.starts_with("CONDA_REGISTER_ENVS=")) {
            registers_said_ = true;
            out_.registers = text.find("false") == std::string_view::npos;
        }
    }

    // export NAME='value': for the scripts of the installer, and the glibc that it asks for.
    void read_variable(std::string_view text) {
        constexpr std::string_view glibc = "min_glibc_version=\"";
        if (text.starts_with(glibc))
            out_.minimum_glibc = std::string(text.substr(glibc.size(), text.find('"', glibc.size()) - glibc.size()));
        if (!text.starts_with("export ")) return;
        text.remove_prefix(7);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0 || text.size() < equals + 3) return;
        const std::string_view name = text.substr(0, equals);
        const char quote = text[equals + 1];
        const std::string_view value = text.substr(equals + 2, text.size() - equals - 3);
        if ((quote != '\'' && quote != '"') || text.back() != quote || value.find(quote) != std::string_view::npos)
            return;
        if (quote == '"' && value.find_first_of("$`\\") != std::string_view::npos) return;
        if (!check_variable_name(name).ok()) return;
        if (name == "INST_OPT") return;
        out_.variables[std::string(name)] = std::string(value);
    }

    // Three or four lines a file: mkdir of its directory, then touch or extract_range, then perhaps chmod.
    Status read_internal(std::string_view text) {
        if (text.starts_with("mkdir -p \"$(dirname \"$PREFIX/")) {
            out_.internal.push_back({below_prefix(text), {}, false});
            return {};
        }
        if (out_.internal.empty()) return {};
        ConstructorHeader::Internal& file = out_.internal.back();
        if (text == fmt::format("chmod +x \"$PREFIX/{}\"", file.path)) file.executable = true;
        if (!text.starts_with("extract_range $((") || below_prefix(text) != file.path) return {};
        const auto middle = text.find("))"), second = text.find("$((", middle == std::string_view::npos ? 0 : middle),
                   last = text.find("))", second);
        if (middle == std::string_view::npos || second == std::string_view::npos || last == std::string_view::npos)
            return damaged(fmt::format("'{}' cannot be read", text.substr(0, 80)));
        auto from = sum(text.substr(14, middle + 2 - 14), "boundary1"),
             to = sum(text.substr(second, last + 2 - second), "boundary1");
        if (!from || !to || *to < *from) return damaged(fmt::format("'{}' is no range", text.substr(0, 80)));
        file.range = {*from, *to - *from};
        return {};
    }

    Status find_payloads() {
        if (boundaries_[1]) TRY(by_boundaries());
        else if (!copies_.empty()) TRY(by_copies());
        else if (tail_start_ || tail_size_) TRY(by_tail());
        else if (plain_tar_) TRY(by_lines());
        else return damaged("it does not say where its payloads lie");
        if (bytes_ && *bytes_ != out_.end && out_.era != 'A')
            return damaged(fmt::format("it declares {} bytes in one line and {} in another", *bytes_, out_.end));
        if (file_size_ < out_.end) return cut_short(out_.end);
        if (file_size_ > out_.end && bytes_)
            return error(
                fmt::format("it has {} bytes, and its header declares {}: something was appended; download it again",
                            file_size_, out_.end));
        if (file_size_ > out_.end)
            out_.warnings.push_back(
                fmt::format("{} bytes after the end that its header declares are left out", file_size_ - out_.end));
        return {};
    }

    Status by_boundaries() {
        if (!boundaries_[2]) return damaged("it has a first payload and no second");
        constexpr std::uint64_t limit = 1ull << 50;
        for (const auto& one : boundaries_)
            if (one && *one > limit) return damaged(fmt::format("a payload of {} bytes is absurd", *one));
        out_.era = boundaries_[3] ? 'D' : 'C';
        out_.executable = {out_.size, *boundaries_[1]};
        const std::uint64_t second = out_.executable.end();
        out_.tar = boundaries_[3] ? archive::FileRange{second + *boundaries_[2], *boundaries_[3]}
                                  : archive::FileRange{second, *boundaries_[2]};
        for (ConstructorHeader::Internal& file : out_.internal) {
            if (!boundaries_[3] || file.range.end() > *boundaries_[2])
                return damaged(fmt::format("the file '{}' lies outside of its payload", file.path));
            file.range.offset += second;
        }
        out_.end = out_.tar.end();
        return {};
    }

    // Two triples of dd: bytes up to a block's edge, blocks, the rest.
    Status by_copies() {
        if (copies_.size() != 6) return damaged(fmt::format("it has {} dd commands instead of six", copies_.size()));
        for (std::size_t i : {1u, 2u, 4u, 5u})
            if (copies_[i].offset != copies_[i - 1].end()) return damaged("its dd commands do not read one range");
        if (copies_[0].offset != out_.size)
            return damaged(
                fmt::format("its first payload starts at {}, and it ends at {}", copies_[0].offset, out_.size));
        if (copies_[3].offset != copies_[2].end()) return damaged("its two payloads do not adjoin");
        out_.era = 'B';
        out_.executable = {copies_[0].offset, copies_[2].end() - copies_[0].offset};
        out_.tar = {copies_[3].offset, copies_[5].end() - copies_[3].offset};
        out_.end = out_.tar.end();
        return {};
    }

    Status by_tail() {
        if (!tail_start_ || !tail_size_ || *tail_start_ != out_.size + 1)
            return damaged(fmt::format("its first payload starts at byte {}, and it ends at {}",
                                       tail_start_.value_or(0), out_.size));
        if (!bytes_) return damaged("it does not declare how many bytes it has");
        out_.era = 'B';
        out_.executable = {out_.size, *tail_size_};
        if (*bytes_ < out_.executable.end())
            return damaged(fmt::format("it declares {} bytes, fewer than its first payload ends at", *bytes_));
        out_.tar = {out_.executable.end(), *bytes_ - out_.executable.end()};
        out_.end = *bytes_;
        return {};
    }

    Status by_lines() {
        if (!bytes_ || *bytes_ < out_.size) return damaged("it does not declare how many bytes it has");
        out_.era = 'A';
        out_.tar = {out_.size, *bytes_ - out_.size};
        out_.end = *bytes_;
        out_.executable_name.clear();
        return {};
    }

    std::string_view head_;
    std::uint64_t file_size_;
    const std::string& file_;
    ConstructorHeader out_;
    std::vector<Line> lines_;
    std::optional<std::uint64_t> bytes_, tail_start_, tail_size_, boundaries_[4];
    std::vector<archive::FileRange> copies_;
    std::optional<bool> keep_variable_;
    bool plain_tar_ = false, removes_packages_ = false, removes_executable_ = false, registers_said_ = false;
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

} // namespace

bool is_constructor_header(std::string_view head) {
    return head.starts_with("#!") && !field(head, "NAME:").empty() && !field(head, "VER:").empty() &&
           !field(head, "PLAT:").empty();
}

Result<ConstructorHeader> parse_constructor_header(std::string_view head, std::uint64_t file_size,
                                                   const std::string& name) {
    return Parser(head, file_size, name).run();
}

std::string describe_no_installer(std::string_view head, std::uint64_t file_size) {
    struct Magic {
        std::string_view bytes, what;
    };
    static constexpr Magic magics[] = {
        {"\x7f"
         "ELF",
         "it is an ELF program, not an installer's .sh"},
        {"MZ", "it is a Windows program; take the installer for Linux (….sh)"},
        {"xar!", "it is a macOS installer package; take the installer for Linux (….sh)"},
        {"PK\x03\x04", "it is a zip archive, not an installer's .sh"},
        {"\x1f\x8b", "it is a gzip archive, not an installer's .sh"},
        {"BZh", "it is a bzip2 archive, not an installer's .sh"},
        {"\xfd"
         "7zXZ",
         "it is an xz archive, not an installer's .sh"},
        {"\x28\xb5\x2f\xfd", "it is a zstd archive, not an installer's .sh"},
        {"version https://git-lfs.github.com/spec/",
         "it is a Git LFS pointer, not the file itself; run 'git lfs pull'"},
    };
    if (file_size == 0) return "it is empty; download it again";
    for (const Magic& magic : magics)
        if (head.starts_with(magic.bytes)) return std::string(magic.what);
    const std::string_view text = trim(head);
    const std::string lower = to_lower(text.substr(0, 512));
    if (lower.starts_with("<!doctype html") || lower.starts_with("<html") || contains(lower, "<html"))
        return "it is an HTML page, perhaps a login or an error page, not an installer's .sh; download it again";
    if (lower.starts_with("<?xml"))
        return "it is an XML document, perhaps an error of the server, not an installer's .sh; download it again";
    if (!head.starts_with("#!")) {
        if (text.starts_with('{')) return "it is a JSON document, not an installer's .sh";
        return "it is no shell script, and so no installer that conda's constructor made";
    }
    if (contains(head, "an offline installer made by Tinderbox"))
        return "it is an installer that Tinderbox made; its base was read from a Miniconda or Miniforge .sh: give that "
               "one";
    if (contains(head, "NVIDIA Accelerated Graphics Driver") || contains(head, "NVIDIA-Linux-"))
        return "it is NVIDIA's driver installer, not a conda; the driver is installed by the administrator of the "
               "target";
    if (contains(head, "Makeself") || contains(head, "makeself")) {
        if (contains(to_lower(head.substr(0, 4096)), "cuda"))
            return "it is a CUDA toolkit .run (a makeself archive), not a conda; name CUDA's packages in the request "
                   "instead (--conda, --pip)";
        return "it is a makeself archive, not an installer that conda's constructor made";
    }
    return "it is a shell script, but not an installer that conda's constructor made (no NAME, VER and PLAT in its "
           "first lines)";
}

} // namespace tinderbox::conda
