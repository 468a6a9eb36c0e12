#include "generator/conda/repodata_json.hpp"

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"
#include "common/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <vector>

namespace tinderbox::conda {
namespace {

constexpr int deepest_value = 64;

// Whether one of eight bytes is a quote, a backslash or a control character. It finds the ends of strings, which hold
// nine of ten bytes of an index.
bool has_special(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    constexpr std::uint64_t ones = 0x0101010101010101ull, high = ones << 7;
    auto zero = [](std::uint64_t x) { return (x - ones) & ~x & high; };
    return (zero(word ^ ones * '"') | zero(word ^ ones * '\\') | ((word - ones * 0x20) & ~word & high)) != 0;
}

// hex_digit() as a table: an index has a hundred digits a record.
constexpr std::array<signed char, 256> hex_values = [] {
    std::array<signed char, 256> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<signed char>(hex_digit(static_cast<char>(i)));
    return out;
}();

// A window on the stream, with a cursor. A token that reaches its end is read again with more behind it.
class Window {
  public:
    Window(const ByteStream& stream, const RepodataLimits& limits)
        : stream_(stream), limits_(limits), buffer_(1u << 20) {}

    const char* at() const { return buffer_.data() + begin_; }
    const char* end() const { return buffer_.data() + end_; }
    std::uint64_t position(const char* p) const { return consumed_ + static_cast<std::uint64_t>(p - buffer_.data()); }
    void move_to(const char* p) { begin_ = static_cast<std::size_t>(p - buffer_.data()); }
    bool complete() const { return complete_; }

    // More bytes behind the ones that are not consumed; everything the cursor passed may go.
    Status more() {
        if (complete_) return {};
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            consumed_ += begin_;
            end_ -= begin_;
            begin_ = 0;
        }
        if (end_ == buffer_.size()) {
            if (buffer_.size() >= limits_.record_bytes)
                return make_error(ErrorKind::network, "it has an entry of more than {} bytes", limits_.record_bytes);
            buffer_.resize(buffer_.size() * 2);
        }
        while (end_ < buffer_.size()) {
            TRY_ASSIGN(std::size_t n, stream_(std::span<char>(buffer_).subspan(end_)));
            if (n == 0) {
                complete_ = true;
                break;
            }
            end_ += n;
            if (consumed_ + end_ > limits_.bytes)
                return make_error(ErrorKind::network, "it is larger than {} bytes", limits_.bytes);
        }
        return {};
    }

  private:
    const ByteStream& stream_;
    const RepodataLimits& limits_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t consumed_ = 0;
    bool complete_ = false;
};

// Values in contiguous memory. `short_` says that the text ended inside of one: more may help.
class Cursor {
  public:
    Cursor(const char* at, const char* end) : p(at), end_(end) {}

    const char* p;
    bool is_short = false;
    const char* wrong = nullptr; // what was expected instead

    bool fail(const char* what) {
        if (p >= end_) is_short = true;
        else if (!wrong) wrong = what;
        return false;
    }
    void blanks() {
        while (p < end_ && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) ++p;
    }
    bool peek(char& c) {
        blanks();
        if (p >= end_) return fail("a value");
        c = *p;
        return true;
    }
    bool expect(char c, const char* what) {
        blanks();
        if (p >= end_ || *p != c) return fail(what);
        ++p;
        return true;
    }
    // The text between the quotes, as it stands or, with escapes, in `scratch`.
    bool string(std::string_view& out, std::string& scratch) {
        if (!expect('"', "a string")) return false;
        const char* start = p;
        while (end_ - p >= 8 && !has_special(p)) p += 8;
        for (;; ++p) {
            if (p >= end_) return fail("the end of a string");
            if (*p == '"') break;
            if (*p == '\\') return escaped(start, out, scratch);
            if (static_cast<unsigned char>(*p) < 0x20) return fail("a string without control characters");
        }
        out = {start, static_cast<std::size_t>(p - start)};
        ++p;
        return true;
    }
    bool number(std::string_view& out) {
        blanks();
        const char* start = p;
        while (p < end_ && (std::strchr("+-.eE", *p) ? *p != '\0' : (*p >= '0' && *p <= '9'))) ++p;
        if (p >= end_) return fail("the end of a number");
        if (p == start) return fail("a number");
        out = {start, static_cast<std::size_t>(p - start)};
        return true;
    }
    bool word(std::string_view text) {
        if (static_cast<std::size_t>(end_ - p) < text.size()) {
            p = end_;
            return fail("a word");
        }
        if (std::memcmp(p, text.data(), text.size()) != 0) return fail("true, false or null");
        p += text.size();
        return true;
    }
    // "[": one call of `element` for each; "{": the same with keys.
    template <class Element> bool array(Element element) {
        if (!expect('[', "a '['")) return false;
        return members(']', "a ',' or ']'", element);
    }
    template <class Member> bool object(Member member) {
        if (!expect('{', "a '{'")) return false;
        return members('}', "a ',' or '}'", [&] {
            std::string_view key;
            if (!string(key, key_scratch_)) return false;
            if (!expect(':', "a ':'")) return false;
            return member(key);
        });
    }
    bool skip(int depth = 0) {
        char c;
        if (!peek(c)) return false;
        std::string_view text;
        switch (c) {
        case '"':
            return string(text, skip_scratch_);
        case 't':
            return word("true");
        case 'f':
            return word("false");
        case 'n':
            return word("null");
        case '[':
            if (depth > deepest_value) return fail("fewer values inside of each other");
            return array([&] { return skip(depth + 1); });
        case '{':
            if (depth > deepest_value) return fail("fewer values inside of each other");
            return object([&](std::string_view) { return skip(depth + 1); });
        default:
            return number(text);
        }
    }

