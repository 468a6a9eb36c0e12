#include "generator/parcel/index.hpp"

#include "generator/parcel/zstd_frame.hpp"

#include <fcntl.h>
#include <zstd.h>

namespace tinderbox::parcel {

using nlohmann::json;

namespace {

constexpr std::string_view magic = "TNDRPRCL";
constexpr std::uint64_t raw_limit = 2ull << 30;

// [kind, architecture, variant, ISA major, ISA minor]
json to_json(const elf::DeviceCode& c) {
    return {static_cast<int>(c.kind), c.architecture, static_cast<int>(c.variant), c.isa_major, c.isa_minor};
}

elf::DeviceCode code_from_json(const json& j) {
    elf::DeviceCode code;
    code.kind = static_cast<elf::DeviceCode::Kind>(j.at(0).get<int>());
    code.architecture = j.at(1);
    code.variant = static_cast<char>(j.at(2).get<int>());
    code.isa_major = j.at(3);
    code.isa_minor = j.at(4);
    return code;
}

// [[…, containers], …]
json to_json(const std::map<elf::DeviceCode, std::uint32_t>& codes) {
    json out = json::array();
    for (const auto& [code, containers] : codes) {
        out.push_back(to_json(code));
        out.back().push_back(containers);
    }
    return out;
}

std::map<elf::DeviceCode, std::uint32_t> codes_from_json(const json& j) {
    std::map<elf::DeviceCode, std::uint32_t> out;
    for (const json& item : j) out.emplace(code_from_json(item), item.at(5));
    return out;
}

json to_json(const elf::FatbinInfo& device) {
    json compiled_for = json::array();
    for (const elf::DeviceCode& code : device.compiled_for) compiled_for.push_back(to_json(code));
    return {{"code", to_json(device.code)},      {"data", to_json(device.data)},
            {"containers", device.containers},   {"entries", device.entries},
            {"relocatable", device.relocatable}, {"compiled_for", std::move(compiled_for)},
            {"problem", device.problem}};
}

elf::FatbinInfo device_from_json(const json& j) {
    elf::FatbinInfo out;
    out.code = codes_from_json(j.at("code"));
    out.data = codes_from_json(j.at("data"));
    out.containers = j.at("containers");
    out.entries = j.at("entries");
    out.relocatable = j.at("relocatable");
    for (const json& code : j.at("compiled_for")) out.compiled_for.push_back(code_from_json(code));
    out.problem = j.at("problem");
    return out;
}

json to_json(const Parcel& parcel) {
    json elf = json::array(), mismatches = json::array();
    for (const Parcel::ElfFact& fact : parcel.elf) {
        elf.push_back({{"path", fact.path},
                       {"root", static_cast<int>(fact.root)},
                       {"glibc", fact.glibc},
                       {"soname", fact.soname},
                       {"needed", fact.needed},
                       {"runpath", fact.runpath},
                       {"machine", fact.machine}});
        if (fact.device) elf.back()["device"] = to_json(*fact.device);
    }
    for (const FileMismatch& m : parcel.mismatches)
        mismatches.push_back({{"path", m.path}, {"declared", m.declared}, {"found", m.found}});
    return {{"key", parcel.key},
            {"payload_size", parcel.payload_size},
            {"metadata", parcel.metadata},
            {"elf", std::move(elf)},
            {"mismatches", std::move(mismatches)}};
}

void from_json(const json& j, Parcel& parcel) {
    parcel.key = j.at("key");
    parcel.payload_size = j.at("payload_size");
    parcel.metadata = j.at("metadata");
    for (const json& item : j.at("elf")) {
        Parcel::ElfFact fact;
        fact.path = item.at("path");
        fact.root = static_cast<format::Root>(item.at("root").get<int>());
        fact.glibc = item.at("glibc");
        fact.soname = item.at("soname");
        fact.needed = item.at("needed");
        fact.runpath = item.at("runpath");
        fact.machine = item.at("machine");
        if (auto device = item.find("device"); device != item.end()) fact.device = device_from_json(*device);
        parcel.elf.push_back(std::move(fact));
    }
    for (const json& item : j.at("mismatches"))
        parcel.mismatches.push_back({item.at("path"), item.at("declared"), item.at("found")});
}

Error damaged(const fs::path& path, std::string_view what) {
    return make_error(ErrorKind::damaged, "'{}': {}", path.string(), what);
}

} // namespace

ArtifactKind Parcel::kind() const {
    auto kind = metadata.find("kind");
    return kind != metadata.end() && kind->is_string() ? artifact_kind(kind->get_ref<const std::string&>())
                                                       : ArtifactKind::other;
}

Status write_index(const Parcel& parcel, const fs::path& directory) {
    const Bytes table = format::encode(parcel.table);
    if (auto check = format::decode_table(table); !check.ok())
        return make_error(ErrorKind::bug, "{}: its parcel cannot be read back: {}",
                          parcel.metadata.value("name", "a package"), check.error().message);
    ByteWriter raw;
    raw.varint(table.size());
    raw.bytes(table);
    // Paths need not be UTF-8 for the table, but JSON repeats some of them.
    raw.string(to_json(parcel).dump(-1, ' ', false, json::error_handler_t::replace));
    constexpr int level = 6;
    TRY_ASSIGN(const Bytes packed, zstd_frame(raw.data(), level));
    ByteWriter out;
    out.bytes(as_bytes(magic));
    out.u32(pack_version);
    out.u64(raw.size());
    out.bytes(packed);
    out.bytes(sha256(out.data()));
    return write_atomically(directory / index_name, out.data());
}

Result<Parcel> open_parcel(const fs::path& directory) {
    const fs::path path = directory / index_name;
    TRY_ASSIGN(Bytes bytes, read_bytes(path));
    constexpr std::size_t head = 8 + 4 + 8, digest_size = 32;
    if (bytes.size() < head + digest_size) return damaged(path, "it is cut short");
    const ByteView body = ByteView(bytes).first(bytes.size() - digest_size);
    if (!std::ranges::equal(sha256(body), ByteView(bytes).last(digest_size)))
        return damaged(path, "its hash does not match");
    ByteReader in(body);
    if (as_text(in.bytes(magic.size())) != magic) return damaged(path, "it is not a parcel's index");
    if (const std::uint32_t version = in.u32(); version != pack_version)
        return damaged(path, fmt::format("it has version {}, this program reads {}", version, pack_version));
    const std::uint64_t raw_size = in.u64();
    if (raw_size > raw_limit) return damaged(path, "its size makes no sense");
    const ByteView frame = in.bytes(in.remaining());
    Bytes raw(static_cast<std::size_t>(raw_size));
    if (ZSTD_decompress(raw.data(), raw.size(), frame.data(), frame.size()) != raw.size())
        return damaged(path, "it cannot be decompressed");
    ByteReader content(raw);
    const ByteView table = content.bytes(content.varint());
    const std::string_view text = content.string();
    if (!content.ok()) return damaged(path, "it is cut short");
    Parcel parcel;
    TRY_ASSIGN(parcel.table, format::decode_table(table).in(path.string()));
    try {
        from_json(json::parse(text), parcel);
    } catch (const json::exception& e) {
        return damaged(path, e.what());
    }
    parcel.payload_path = directory / payload_name;
    TRY_ASSIGN(Fd fd, open_file(parcel.payload_path, O_RDONLY));
    TRY_ASSIGN(std::uint64_t size, file_size(fd.get(), parcel.payload_path.string()));
    if (size != parcel.payload_size)
        return damaged(parcel.payload_path, fmt::format("it has {} bytes in place of {}", size, parcel.payload_size));
    return parcel;
}

} // namespace tinderbox::parcel
