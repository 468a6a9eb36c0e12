#include "generator/assemble/run_writer.hpp"

#include "common/base/output_file.hpp"
#include "common/base/text.hpp"
#include "common/format/run_file.hpp"
#include "common/sign/run_signature.hpp"
#include "generator/assemble/block_feeder.hpp"
#include "generator/assemble/cksum.hpp"
#include "generator/parcel/zstd_frame.hpp"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace tinderbox::assemble {

using nlohmann::json;

namespace {

// Both are compressed at every build, the table at least twice, while a rebuild writes gigabytes in a few seconds:
// higher levels save some ten kilobytes and cost more than all else that is not input and output.
constexpr int table_level = 6;
constexpr int licenses_level = 9;
constexpr std::uint64_t large_block_alignment = format::block_alignment;

std::uint64_t align(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

// Sections in front of the blocks, and where everything lies. The manifest holds offsets that depend on its own
// length and on the table's, whose length depends on the offsets in it: repeated until nothing moves. The start
// of the blocks only ever grows, so this ends.
struct Layout {
    std::vector<format::Section> sections;
    std::string manifest_text;
    Bytes table;
    std::uint64_t blocks_offset = 0, blocks_size = 0, total_size = 0;
};

class Writer {
  public:
    Writer(Image image, const std::vector<LinkInput>& inputs, const RunParts& parts)
        : image_(std::move(image)), inputs_(inputs), parts_(parts) {}

    Result<WrittenRun> run(const fs::path& output, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
        mark_large_blocks();
        stub_.assign(parts_.stub.begin(), parts_.stub.end());
        stub_.resize(align(stub_.size(), format::block_alignment)); // the header copies whole 4 KiB blocks
        stub_sum_ = cksum_text(stub_);
        TRY_ASSIGN(licenses_, parcel::zstd_frame(as_bytes(image_.licenses), licenses_level));
        TRY(settle());
        return write(output, progress);
    }

  private:
    // Blocks of contents that are written directly start at multiples of 4 KiB.
    void mark_large_blocks() {
        large_.assign(image_.table.blocks.size(), false);
        for (const format::Content& content : image_.table.contents) {
            if (content.size < format::large_content_size || !content.relocs.empty() || content.offset != 0) continue;
            std::uint32_t count = format::block_count(image_.table, content);
            for (std::uint32_t i = 0; i < count; ++i) large_[content.block + i] = true;
        }
    }

    std::uint64_t place_blocks(std::uint64_t start) {
        std::uint64_t at = start;
        for (std::size_t i = 0; i < image_.table.blocks.size(); ++i) {
            if (large_[i]) at = align(at, large_block_alignment);
            image_.table.blocks[i].offset = at;
            at += image_.table.blocks[i].packed;
        }
        return at;
    }

    // The program on the target reads the table under a budget: what it would refuse is refused before it is written.
    Status check_table() const {
        auto read = format::decode_table(format::encode(image_.table));
        if (read.ok()) return {};
        return make_error(ErrorKind::usage,
                          "an installer of these packages could not be installed ({}); leave some out, or make two "
                          "installers",
                          read.error().message);
    }

    Status settle() {
        std::uint64_t blocks_at = align(format::run_header_size + stub_.size() + (4u << 20), format::block_alignment);
        for (int round = 0; round < 16; ++round) {
            layout_ = {};
            layout_.blocks_offset = blocks_at;
            std::uint64_t end = place_blocks(blocks_at);
            layout_.blocks_size = end - blocks_at;
            layout_.total_size = end + format::footer_size;
            TRY_ASSIGN(layout_.table, parcel::zstd_frame(format::encode(image_.table), table_level));
            std::uint64_t front = 0;
            // The manifest's length depends on digits in it; two passes settle it for given block offsets.
            std::uint64_t manifest_size = 0;
            for (int pass = 0; pass < 8; ++pass) {
                TRY(lay_out_front(manifest_size, blocks_at));
                layout_.manifest_text = manifest_text();
                // The padding's size stands in the manifest: one digit less there may ask for one byte more here, and
                // the other way round for ever. JSON may end in line ends, so a text that is too short is filled up
                // then.
                if (pass >= 4 && layout_.manifest_text.size() < manifest_size)
                    layout_.manifest_text.resize(manifest_size, '\n');
                if (layout_.manifest_text.size() == manifest_size) {
                    front = layout_.sections[padding_index_].offset;
                    break;
                }
                manifest_size = layout_.manifest_text.size();
            }
            if (front == 0) return make_error(ErrorKind::bug, "the manifest's size does not settle");
            std::uint64_t need = align(front, format::block_alignment);
            // The first guess may be too large; after that it may only grow, else two sizes could alternate.
            if (need == blocks_at || (round > 0 && need < blocks_at)) {
                TRY(check_table());
                return check_volumes();
            }
            blocks_at = need;
        }
        return make_error(ErrorKind::bug, "the layout of the installer does not settle");
    }

    format::VolumeLayout volumes() const { return {layout_.total_size, parts_.volume_size}; }

    // The target reads everything before the blocks first, so that the first volume has to hold it.
    Status check_volumes() const {
        if (parts_.volume_size == 0) return {};
        if (parts_.volume_size < layout_.blocks_offset)
            return make_error(
                ErrorKind::usage,
                "--split: the first volume of this installer needs more than {} bytes for what lies in front of the "
                "packages; give at least {}",
                layout_.blocks_offset, layout_.blocks_offset + 2 * format::block_alignment);
        if (unsigned count = volumes().count(); count > format::most_volumes)
            return make_error(ErrorKind::usage,
                              "--split: {} volumes would be needed, {} are the most; choose a larger size", count,
                              format::most_volumes);
        return {};
    }

    Status lay_out_front(std::uint64_t manifest_size, std::uint64_t blocks_at) {
        layout_.sections.clear();
        std::uint64_t at = 0;
        auto add = [&](std::string name, std::uint64_t size, std::optional<Sha256Digest> digest = {}) {
            layout_.sections.push_back({std::move(name), at, size, digest});
            at += size;
        };
        TRY_ASSIGN(header_, render_header(parts_.header_template, image_.manifest,
                                          {volumes().file_size(1), stub_.size(), stub_sum_, volumes().count()}));
        add("header", format::run_header_size, sha256(as_bytes(header_)));
        if (!stub_digest_) stub_digest_ = sha256(stub_);
        add("stub", stub_.size(), stub_digest_);
        for (const auto& [name, bytes] : parts_.probes) {
            if (!probe_digests_.contains(name)) probe_digests_[name] = sha256(bytes);
            add("probe:" + name, bytes.size(), probe_digests_[name]);
        }
        add("manifest", manifest_size);
        add("signature", format::signature_slot_size);
        add("licenses", licenses_.size(), sha256(licenses_));
        add("table", layout_.table.size(), sha256(layout_.table));
        padding_index_ = layout_.sections.size();
        add("padding", at <= blocks_at ? blocks_at - at : 0);
        at = std::max(at, blocks_at);
        add("blocks", layout_.blocks_size);
        add("footer", format::footer_size);
        return {};
    }

    std::string manifest_text() const {
        json j = format::to_json(image_.manifest);
        j["format"] = format::run_format_version;
        if (unsigned count = volumes().count(); count > 1)
            j["volumes"] = {{"count", count}, {"size", parts_.volume_size}};
        json sections = json::array();
        for (const format::Section& s : layout_.sections) {
            json item = {{"name", s.name}, {"offset", s.offset}, {"size", s.size}};
            if (s.sha256) item["sha256"] = to_hex(*s.sha256);
            sections.push_back(std::move(item));
        }
        j["sections"] = std::move(sections);
        return format::canonical_json(j);
    }

    std::vector<fs::path> payload_paths() const {
        std::vector<fs::path> out;
        for (const LinkInput& input : inputs_) out.push_back(input.parcel.payload_path);
        return out;
    }

    std::vector<BlockRead> block_reads() const {
        std::vector<BlockRead> out;
        for (std::size_t i = 0; i < image_.table.blocks.size(); ++i) {
            const format::Block& block = image_.table.blocks[i];
            const BlockSource& source = image_.sources[i];
            if (source.input != memory_input) out.push_back({source.input, source.offset, block.packed, block.sha256});
        }
        return out;
    }

    format::Footer footer() const {
        format::Footer out;
        out.total_size = layout_.total_size;
        auto manifest = std::ranges::find(layout_.sections, "manifest", &format::Section::name);
        out.manifest_offset = manifest->offset;
        out.manifest_size = manifest->size;
        out.manifest_sha256 = sha256(as_bytes(layout_.manifest_text));
        return out;
    }

    Result<WrittenRun> write(const fs::path& output,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
        const format::Footer footer = this->footer();
        format::VolumeHeader volumes{
            output.filename().string(), 0, 0, this->volumes(), footer.manifest_offset, footer.manifest_size,
            footer.manifest_sha256};
        RunOutput out(output, std::move(volumes), parts_.key != nullptr);
        TRY(out.append(as_bytes(header_)));
        TRY(out.append(stub_));
        for (const auto& [name, bytes] : parts_.probes) TRY(out.append(bytes));
        TRY(out.append(as_bytes(layout_.manifest_text)));
        if (parts_.key) {
            TRY_ASSIGN(Bytes slot, sign::signature_slot(*parts_.key, layout_.manifest_text));
            TRY(out.append(slot));
        } else {
            TRY(out.append_zeros(format::signature_slot_size));
        }
        TRY(out.append(licenses_));
        TRY(out.append(layout_.table));
        BlockFeeder feeder(payload_paths(), block_reads());
        for (std::size_t i = 0; i < image_.table.blocks.size(); ++i) {
            const format::Block& block = image_.table.blocks[i];
            TRY(out.append_zeros(block.offset - out.position()));
            if (image_.sources[i].input == memory_input) {
                TRY(out.append(ByteView(image_.memory).subspan(image_.sources[i].offset, block.packed)));
            } else {
                TRY_ASSIGN(ByteView bytes, feeder.next());
                TRY(out.append(bytes));
            }
            if (progress) progress(out.position(), layout_.total_size);
        }
        // Also the padding in front of no block at all: an update may have everything already.
        TRY(out.append_zeros(layout_.blocks_offset + layout_.blocks_size - out.position()));
        TRY(out.append(format::encode(footer)));
        WrittenRun written;
        TRY_ASSIGN(written.volumes, out.commit());
        TRY(write_sums(output, written));
        TRY(write_signature(output, out));
        return written;
    }

    static Status write_sums(const fs::path& output, WrittenRun& written) {
        std::string sums;
        for (const WrittenVolume& volume : written.volumes) {
            written.size += volume.size;
            sums += fmt::format("{}  {}\n", to_hex(volume.sha256), volume.path.filename().string());
        }
        fs::path path = output;
        path += ".sha256";
        return write_output_file(path, sums);
    }

    // A signature of the file that was there before would only make the new one look forged.
    Status write_signature(const fs::path& output, RunOutput& out) const {
        const fs::path path = sign::signature_path(output);
        if (parts_.key) {
            TRY_ASSIGN(Bytes signature, parts_.key->sign(out.sha256_of_all()));
            return write_output_file(path, signature);
        }
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return errno_error("cannot remove the old '" + path.string() + "'", errno);
        return {};
    }

    Image image_;
    const std::vector<LinkInput>& inputs_;
    const RunParts& parts_;
    std::vector<bool> large_;
    Bytes stub_, licenses_;
    std::string header_, stub_sum_;
    std::optional<Sha256Digest> stub_digest_;
    std::map<std::string, Sha256Digest> probe_digests_;
    Layout layout_;
    std::size_t padding_index_ = 0;
};

// The name is put into shell text: anything a shell could read as more than a name is not shown there.
std::string plain_name(std::string_view name) {
    std::string out;
    for (char c : name) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.';
        out += plain ? c : '_';
    }
    return out;
}

} // namespace

