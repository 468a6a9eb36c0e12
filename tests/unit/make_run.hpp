// A NAME.run made with the format's public functions, and the tree that it must become.
#pragma once

#include "common/base/base64url.hpp"
#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"
#include "runtime/io/faults.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <map>
#include <set>

namespace tinderbox::test {

// Hardly compressible bytes, the same for the same seed. They hold no '\x01', which stands for the prefix in Expected.
inline Bytes noise(std::size_t size, std::uint32_t seed) {
    Bytes out(size);
    for (auto& b : out) b = static_cast<std::byte>((seed = seed * 1664525 + 1013904223) >> 24);
    std::ranges::replace(out, std::byte{1}, std::byte{2});
    return out;
}
inline Bytes text_bytes(std::string_view text) {
    auto view = as_bytes(text);
    return {view.begin(), view.end()};
}

struct Expected {
    format::EntryKind kind = format::EntryKind::file;
    std::string content; // of a file, or a link's target; '\x01' in it is the prefix
    unsigned mode = 0;
    std::int64_t mtime = 0;
};

class RunBuilder {
  public:
    format::Manifest manifest;
    std::map<std::string, test::Expected> expected;
    format::Table table;

    RunBuilder() {
        manifest.name = manifest.env_name = "sample";
        manifest.platform = "linux-64";
        manifest.bytecode = "none";
    }

    std::uint32_t content(const Bytes& bytes, std::vector<format::Reloc> relocs = {}) {
        format::Content c;
        c.size = bytes.size();
        c.sha256 = sha256(bytes);
        c.relocs = std::move(relocs);
        bool alone = bytes.size() >= (1u << 20);
        if (alone || open_.size() + bytes.size() > small_block_size) close_block();
        if (alone && c.relocs.empty()) {
            c.block = static_cast<std::uint32_t>(table.blocks.size());
            for (std::size_t at = 0; at < bytes.size(); at += format::block_raw_size)
                add_block(ByteView(bytes).subspan(at, std::min<std::size_t>(format::block_raw_size, bytes.size() - at)),
                          true);
        } else if (!bytes.empty()) {
            c.block = static_cast<std::uint32_t>(table.blocks.size());
            c.offset = static_cast<std::uint32_t>(open_.size());
            open_.insert(open_.end(), bytes.begin(), bytes.end());
            if (alone) close_block();
        }
        table.contents.push_back(std::move(c));
        return static_cast<std::uint32_t>(table.contents.size() - 1);
    }

    std::uint32_t file(const std::string& path, std::uint32_t content, std::string shown, std::uint16_t mode = 0644,
                       std::int64_t mtime = 1600000000) {
        expected[path] = {format::EntryKind::file, std::move(shown), mode, mtime};
        table.destinations.push_back({.mode = mode, .mtime = mtime, .path = path, .content = content});
        return static_cast<std::uint32_t>(table.destinations.size() - 1);
    }
    std::uint32_t file(const std::string& path, const Bytes& bytes, std::uint16_t mode = 0644) {
        return file(path, content(bytes), std::string(as_text(bytes)), mode);
    }
    void directory(const std::string& path, std::uint16_t mode = 0755) {
        expected[path] = {format::EntryKind::directory, "", mode, 1500000000};
        table.destinations.push_back(
            {.kind = format::EntryKind::directory, .mode = mode, .mtime = 1500000000, .path = path});
    }
    void symlink(const std::string& path, const std::string& target) {
        expected[path] = {format::EntryKind::symlink, target, 0777, 0};
        table.destinations.push_back({.kind = format::EntryKind::symlink, .mode = 0777, .path = path, .link = target});
    }