  private:
    template <class Element> bool members(char close, const char* what, Element element) {
        char c;
        if (!peek(c)) return false;
        if (c == close) {
            ++p;
            return true;
        }
        for (;;) {
            if (!element()) return false;
            if (!peek(c)) return false;
            ++p;
            if (c == close) return true;
            if (c != ',') {
                --p;
                return fail(what);
            }
        }
    }
    bool escaped(const char* start, std::string_view& out, std::string& scratch) {
        scratch.assign(start, p);
        for (; p < end_ && *p != '"'; ++p) {
            if (*p != '\\') {
                if (static_cast<unsigned char>(*p) < 0x20) return fail("a string without control characters");
                scratch += *p;
                continue;
            }
            if (++p >= end_) return fail("an escape");
            static constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
            if (auto which = names.find(*p); which != std::string_view::npos) {
                scratch += values[which];
            } else if (*p != 'u' || !unicode(scratch)) {
                return fail("a valid escape");
            }
        }
        if (p >= end_) return fail("the end of a string");
        ++p;
        out = scratch;
        return true;
    }
    bool hex4(const char* at, unsigned& out) {
        if (end_ - at < 4) {
            p = end_;
            return false;
        }
        auto [stop, error] = std::from_chars(at, at + 4, out, 16);
        return error == std::errc() && stop == at + 4;
    }
    // \uXXXX, and the pair of them for what lies beyond 16 bits. Leaves p on the last digit.
    bool unicode(std::string& scratch) {
        unsigned code = 0, low = 0;
        if (!hex4(p + 1, code)) return false;
        p += 4;
        if (code >= 0xd800 && code < 0xdc00) {
            if (end_ - p < 7) {
                p = end_;
                return false;
            }
            if (p[1] != '\\' || p[2] != 'u' || !hex4(p + 3, low) || low < 0xdc00 || low > 0xdfff) return false;
            p += 6;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (code >= 0xdc00 && code < 0xe000) {
            return false;
        }
        append_utf8(scratch, code);
        return true;
    }

    const char* end_;
    std::string key_scratch_, skip_scratch_;
};

// One record. Its strings with escapes are kept in `spill_`, the others are views into the window.
class RecordReader {
  public:
    // False: cursor.is_short or cursor.wrong. `usable` false: a field is of a type that cannot be used.
    bool read(Cursor& c, std::string_view file_name, PackageRecord& out, bool& usable) {
        out = PackageRecord();
        spill_.clear();
        usable = true;
        out.file_name = file_name;
        bool ok = c.object([&](std::string_view key) { return field(c, key, out, usable); });
        usable = usable && !out.name.empty() && !out.version.empty();
        return ok;
    }

  private:
    bool field(Cursor& c, std::string_view key, PackageRecord& out, bool& usable) {
        if (key == "name") return text(c, out.name, usable);
        if (key == "version") return text(c, out.version, usable);
        if (key == "build") return text(c, out.build, usable);
        if (key == "build_number") return whole(c, out.build_number, usable);
        if (key == "depends") return texts(c, out.depends, usable);
        if (key == "constrains") return texts(c, out.constrains, usable);
        if (key == "sha256") return digest(c, sha256_, out.sha256);
        if (key == "md5") return digest(c, md5_, out.md5);
        if (key == "size") return whole(c, out.size, usable);
        if (key == "timestamp") {
            bool ignored = true;
            if (!whole(c, out.timestamp, ignored)) return false;
            if (out.timestamp != 0 && out.timestamp < 253402300799ull) out.timestamp *= 1000; // some are in seconds
            return true;
        }
        if (key == "license") return optional_text(c, out.license);
        if (key == "python_site_packages_path") return optional_text(c, out.python_site_packages_path);
        if (key == "noarch") return noarch(c, out);
        if (key == "track_features") return features(c, out, usable);
        return c.skip();
    }

