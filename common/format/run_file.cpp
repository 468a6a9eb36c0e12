#include "common/format/run_file.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/input_file.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/text.hpp"
#include "common/format/json_fields.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <mutex>

namespace tinderbox::format {

using nlohmann::json;

namespace {

constexpr std::uint64_t manifest_limit = 256u << 20;
constexpr std::uint64_t section_limit = 512u << 20;    // of one that is read whole
constexpr Budget unpacked_budget{.bytes = 1ull << 30}; // of the file table

// Two numbers in the header's text. The length tells how much a truncated copy lacks; the other one is the number of
// volumes.
struct HeaderFacts {
    std::uint64_t size = 0;
    unsigned volumes = 1;
};

std::optional<std::uint64_t> number_after(std::string_view head, std::string_view key) {
    auto at = head.find(key);
    if (at == std::string_view::npos) return std::nullopt;
    const char* first = head.data() + at + key.size();
    const char* last = head.data() + head.size();
    while (first < last && *first == '0') ++first; // the fields have a fixed width
    if (first < last && *first == '\n') return 0;
    std::uint64_t value = 0;
    if (std::from_chars(first, last, value).ec != std::errc()) return std::nullopt;
    return value;
}

std::optional<HeaderFacts> facts_in_header(std::string_view head) {
    if (!head.starts_with("#!/bin/sh\n")) return std::nullopt;
    auto size = number_after(head, "\ntotal_size=");
    if (!size) return std::nullopt;
    auto volumes = number_after(head, "\nvolumes=").value_or(1);
    return HeaderFacts{*size, static_cast<unsigned>(std::clamp<std::uint64_t>(volumes, 1, most_volumes))};
}

Result<std::vector<Section>> sections_from(const json& manifest, const Footer& footer) {
    auto damaged = [](std::string_view why) {
        return make_error(ErrorKind::damaged, "the manifest's list of sections is damaged: {}", why);
    };
    const json* list =
        JsonFields(manifest, "the manifest", "copy the file again", ErrorKind::damaged).value("sections");
    if (!list || !list->is_array()) return damaged("there is none");
    std::vector<Section> out;
    for (const json& item : *list) {
        Section s;
        std::string digits;
        JsonFields fields(item, "the manifest's list of sections", "copy the file again", ErrorKind::damaged);
        fields.text("name", s.name, true);
        fields.integer("offset", s.offset, true);
        fields.integer("size", s.size, true);
        fields.text("sha256", digits);
        s.sha256 = sha256_from_hex(digits);
        if (!s.sha256 && !digits.empty()) fields.fail("a SHA-256 is not 64 hexadecimal digits");
        TRY(fields.status());
        out.push_back(std::move(s));
    }
    std::uint64_t end = 0;
    for (const Section& s : out) {
        if (s.offset != end || s.size > footer.total_size - end)
            return damaged("there is a gap or an overlap at " + s.name);
        end = s.offset + s.size;
        bool without_hash = s.name == "manifest" || s.name == "signature" || s.name == "blocks" ||
                            s.name == "padding" || s.name == "footer";
        if (!s.sha256 && !without_hash) return damaged(s.name + " has no SHA-256");
        // What no hash covers is there once: a second slot would have room for anything.
        if (without_hash && s.name != "padding" && std::ranges::count(out, s.name, &Section::name) != 1)
            return damaged("there are several sections " + s.name);
    }
    if (end != footer.total_size) return damaged("it does not cover the whole file");
    return out;
}

} // namespace

Bytes encode(const Footer& footer) {
    ByteWriter out;
    out.bytes(as_bytes(footer_magic));
    out.u32(footer.version);
    out.u32(0);
    out.u64(footer.total_size);
    out.u64(footer.manifest_offset);
    out.u64(footer.manifest_size);
    out.bytes(footer.manifest_sha256);
    while (out.size() < footer_size - 32) out.u8(0);
    Sha256Digest own = sha256(out.data());
    out.bytes(own);
    return out.take();
}

Result<Footer> decode_footer(ByteView bytes) {
    if (bytes.size() != footer_size) return make_error(ErrorKind::damaged, "the footer is missing");
    ByteReader in(bytes);
    if (as_text(in.bytes(footer_magic.size())) != footer_magic)
        return make_error(ErrorKind::damaged, "the footer is missing");
    Footer footer;
    footer.version = in.u32();
    // The version comes before the hash: a newer format may hash differently.
    if (footer.version > run_format_version)
        return make_error(
            ErrorKind::damaged,
            "this installer has format version {}, this program reads up to version {}: use a newer Tinderbox",
            footer.version, run_format_version);
    if (!std::ranges::equal(sha256(bytes.first(footer_size - 32)), bytes.last(32)))
        return make_error(ErrorKind::damaged, "the footer is damaged: its SHA-256 does not match");
    in.u32();
    footer.total_size = in.u64();
    footer.manifest_offset = in.u64();
    footer.manifest_size = in.u64();
    ByteView digest = in.bytes(32);
    std::copy(digest.begin(), digest.end(), footer.manifest_sha256.begin());
    if (footer.total_size > INT64_MAX || footer.manifest_size > manifest_limit ||
        footer.manifest_offset > footer.total_size || footer.manifest_size > footer.total_size - footer.manifest_offset)
        return make_error(ErrorKind::damaged, "the footer is damaged: its offsets make no sense");
    return footer;
}

struct RunFile::State {
    fs::path path;
    std::vector<Volume> volumes;
    VolumeLayout layout;
    Footer footer;