    // The manifest is padded with spaces to a fixed size, so that the layout is computed once.
    void write(const fs::path& path) {
        close_block();
        const std::uint64_t manifest_at = format::run_header_size + 4096, manifest_size = 64 << 10;
        const std::uint64_t table_at = manifest_at + manifest_size + format::signature_slot_size, blocks_at = 4 << 20;
        format::Table placed = table;
        for (format::Block& block : placed.blocks) block.offset += blocks_at;
        Bytes raw = format::encode(placed), packed(ZSTD_compressBound(raw.size()));
        packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 3));
        REQUIRE(table_at + packed.size() < blocks_at);
        const std::uint64_t footer_at = blocks_at + payload_.size(), total = footer_at + format::footer_size;
        std::string header = fmt::format("#!/bin/sh\ntotal_size={:020}\n", total);
        header.resize(format::run_header_size, '\n');
        Bytes stub = test::noise(4096, 7);
        nlohmann::json json = format::to_json(manifest);
        auto hex = [](ByteView bytes) { return to_hex(sha256(bytes)); };
        json["sections"] = nlohmann::json::array(
            {{{"name", "header"}, {"offset", 0}, {"size", format::run_header_size}, {"sha256", hex(as_bytes(header))}},
             {{"name", "stub"}, {"offset", format::run_header_size}, {"size", 4096}, {"sha256", hex(stub)}},
             {{"name", "manifest"}, {"offset", manifest_at}, {"size", manifest_size}},
             {{"name", "signature"}, {"offset", manifest_at + manifest_size}, {"size", format::signature_slot_size}},
             {{"name", "table"}, {"offset", table_at}, {"size", packed.size()}, {"sha256", hex(packed)}},
             {{"name", "padding"},
              {"offset", table_at + packed.size()},
              {"size", blocks_at - table_at - packed.size()}},
             {{"name", "blocks"}, {"offset", blocks_at}, {"size", payload_.size()}},
             {{"name", "footer"}, {"offset", footer_at}, {"size", format::footer_size}}});
        std::string text = format::canonical_json(json);
        REQUIRE(text.size() <= manifest_size);
        text.resize(manifest_size, ' ');
        Bytes file(total);
        auto put = [&](std::uint64_t at, ByteView bytes) {
            std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
        };
        put(0, as_bytes(header));
        put(format::run_header_size, stub);
        put(manifest_at, as_bytes(text));
        put(table_at, packed);
        put(blocks_at, payload_);
        format::Footer footer;
        footer.total_size = total;
        footer.manifest_offset = manifest_at;
        footer.manifest_size = manifest_size;
        footer.manifest_sha256 = sha256(as_bytes(text));
        put(footer_at, format::encode(footer));
        REQUIRE(write_atomically(path, file).ok());
        first_block_at_ = blocks_at;
    }
    std::uint64_t first_block_at() const { return first_block_at_; }
    std::size_t small_block_size = 64 << 10;

  private:
    void add_block(ByteView raw, bool aligned) {
        if (aligned)
            payload_.resize((payload_.size() + format::block_alignment - 1) / format::block_alignment *
                            format::block_alignment);
        Bytes packed(ZSTD_compressBound(raw.size()));
        packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 1));
        bool stored = packed.size() >= raw.size();
        if (stored) packed.assign(raw.begin(), raw.end());
        format::Block block;
        block.offset = payload_.size();
        block.packed = static_cast<std::uint32_t>(packed.size());
        block.raw = static_cast<std::uint32_t>(raw.size());
        block.stored = stored;
        block.sha256 = sha256(packed);
        table.blocks.push_back(block);
        payload_.insert(payload_.end(), packed.begin(), packed.end());
    }
    void close_block() {
        if (open_.empty()) return;
        Bytes raw = std::move(open_);
        open_.clear();
        add_block(raw, false);
    }
    Bytes open_, payload_;
    std::uint64_t first_block_at_ = 0;
};

inline std::string with_prefix(std::string text, const std::string& prefix) {
    std::string out;
    for (char c : text)
        if (c == '\x01') out += prefix;
        else out += c;
    return out;
}

// The first difference between the tree and the expected one; "" when they are equal.
inline std::string tree_difference(const fs::path& root, const test::RunBuilder& builder, const std::string& prefix,
                                   unsigned mode_mask = 0777) {
    std::set<std::string> seen;
    for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
        std::string path = it->path().lexically_relative(root).string();
        if (path == ".tinderbox" || path == "__pycache__") {
            it.disable_recursion_pending();
            continue;
        }
        struct stat st;
        if (::lstat(it->path().c_str(), &st) != 0) return "cannot stat " + path;
        auto found = builder.expected.find(path);
        if (found == builder.expected.end()) {
            if (S_ISDIR(st.st_mode) && (st.st_mode & 07777) == (0755 & mode_mask)) continue; // a parent directory
            return "unexpected " + path;
        }
        seen.insert(path);
        const test::Expected& e = found->second;
        if (e.kind == format::EntryKind::symlink) {
            if (!S_ISLNK(st.st_mode)) return path + " is no link";
            if (fs::read_symlink(it->path()) != test::with_prefix(e.content, prefix)) return path + " links elsewhere";
            continue;
        }
        if (S_ISDIR(st.st_mode) != (e.kind == format::EntryKind::directory)) return path + " is of the wrong kind";
        if ((st.st_mode & 07777) != (e.mode & mode_mask))
            return fmt::format("{} has mode {:o}", path, st.st_mode & 07777);
        if (st.st_mtime != e.mtime) return fmt::format("{} has time {}", path, st.st_mtime);
        if (e.kind == format::EntryKind::directory) continue;
        auto text = read_text(it->path());
        std::string wanted = test::with_prefix(e.content, prefix);
        if (!text.ok() || *text != wanted)
            return fmt::format("{} has other content ({} bytes, {} wanted)", path, text.ok() ? text->size() : 0,
                               wanted.size());
    }
    for (const auto& [path, e] : builder.expected)
        if (!seen.contains(path)) return "missing " + path;
    return "";
}