    bool text(Cursor& c, std::string_view& out, bool& usable) {
        char first;
        if (!c.peek(first)) return false;
        if (first != '"') {
            usable = false;
            return c.skip();
        }
        return keep(c, out);
    }
    bool optional_text(Cursor& c, std::string_view& out) {
        bool ignored = true;
        return text(c, out, ignored);
    }
    bool keep(Cursor& c, std::string_view& out) {
        std::string scratch;
        if (!c.string(out, scratch)) return false;
        if (!scratch.empty()) {
            spill_.push_back(std::make_unique<std::string>(std::move(scratch)));
            out = *spill_.back();
        }
        return true;
    }
    bool whole(Cursor& c, std::uint64_t& out, bool& usable) {
        char first;
        if (!c.peek(first)) return false;
        if (first != '-' && (first < '0' || first > '9')) {
            usable = usable && first == 'n'; // null: as if it were not there
            return c.skip();
        }
        std::string_view digits;
        if (!c.number(digits)) return false;
        auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        if (error != std::errc()) {
            out = 0;
            usable = false;
        } else if (stop != digits.data() + digits.size() && *stop != '.') { // 1.5e12 is a timestamp of some
            out = 0;
        }
        return true;
    }
    bool texts(Cursor& c, std::vector<std::string_view>& out, bool& usable) {
        char first;
        if (!c.peek(first)) return false;
        if (first != '[') {
            usable = usable && first == 'n';
            return c.skip();
        }
        return c.array([&] {
            std::string_view one;
            if (!text(c, one, usable)) return false;
            out.push_back(one);
            return true;
        });
    }
    template <std::size_t N> bool digest(Cursor& c, std::array<char, N>& bytes, std::string_view& out) {
        std::string_view hex;
        if (!optional_text(c, hex)) return false;
        if (hex.size() != 2 * N) return true; // no hash is better than half a one
        for (std::size_t i = 0; i < N; ++i) {
            const int upper = hex_values[static_cast<unsigned char>(hex[2 * i])],
                      lower = hex_values[static_cast<unsigned char>(hex[2 * i + 1])];
            if (upper < 0 || lower < 0) return true;
            bytes[i] = static_cast<char>(upper * 16 + lower);
        }
        out = {bytes.data(), N};
        return true;
    }
    // "python", "generic", and true of the time before there were two kinds.
    bool noarch(Cursor& c, PackageRecord& out) {
        char first;
        if (!c.peek(first)) return false;
        out.noarch = first == '"' || first == 't';
        return c.skip();
    }
    // A list, or words between blanks or commas.
    bool features(Cursor& c, PackageRecord& out, bool& usable) {
        char first;
        if (!c.peek(first)) return false;
        if (first == '[') return texts(c, out.track_features, usable);
        std::string_view words;
        if (!optional_text(c, words)) return false;
        while (!words.empty()) {
            auto stop = std::min(words.find_first_of(" ,"), words.size());
            if (stop > 0) out.track_features.push_back(words.substr(0, stop));
            words.remove_prefix(std::min(stop + 1, words.size()));
        }
        return true;
    }

    std::array<char, 32> sha256_{};
    std::array<char, 16> md5_{};
    std::vector<std::unique_ptr<std::string>> spill_;
};

class RepodataReader {
  public:
    RepodataReader(const ByteStream& stream, const std::function<Status(const PackageRecord&)>& on_record,
                   const RepodataLimits& limits)
        : window_(stream, limits), on_record_(on_record), limits_(limits) {}

    Result<RepodataHead> read() {
        TRY(window_.more());
        if (window_.end() - window_.at() >= 3 && std::memcmp(window_.at(), "\xef\xbb\xbf", 3) == 0)
            window_.move_to(window_.at() + 3);
        TRY(members('{', '}', [&](std::string_view key) -> Status {
            if (key == "packages" || key == "packages.conda") return packages();
            if (key == "info") return info();
            return big_value();
        }));
        TRY(token("the end", [](Cursor& c) {
            c.blanks();
            return true;
        }));
        if (window_.at() != window_.end()) return wrong("nothing more", window_.at());
        return std::move(head_);
    }