Result<std::string> render_header(const std::string& header_template, const format::Manifest& manifest,
                                  const HeaderNumbers& numbers) {
    std::string cpu = manifest.platform == "linux-aarch64" ? "aarch64" : "x86_64";
    std::string text = header_template;
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"@NAME@", plain_name(manifest.name) + ".run"},
             {"@VERSION@", plain_name(manifest.tinderbox_version)},
             {"@PLATFORM@", plain_name(manifest.platform)},
             {"@CPU@", cpu},
             {"@HEADER_SIZE@", std::to_string(format::run_header_size)},
             // Fixed width: the header's length must not depend on the numbers in it.
             {"@TOTAL_SIZE@", fmt::format("{:020}", numbers.total_size)},
             {"@VOLUMES@", fmt::format("{:03}", numbers.volumes)},
             {"@STUB_BLOCKS@", std::to_string(numbers.stub_size / format::block_alignment)},
             {"@STUB_SIZE@", std::to_string(numbers.stub_size)},
             {"@STUB_SUM@", numbers.stub_sum},
             {"@STUB_SKIP@", std::to_string(format::run_header_size / format::block_alignment)}})
        text = replace_all(text, key, value);
    // The header compares the checksum of itself with 0.
    constexpr std::size_t digits = 32;
    if (text.size() + digits > format::run_header_size)
        return make_error(ErrorKind::bug, "the shell header has {} bytes, {} are reserved", text.size(),
                          format::run_header_size - digits);
    text.resize(format::run_header_size - digits, '\n');
    text += cksum_zeroing_digits(as_bytes(text));
    return text;
}

Result<WrittenRun> write_run(Image image, const std::vector<LinkInput>& inputs, const RunParts& parts,
                             const fs::path& output,
                             const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    return Writer(std::move(image), inputs, parts).run(output, progress);
}

} // namespace tinderbox::assemble