inline format::Reloc text_reloc(std::uint64_t offset, std::uint64_t length) {
    return {.kind = format::RelocKind::text, .offset = offset, .length = length};
}

// A tree with every kind of file: large, small, empty, shared, relocated in each way, digests of digests, links.
inline void fill_sample(test::RunBuilder& b, std::size_t large_blocks = 3, std::size_t small_files = 400) {
    const std::string old = "/opt/placeholder/of/some/length/that/is/long/enough/for/most/prefixes/and/then/some/more";
    b.directory("lib");
    b.directory("empty", 0700);
    b.directory("lib/readonly", 0755);
    // One content for two destinations; its size is no multiple of a block or page.
    Bytes large = test::noise((large_blocks - 1) * format::block_raw_size + 1234567, 1);
    auto shared = b.content(large);
    b.file("lib/large.so", shared, std::string(as_text(large)), 0755);
    b.file("lib/copy.so", shared, std::string(as_text(large)), 0600, 1234567890);
    b.file("lib/exact.bin", Bytes(format::block_raw_size, std::byte{'x'}));
    b.file("lib/aligned.bin", test::noise(2 * format::block_raw_size + 8192, 2));
    for (std::size_t i = 0; i < small_files; ++i)
        b.file(fmt::format("lib/d{}/sub/file{}.txt", i % 23, i),
               test::noise(i * 37 % 5000, static_cast<std::uint32_t>(i)), i % 2 ? 0644 : 0755);
    auto empty = b.content({});
    for (int i = 0; i < 600; ++i) b.file(fmt::format("lib/e{}/__init__.py", i), empty, "");
    // text
    std::string conf = "prefix=" + old + "\nlib=" + old + "/lib\n";
    b.file("lib/conf.pc",
           b.content(test::text_bytes(conf),
                     {test::text_reloc(7, old.size()), test::text_reloc(12 + old.size(), old.size())}),
           "prefix=\x01\nlib=\x01/lib\n", 0664);
    // shebang
    std::string script = "#!" + old + "/bin/python -E\nprint()\n";
    auto script_at = b.file(
        "bin/tool",
        b.content(test::text_bytes(script),
                  {{.kind = format::RelocKind::shebang, .length = script.find('\n'), .text = "#!\x01/bin/python -E"}}),
        "#!\x01/bin/python -E\nprint()\n", 0755);
    // digests: of a relocated file, and of the file that holds that digest
    std::string record = "bin/tool,sha256=@,#\n";
    auto record_at =
        b.file("lib/RECORD",
               b.content(test::text_bytes(record),
                         {{.kind = format::RelocKind::digest_b64url, .offset = 16, .length = 1, .target = script_at},
                          {.kind = format::RelocKind::size_decimal, .offset = 18, .length = 1, .target = script_at}}),
               "?", 0644);
    b.file("lib/meta.json",
           b.content(test::text_bytes("{\"r\": \"@\"}"),
                     {{.kind = format::RelocKind::digest_hex, .offset = 7, .length = 1, .target = record_at}}),
           "?", 0644);
    b.symlink("lib/libx.so", "large.so");
    b.symlink("bin/abs", "\x01/bin/tool");
}

// The digests of fill_sample() for this prefix.
inline void settle_digests(test::RunBuilder& b, const std::string& prefix) {
    std::string tool = test::with_prefix(b.expected["bin/tool"].content, prefix);
    std::string record = fmt::format("bin/tool,sha256={},{}\n", to_base64url(sha256(as_bytes(tool))), tool.size());
    b.expected["lib/RECORD"].content = record;
    b.expected["lib/meta.json"].content = fmt::format("{{\"r\": \"{}\"}}", to_hex(sha256(as_bytes(record))));
}

// Kills the process (SIGKILL) at the n-th step of the installer on the file system. A child process installs with it.
class KilledAt : public io::Faults {
  public:
    explicit KilledAt(int steps) : left_(steps) {}
    int before(Call, std::string_view) override {
        if (--left_ == 0) ::kill(::getpid(), SIGKILL);
        return 0;
    }

  private:
    std::atomic<int> left_;
};

} // namespace tinderbox::test
