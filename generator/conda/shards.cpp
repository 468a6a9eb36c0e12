#include "generator/conda/shards.hpp"

#include "common/base/json_cost.hpp"
#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

#include <algorithm>

namespace tinderbox::conda {
namespace {

using nlohmann::json;

// nlohmann's reader calls itself for nested values: a hostile document must not use up the stack.
struct CostCheck : json::json_sax_t {
    Spending spending{Budget{.nodes = json_budget.nodes, .depth = 32}, "the shard", ErrorKind::network};
    std::uint64_t depth = 0;
    Status problem;
    bool spend(Status status) {
        problem = std::move(status);
        return problem.ok();
    }
    bool value() { return spend(spending.nodes()); }
    bool enter() { return spend(spending.depth(++depth)) && value(); }
    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t) override { return value(); }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t&) override { return value(); }
    bool binary(binary_t&) override { return value(); }
    bool start_object(std::size_t) override { return enter(); }
    bool key(string_t&) override { return true; }
    bool end_object() override { return --depth, true; }
    bool start_array(std::size_t) override { return enter(); }
    bool end_array() override { return --depth, true; }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }
};

Result<json> parse_msgpack(ByteView bytes) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data());
    CostCheck check;
    const bool read = json::sax_parse(begin, begin + bytes.size(), &check, json::input_format_t::msgpack);
    TRY(check.problem);
    if (!read) return make_error(ErrorKind::network, "it is not valid MessagePack");
    json out = json::from_msgpack(begin, begin + bytes.size(), true, false);
    if (!out.is_object()) return make_error(ErrorKind::network, "it is no sharded repodata");
    return out;
}

std::string_view bytes_of(const json& object, const char* key, std::size_t size) {
    auto found = object.find(key);
    if (found == object.end() || !found->is_binary() || found->get_binary().size() != size) return {};
    return {reinterpret_cast<const char*>(found->get_binary().data()), size};
}

bool texts_of(const json& object, const char* key, std::vector<std::string_view>& out) {
    auto found = object.find(key);
    if (found == object.end() || found->is_null()) return true;
    if (!found->is_array()) return false;
    for (const json& one : *found) {
        if (!one.is_string()) return false;
        out.push_back(one.get_ref<const std::string&>());
    }
    return true;
}

bool read_record(const std::string& file_name, const json& row, PackageRecord& out) {
    out.file_name = file_name;
    out.name = format::text_view(row, "name");
    out.version = format::text_view(row, "version");
    out.build = format::text_view(row, "build");
    out.build_number = format::number_of(row, "build_number");
    out.size = format::number_of(row, "size");
    out.timestamp = format::number_of(row, "timestamp");
    if (out.timestamp != 0 && out.timestamp < 253402300799ull) out.timestamp *= 1000;
    out.sha256 = bytes_of(row, "sha256", 32);
    out.md5 = bytes_of(row, "md5", 16);
    out.license = format::text_view(row, "license");
    out.python_site_packages_path = format::text_view(row, "python_site_packages_path");
    auto noarch = row.find("noarch");
    out.noarch = noarch != row.end() && noarch->is_string();
    if (auto features = row.find("track_features"); features != row.end() && features->is_string()) {
        std::string_view words = format::text_view(row, "track_features");
        while (!words.empty()) {
            auto stop = std::min(words.find_first_of(" ,"), words.size());
            if (stop > 0) out.track_features.push_back(words.substr(0, stop));
            words.remove_prefix(std::min(stop + 1, words.size()));
        }
    } else if (!texts_of(row, "track_features", out.track_features)) {
        return false;
    }
    return !out.version.empty() && texts_of(row, "depends", out.depends) && texts_of(row, "constrains", out.constrains);
}

} // namespace

Result<Bytes> decompress_zstd(ByteView bytes, std::uint64_t limit) {
    Bytes out;
    std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    std::size_t state = 1;
    while (state != 0 || in.pos < in.size) {
        const std::size_t before = out.size();
        if (before >= limit) return make_error(ErrorKind::network, "it decompresses to more than {} bytes", limit);
        out.resize(std::min<std::uint64_t>(limit, std::max<std::size_t>(before * 2, 1u << 16)));
        ZSTD_outBuffer piece{out.data() + before, out.size() - before, 0};
        state = ZSTD_decompressStream(context.get(), &piece, &in);
        if (ZSTD_isError(state))
            return make_error(ErrorKind::network, "it is not valid zstd data ({})", ZSTD_getErrorName(state));
        out.resize(before + piece.pos);
        if (in.pos == in.size && piece.pos == 0 && state != 0) return make_error(ErrorKind::network, "it is cut short");
    }
    return out;
}

Result<ShardIndex> parse_shard_index(ByteView bytes) {
    TRY_ASSIGN(json root, parse_msgpack(bytes));
    ShardIndex out;
    auto info = root.find("info"), shards = root.find("shards");
    if (info != root.end() && info->is_object()) {
        out.base_url = format::text_view(*info, "base_url");
        out.shards_base_url = format::text_view(*info, "shards_base_url");
    }
    if (shards == root.end() || !shards->is_object())
        return make_error(ErrorKind::network, "it lacks the table 'shards'");
    for (const auto& [name, hash] : shards->items()) {
        if (!hash.is_binary() || hash.get_binary().size() != 32)
            return make_error(ErrorKind::network, "the shard of '{}' has no SHA-256", name.substr(0, 100));
        out.shards.emplace(name, std::string(hash.get_binary().begin(), hash.get_binary().end()));
    }
    return out;
}

Result<NamedRecords> parse_shard(ByteView bytes, const std::string& name) {
    TRY_ASSIGN(json parsed, parse_msgpack(bytes));
    auto root = std::make_shared<json>(std::move(parsed));
    NamedRecords out;
    for (const char* section : {"packages", "packages.conda"}) {
        auto table = root->find(section);
        if (table == root->end() || !table->is_object()) continue;
        for (const auto& [file_name, row] : table->get_ref<const json::object_t&>()) {
            PackageRecord record;
            // A shard with another package's record would replace that package without being its shard.
            if (row.is_object() && read_record(file_name, row, record) && record.name == name)
                out.records.push_back(std::move(record));
        }
    }
    out.storage = std::move(root);
    return out;
}

} // namespace tinderbox::conda