  private:
    Error wrong(const char* what, const char* at) const {
        return make_error(ErrorKind::network, "it is not valid repodata.json: {} was expected at byte {}", what,
                          window_.position(at));
    }

    // Runs `step` on what is in the window, again with more when it ends inside. `step` is without effect until it
    // succeeds.
    template <class Step> Status token(const char* what, Step step) {
        for (;;) {
            Cursor c(window_.at(), window_.end());
            if (step(c) && (c.p < window_.end() || window_.complete())) {
                window_.move_to(c.p);
                return {};
            }
            if (c.wrong) return wrong(c.wrong, c.p);
            if (window_.complete())
                return make_error(ErrorKind::network, "it is cut short: {} was expected behind byte {}", what,
                                  window_.position(window_.end()));
            TRY(window_.more());
        }
    }

    // A container of any size, member by member. For '[' the key is "".
    template <class Member> Status members(char open, char close, Member member) {
        TRY(token("a '{'", [&](Cursor& c) { return c.expect(open, open == '{' ? "a '{'" : "a '['"); }));
        for (bool first = true;; first = false) {
            bool done = false;
            std::string key;
            TRY(token("a member", [&](Cursor& c) {
                char next;
                if (!c.peek(next)) return false;
                if (next == close) {
                    ++c.p;
                    return done = true;
                }
                if (!first && !c.expect(',', close == '}' ? "a ',' or '}'" : "a ',' or ']'")) return false;
                if (open == '[') return true;
                std::string_view text;
                std::string scratch;
                if (!c.string(text, scratch) || !c.expect(':', "a ':'")) return false;
                key = text;
                return true;
            }));
            if (done) return {};
            TRY(member(key));
        }
    }

    // An unused value may be large ("removed"), but is a container of small ones.
    Status big_value() {
        char first = 0;
        TRY(token("a value", [&](Cursor& c) { return c.peek(first); }));
        if (first == '{' || first == '[')
            return members(first, first == '{' ? '}' : ']', [&](std::string_view) -> Status {
                return token("a value", [](Cursor& c) { return c.skip(); });
            });
        return token("a value", [](Cursor& c) { return c.skip(); });
    }

    Status info() {
        char first = 0;
        TRY(token("a value", [&](Cursor& c) { return c.peek(first); }));
        if (first != '{') return big_value();
        return members('{', '}', [&](std::string_view key) -> Status {
            return token("a value", [&](Cursor& c) {
                char next;
                if (!c.peek(next)) return false;
                if (key != "base_url" || next != '"') return c.skip();
                std::string_view text;
                std::string scratch;
                if (!c.string(text, scratch)) return false;
                head_.base_url = text;
                return true;
            });
        });
    }

    Status packages() {
        char first = 0;
        TRY(token("a value", [&](Cursor& c) { return c.peek(first); }));
        if (first != '{') return wrong("an object of packages", window_.at());
        PackageRecord record;
        return members('{', '}', [&](const std::string& file_name) -> Status {
            bool usable = false, is_object = true;
            for (;;) {
                Cursor c(window_.at(), window_.end());
                char next;
                is_object = !c.peek(next) || next == '{';
                bool ok = is_object ? reader_.read(c, file_name, record, usable) : c.skip();
                if (ok) {
                    if (++head_.records > limits_.records)
                        return make_error(ErrorKind::network, "it has more than {} packages", limits_.records);
                    if (usable && is_object) TRY(on_record_(record));
                    else ++head_.skipped;
                    window_.move_to(c.p); // only now: the record's views end with the window
                    return {};
                }
                if (c.wrong) return wrong(c.wrong, c.p);
                if (window_.complete())
                    return make_error(ErrorKind::network, "it is cut short: the end of {} was expected behind byte {}",
                                      file_name, window_.position(window_.end()));
                TRY(window_.more());
            }
        });
    }

    Window window_;
    const std::function<Status(const PackageRecord&)>& on_record_;
    const RepodataLimits& limits_;
    RecordReader reader_;
    RepodataHead head_;
};

} // namespace

Result<RepodataHead> read_repodata(const ByteStream& stream,
                                   const std::function<Status(const PackageRecord&)>& on_record,
                                   const RepodataLimits& limits) {
    return RepodataReader(stream, on_record, limits).read();
}

} // namespace tinderbox::conda