    Status open_all(const VolumeFinder& find);
    Status read_at(std::span<std::byte> out, std::uint64_t offset) const;
    Extent extent_at(std::uint64_t offset) const;
    std::string manifest_text;
    json manifest;
    std::vector<Section> sections;
    std::optional<SignatureSlot> signature;
};

RunFile::RunFile() : state_(std::make_unique<State>()) {}
RunFile::RunFile(RunFile&&) noexcept = default;
RunFile& RunFile::operator=(RunFile&&) noexcept = default;
RunFile::~RunFile() = default;

Status RunFile::State::open_all(const VolumeFinder& find) {
    volumes.emplace_back();
    Volume& first = volumes.front();
    first.path = path;
    TRY_ASSIGN(first.fd, open_file(path, O_RDONLY));
    TRY_ASSIGN(std::uint64_t size, file_size(first.fd.get(), path.string()));
    std::string head(std::min<std::uint64_t>(size, run_header_size), '\0');
    TRY(read_exact_at(first.fd.get(), std::as_writable_bytes(std::span(head)), 0, path.string()));
    if (looks_like_volume(as_bytes(head)))
        return make_error(ErrorKind::usage,
                          "'{}' is one of an installer's further volumes; name the first one, without '{}'",
                          path.string(), path.extension().string());
    auto expected = facts_in_header(head);
    if (expected && size < expected->size)
        return make_error(ErrorKind::damaged, "this file is incomplete: {} of {} bytes; copy '{}' again", size,
                          expected->size, path.string());
    if (expected && size > expected->size)
        return make_error(ErrorKind::damaged, "'{}' has {} bytes after its end; copy it again", path.string(),
                          size - expected->size);
    if (size < footer_size)
        return make_error(ErrorKind::damaged, "'{}' is not a Tinderbox installer: it has only {} bytes", path.string(),
                          size);
    layout.total = size;
    if (expected && expected->volumes > 1) {
        TRY_ASSIGN(auto others, open_volumes(first, size, expected->volumes, layout, find));
        std::ranges::move(others, std::back_inserter(volumes));
    }
    Bytes tail(footer_size);
    if (layout.total < footer_size) return make_error(ErrorKind::damaged, "'{}': there is no footer", path.string());
    TRY(read_at(tail, layout.total - footer_size));
    auto decoded = decode_footer(tail);
    if (!decoded.ok()) {
        if (!expected)
            return make_error(ErrorKind::damaged,
                              "'{}' is not a Tinderbox installer, or its header and its end are damaged",
                              path.string());
        return std::move(decoded).error().in(volumes.back().path.string());
    }
    footer = *decoded;
    if (footer.total_size != layout.total)
        return make_error(ErrorKind::damaged, "'{}' has {} bytes, its footer says {}; copy it again", path.string(),
                          layout.total, footer.total_size);
    return {};
}

RunFile::Extent RunFile::State::extent_at(std::uint64_t offset) const {
    const std::uint64_t at = std::min(offset, layout.total);
    const unsigned number = std::min<unsigned>(layout.volume_of(at), static_cast<unsigned>(volumes.size()));
    const std::uint64_t in_volume = at - layout.first_byte(number);
    return {volumes[number - 1].fd.get(), in_volume + (number == 1 ? 0 : volume_header_size),
            layout.payload(number) - in_volume};
}

Status RunFile::State::read_at(std::span<std::byte> out, std::uint64_t offset) const {
    while (!out.empty()) {
        const Extent where = extent_at(offset);
        const fs::path& name = volumes[std::min<std::size_t>(layout.volume_of(offset), volumes.size()) - 1].path;
        // Behind the end the read from the last volume fails, and its error says so.
        const std::size_t part =
            where.contiguous == 0 ? out.size() : std::min<std::uint64_t>(out.size(), where.contiguous);
        TRY(read_exact_at(where.fd, out.first(part), where.offset, name.string()));
        out = out.subspan(part);
        offset += part;
    }
    return {};
}

bool looks_like_run_head(std::string_view head) {
    return head.starts_with("#!/bin/sh\n") &&
           (head.find("\ntotal_size=") != std::string_view::npos || looks_like_volume(as_bytes(head)));
}

bool looks_like_run(const fs::path& path) {
    auto file = is_stream(path) ? Result<Fd>(Fd()) : open_file(path, O_RDONLY);
    std::string head(4096, '\0');
    if (!file.ok() || ::pread(file->get(), head.data(), head.size(), 0) < 0) return false;
    return looks_like_run_head(head);
}

Result<RunFile> RunFile::open(const fs::path& path, const VolumeFinder& find) {
    RunFile file;
    State& state = *file.state_;
    state.path = path;
    TRY(state.open_all(find));
    state.manifest_text.resize(state.footer.manifest_size);
    TRY(state.read_at(std::as_writable_bytes(std::span(state.manifest_text)), state.footer.manifest_offset));
    if (sha256(as_bytes(state.manifest_text)) != state.footer.manifest_sha256)
        return make_error(ErrorKind::damaged,
                          "{}: the manifest is damaged: its SHA-256 does not match; copy the file again",
                          path.string());
    TRY(check_json_cost(state.manifest_text, path.string() + ":manifest", json_budget, ErrorKind::damaged));
    state.manifest = json::parse(state.manifest_text, nullptr, false);
    if (state.manifest.is_discarded())
        return make_error(ErrorKind::damaged, "{}: the manifest is not JSON", path.string());
    auto sections = sections_from(state.manifest, state.footer);
    if (!sections.ok()) return std::move(sections).error().in(path.string());
    state.sections = *std::move(sections);
    if (const Section* slot = file.section("signature")) {
        if (slot->size != signature_slot_size)
            return make_error(ErrorKind::damaged, "{}: the place of its signature has {} bytes, not {}", path.string(),
                              slot->size, signature_slot_size);
        TRY_ASSIGN(const Bytes bytes, file.read_section(*slot));
        TRY_ASSIGN(state.signature, decode_signature_slot(bytes).in(path.string()));
    }
    return file;
}

const json& RunFile::manifest() const { return state_->manifest; }
const std::string& RunFile::manifest_text() const { return state_->manifest_text; }
const Sha256Digest& RunFile::manifest_sha256() const { return state_->footer.manifest_sha256; }
const std::vector<Section>& RunFile::sections() const { return state_->sections; }
std::uint64_t RunFile::total_size() const { return state_->footer.total_size; }
const fs::path& RunFile::path() const { return state_->path; }

const Section* RunFile::section(std::string_view name) const {
    auto found = std::ranges::find(state_->sections, name, &Section::name);
    return found == state_->sections.end() ? nullptr : &*found;
}

std::vector<fs::path> RunFile::volumes() const {
    std::vector<fs::path> out;
    for (const Volume& volume : state_->volumes) out.push_back(volume.path);
    return out;
}

Status RunFile::read_at(std::span<std::byte> out, std::uint64_t offset) const { return state_->read_at(out, offset); }
const std::optional<SignatureSlot>& RunFile::signature() const { return state_->signature; }

Result<Sha256Digest> RunFile::sha256_of_files(const std::function<void(std::uint64_t)>& progress) const {
    Sha256 hash;
    FileRead read;
    // It stays in the page cache: an installation that follows reads it again (runtime/io/run_reader.hpp).
    std::uint64_t before = 0; // bytes of the volumes that are finished
    if (progress) read.progress = [&](std::uint64_t done) { progress(before + done); };
    for (const Volume& volume : state_->volumes) {
        TRY_ASSIGN(std::uint64_t size,
                   read_pieces(volume.fd.get(), volume.path.string(), read, [&](ByteView piece) -> Status {
                       hash.update(piece);
                       return {};
                   }));
        before += size;
    }
    return hash.finish();
}

RunFile::Extent RunFile::extent_at(std::uint64_t offset) const { return state_->extent_at(offset); }

Result<Bytes> RunFile::read_section(const Section& section) const {
    if (section.size > section_limit)
        return make_error(ErrorKind::damaged, "the section '{}' is absurdly large", section.name);
    Bytes bytes(section.size);
    TRY(read_at(bytes, section.offset));
    if (section.sha256 && sha256(bytes) != *section.sha256)
        return make_error(ErrorKind::damaged, "{}: the {} is damaged: its SHA-256 does not match; copy the file again",
                          state_->path.string(), section.name == "table" ? "file table" : section.name);
    return bytes;
}

Result<Table> RunFile::table() const {
    const Section* section = this->section("table");
    if (!section) return make_error(ErrorKind::damaged, "{}: there is no file table", state_->path.string());
    TRY_ASSIGN(Bytes packed, read_section(*section));
    unsigned long long raw = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (raw == ZSTD_CONTENTSIZE_ERROR || raw == ZSTD_CONTENTSIZE_UNKNOWN)
        return make_error(ErrorKind::damaged, "{}: the file table is not a zstd frame", state_->path.string());
    const std::string where = state_->path.string() + ": the file table";
    TRY(Spending(for_packed(unpacked_budget, packed.size()), where, ErrorKind::damaged).bytes(raw));
    Bytes bytes(raw);
    if (ZSTD_decompress(bytes.data(), bytes.size(), packed.data(), packed.size()) != raw)
        return make_error(ErrorKind::damaged, "{}: the file table cannot be decompressed", state_->path.string());
    auto table = decode_table(bytes);
    if (!table.ok()) return std::move(table).error().in(state_->path.string());
    const Section* blocks = this->section("blocks");
    for (const Block& block : table->blocks)
        if (!blocks || block.offset < blocks->offset || block.packed > blocks->size ||
            block.offset - blocks->offset > blocks->size - block.packed)
            return make_error(ErrorKind::damaged, "{}: a block lies outside the file", state_->path.string());
    return table;
}

Status unpack_block(const Block& block, ByteView packed, std::span<std::byte> out) {
    auto damaged = [](std::string_view why) { return make_error(ErrorKind::damaged, "a block is damaged: {}", why); };
    if (packed.size() != block.packed || out.size() < block.raw) return damaged("its size is wrong");
    if (sha256(packed) != block.sha256) return damaged("its SHA-256 does not match");
    if (block.stored) {
        if (block.packed != block.raw) return damaged("its size is wrong");
        std::copy(packed.begin(), packed.end(), out.begin());
        return {};
    }
    // One context for each thread: a new context costs more than a small block.
    thread_local std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
    std::size_t size = ZSTD_decompressDCtx(context.get(), out.data(), block.raw, packed.data(), packed.size());
    if (ZSTD_isError(size) || size != block.raw) return damaged("it cannot be decompressed");
    return {};
}

} // namespace tinderbox::format
