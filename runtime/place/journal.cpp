#include "runtime/place/journal.hpp"

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

namespace tinderbox::place {
namespace {

constexpr std::string_view magic = "tinderbox-journal 2";
constexpr std::size_t check_digits = 16;
constexpr std::uint64_t journal_limit = 64u << 20;

// Over everything before the record and the record: a line of another journal, or of a lost write, does not fit.
std::string check_of(std::string_view before, std::string_view line) {
    Sha256 hash;
    hash.update(as_bytes(before));
    hash.update(as_bytes(line));
    return to_hex(hash.finish()).substr(0, check_digits);
}

std::string header_text(const JournalHeader& header) {
    return fmt::format("{}\nmanifest {}\nprefix {}\nprivate {}\nparts {}\n", magic, header.manifest_sha256,
                       header.prefix, header.private_modes ? 1 : 0, to_string(header.parts));
}

struct Parsed {
    JournalContents contents;
    std::size_t valid = 0; // bytes
};

// The next line without "\n", if it is whole.
std::optional<std::string_view> next_line(std::string_view text, std::size_t& at) {
    auto end = text.find('\n', at);
    if (end == std::string_view::npos) return std::nullopt;
    auto line = text.substr(at, end - at);
    at = end + 1;
    return line;
}

std::optional<std::string_view> field(std::string_view text, std::size_t& at, std::string_view name) {
    auto line = next_line(text, at);
    if (!line || !line->starts_with(name) || line->size() <= name.size() || (*line)[name.size()] != ' ')
        return std::nullopt;
    return line->substr(name.size() + 1);
}

// "line check" of the next record, if it is whole and fits.
std::optional<std::string_view> record(std::string_view text, std::size_t& at) {
    std::size_t start = at;
    auto line = next_line(text, at);
    if (!line || line->size() < check_digits + 2) return std::nullopt;
    auto words = line->substr(0, line->size() - check_digits - 1);
    if ((*line)[words.size()] != ' ' || line->substr(words.size() + 1) != check_of(text.substr(0, start), words))
        return std::nullopt;
    return words;
}

std::optional<Parsed> parse(std::string_view text) {
    Parsed out;
    std::size_t at = 0;
    if (next_line(text, at) != magic) return std::nullopt;
    auto manifest = field(text, at, "manifest");
    auto prefix = field(text, at, "prefix");
    auto modes = field(text, at, "private");
    auto words = field(text, at, "parts");
    if (!manifest || !prefix || !modes || !words) return std::nullopt;
    const auto parts = installed_parts(*words);
    if (!parts) return std::nullopt;
    out.contents.header = {std::string(*manifest), std::string(*prefix), *modes == "1", *parts};
    out.valid = at;
    while (auto line = record(text, at)) {
        if (line->starts_with("tasks ")) {
            auto digits = line->substr(6);
            std::uint64_t tasks = 0;
            if (std::from_chars(digits.data(), digits.data() + digits.size(), tasks).ec != std::errc()) break;
            out.contents.tasks = tasks;
        } else if (*line == "commit") {
            out.contents.committing = true;
        }
        out.valid = at;
    }
    return out;
}

} // namespace

Result<Journal> Journal::create(const Directory& control, const JournalHeader& header) {
    std::string text = header_text(header);
    TRY_ASSIGN(Fd fd, control.create_file(control::journal, 0600));
    TRY(write_exact(fd.get(), as_bytes(text), control.shown(control::journal)));
    return Journal(std::move(fd), std::move(text));
}

Result<Journal> Journal::append_to(const Directory& control) {
    TRY_ASSIGN(std::string text, control.read_text(control::journal, journal_limit));
    auto parsed = parse(text);
    if (!parsed) return make_error(ErrorKind::bug, "the journal '{}' vanished", control.shown(control::journal));
    text.resize(parsed->valid);
    TRY_ASSIGN(Fd fd, control.open_file(control::journal, O_WRONLY | O_NONBLOCK));
    if (::ftruncate(fd.get(), static_cast<off_t>(text.size())) != 0 ||
        ::lseek(fd.get(), 0, SEEK_END) != static_cast<off_t>(text.size()))
        return errno_error(fmt::format("cannot write '{}'", control.shown(control::journal)), errno);
    return Journal(std::move(fd), std::move(text));
}

std::optional<JournalContents> Journal::read(const Directory& control) {
    auto text = control.read_text(control::journal, journal_limit);
    if (!text.ok()) return std::nullopt;
    auto parsed = parse(*text);
    if (!parsed) return std::nullopt;
    return parsed->contents;
}

Status Journal::record_tasks(std::uint64_t tasks) { return append(fmt::format("tasks {}", tasks)); }
Status Journal::record_commit() { return append("commit"); }

Status Journal::append(std::string line) {
    line += " " + check_of(text_, line) + "\n";
    TRY(write_exact(fd_.get(), as_bytes(line), "journal"));
    if (::fdatasync(fd_.get()) != 0) return errno_error("cannot write the journal to disk", errno);
    text_ += line;
    return {};
}

} // namespace tinderbox::place
