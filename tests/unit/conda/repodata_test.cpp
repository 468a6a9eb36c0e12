#include "generator/conda/channel.hpp"
#include "generator/conda/repodata_index.hpp"
#include "generator/conda/repodata_json.hpp"
#include "generator/conda/shards.hpp"
#include "generator/conda/virtual_packages.hpp"
#include "tests/unit/pip/fakes.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <zstd.h>

#include <random>

using namespace tinderbox;
using namespace tinderbox::conda;
using nlohmann::json;

namespace {

// A stream in pieces of `step` bytes, so that records cross the window's edge everywhere.
ByteStream stream_of(std::string text, std::size_t step = 1u << 20) {
    return [text = std::move(text), at = std::size_t{0}, step](std::span<char> to) mutable -> Result<std::size_t> {
        std::size_t n = std::min({to.size(), step, text.size() - at});
        std::copy_n(text.data() + at, n, to.data());
        at += n;
        return n;
    };
}

json json_row(const std::string& name, const std::string& version, const std::string& build,
              json more = json::object()) {
    more.update({{"name", name}, {"version", version}, {"build", build}, {"build_number", 1}});
    return more;
}

std::string sample() {
    json root = {
        {"info", {{"subdir", "linux-64"}, {"base_url", "../x\xc3\xa9"}}},
        {"packages",
         {{"a-1-0.tar.bz2", json_row("a", "1", "0", {{"md5", std::string(32, 'A')}, {"track_features", "x, y"}})}}},
        {"packages.conda",
         {{"b-2-h_0.conda", json_row("b", "2", "h_0",
                                     {{"depends", {"a >=1", "c \"quoted\" \\ \t"}},
                                      {"constrains", {"d"}},
                                      {"sha256", std::string(64, 'b')},
                                      {"size", 12345678901},
                                      {"timestamp", 1500000000},
                                      {"noarch", "python"},
                                      {"license", "MIT"},
                                      {"python_site_packages_path", "lib/x"}})},
          {"odd-name.conda", json_row("b", "3", "0")}}},
        {"removed", {"x", {{"deep", {1, 2, {{"y", nullptr}}}}}}},
        {"repodata_version", 1}};
    return root.dump();
}

struct Seen {
    std::vector<json> rows;
    RepodataHead head;
};

Result<Seen> read(const std::string& text, std::size_t step = 1u << 20, RepodataLimits limits = {}) {
    Seen out;
    auto head = read_repodata(
        stream_of(text, step),
        [&](const PackageRecord& r) -> Status {
            out.rows.push_back({{"fn", r.file_name},
                                {"name", r.name},
                                {"version", r.version},
                                {"build", r.build},
                                {"number", r.build_number},
                                {"size", r.size},
                                {"time", r.timestamp},
                                {"sha256", to_hex(as_bytes(r.sha256))},
                                {"md5", to_hex(as_bytes(r.md5))},
                                {"license", r.license},
                                {"path", r.python_site_packages_path},
                                {"noarch", r.noarch},
                                {"depends", r.depends},
                                {"constrains", r.constrains},
                                {"features", r.track_features}});
            return {};
        },
        limits);
    if (!head.ok()) return head.error();
    out.head = *head;
    return out;
}

std::string pack(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

} // namespace

TEST_CASE("repodata.json as a stream", "[repodata]") {
    auto whole = read(sample());
    if (!whole.ok()) FAIL(whole.error().message);
    REQUIRE(whole->rows.size() == 3);
    CHECK(whole->head.base_url == "../x\xc3\xa9");
    CHECK(whole->head.skipped == 0);
    CHECK(whole->rows[0]["md5"] == std::string(32, 'a'));
    CHECK(whole->rows[0]["features"] == json{"x", "y"});
    CHECK(whole->rows[1]["depends"] == json{"a >=1", "c \"quoted\" \\ \t"});
    CHECK(whole->rows[1]["size"] == 12345678901);
    CHECK(whole->rows[1]["time"] == 1500000000000);
    CHECK(whole->rows[1]["noarch"] == true);
    for (std::size_t step : {1u, 2u, 3u, 7u, 64u}) {
        auto again = read(sample(), step);
        REQUIRE(again.ok());
        CHECK(again->rows == whole->rows);
    }
    // Pretty-printed, with a byte-order mark, with \u escapes: the same.
    json root = json::parse(sample());
    CHECK(read("\xef\xbb\xbf" + root.dump(4, ' ', true))->rows == whole->rows);
    CHECK(read("{}")->rows.empty());
    CHECK(
        read(
            R"({"packages":{"a.conda":{"name":"a","version":"1","build":"0","build_number":0,"depends":["\ud83d\ude00"]}}})")
            ->rows[0]["depends"][0] == "\xf0\x9f\x98\x80");
}

TEST_CASE("a record that cannot be used does not spoil the others", "[repodata]") {
    for (const char* bad : {R"({"name":1,"version":"1","build":"0"})", R"({"version":"1","build":"0"})",
                            R"({"name":"a","version":"1","build":"0","depends":"x"})",
                            R"({"name":"a","version":"1","build":"0","depends":[1]})",
                            R"({"name":"a","version":"1","build":"0","build_number":"x"})", "null", "[]", "5"}) {
        INFO(bad);
        auto seen = read(std::string(R"({"packages":{"a.conda":)") + bad +
                         R"(,"b-1-0.conda":{"name":"b","version":"1","build":"0","depends":null}}})");
        REQUIRE(seen.ok());
        CHECK(seen->rows.size() == 1);
        CHECK(seen->head.skipped == 1);
    }
}

TEST_CASE("what is no repodata.json is refused", "[repodata]") {
    auto refused = [](const std::string& text) {
        auto seen = read(text);
        INFO(text.substr(0, 100));
        REQUIRE(!seen.ok());
        CHECK(seen.error().kind == ErrorKind::network);
        return seen.error().message;
    };
    for (const char* text :
         {"", " ", "<html>", "[]", "5", "{", "{\"a\"}", "{\"a\":}", "{,}", "{\"packages\":[]}",
          "{\"packages\":{\"a\":{\"name\":\"\x01\"}}}", "{}{}", "{}x", "{\"a\":tru}", "{\"a\":\"\\x\"}",
          "{\"packages\":{\"a\":{\"name\":\"\\ud800\"}}}", "{\"a\":1,}", "{\"packages\":{\"a\":{\"name\":\"x\",}}}"})
        refused(text);
    // Every truncation.
    std::string text = sample();
    for (std::size_t cut = 0; cut < text.size(); ++cut) refused(text.substr(0, cut));
    CHECK(refused(text.substr(0, 40)).find("cut short") != std::string::npos);
    // No input exhausts the stack or the memory.
    refused("{\"x\":" + std::string(100000, '['));
    refused("{\"packages\":{\"a\":{\"x\":" + std::string(100000, '[') + "}}}");
    RepodataLimits small;
    small.bytes = 1000;
    CHECK(!read(std::string(2000, ' ') + "{}", 100, small).ok());
    small = {};
    small.records = 2;
    CHECK(!read(text, 1u << 20, small).ok());
    small = {};
    small.record_bytes = 1u << 20;
    CHECK(!read("{\"packages\":{\"a\":{\"name\":\"" + std::string(3u << 20, 'x'), 1u << 20, small).ok());
}

TEST_CASE("an index comes back as it was written", "[repodata]") {
    auto directory = std::move(TemporaryDirectory::make()).value();
    const fs::path path = directory.path() / "x.index";
    RepodataIndexWriter writer;
    REQUIRE(read_repodata(stream_of(sample()), [&](const PackageRecord& record) { return writer.add(record); }).ok());
    REQUIRE(writer.write(path).ok());
    auto index = RepodataIndex::open(path);
    REQUIRE(index);
    CHECK(index->names() == 2);
    CHECK(index->records() == 3);
    auto found = index->find("b");
    REQUIRE(found.ok());
    REQUIRE(found->records.size() == 2);
    const PackageRecord& b = found->records[0];
    CHECK(b.file_name == "b-2-h_0.conda");
    CHECK(found->records[1].file_name == "odd-name.conda");
    CHECK(b.depends == std::vector<std::string_view>{"a >=1", "c \"quoted\" \\ \t"});
    CHECK(b.constrains == std::vector<std::string_view>{"d"});
    CHECK(b.license == "MIT");
    CHECK(b.python_site_packages_path == "lib/x");
    CHECK(b.size == 12345678901);
    CHECK(to_hex(as_bytes(b.sha256)) == std::string(64, 'b'));
    CHECK(index->find("a")->records[0].file_name == "a-1-0.tar.bz2");
    CHECK(index->find("a")->records[0].track_features.size() == 2);
    CHECK(index->find("zz")->records.empty());
    // Every truncation and every flipped byte is detected.
    auto bytes = read_bytes(path);
    REQUIRE(bytes.ok());
    for (std::size_t i = 0; i < bytes->size(); ++i) {
        Bytes damaged = *bytes;
        damaged[i] ^= std::byte{0x10};
        REQUIRE(write_atomically(path, damaged).ok());
        CHECK(!RepodataIndex::open(path));
        if (i % 13 == 0) {
            REQUIRE(write_atomically(path, ByteView(*bytes).first(i)).ok());
            CHECK(!RepodataIndex::open(path));
        }
    }
    CHECK(!RepodataIndex::open(directory.path() / "none"));
}

TEST_CASE("many texts in an index", "[repodata]") {
    auto directory = std::move(TemporaryDirectory::make()).value();
    RepodataIndexWriter writer;
    std::vector<std::string> names;
    std::mt19937 random(3);
    for (int i = 0; i < 3000; ++i) names.push_back(fmt::format("name{}", i));
    std::vector<std::string> texts;
    for (int i = 0; i < 5000; ++i) texts.push_back(fmt::format("dep{} {}", i, std::string(random() % 900, 'x')));
    for (int i = 0; i < 3000; ++i) {
        PackageRecord record;
        record.name = names[static_cast<std::size_t>(i)];
        record.version = "1";
        record.build = "0";
        record.depends = {texts[static_cast<std::size_t>(i)], texts[static_cast<std::size_t>(i) + 1000]};
        REQUIRE(writer.add(record).ok());
    }
    REQUIRE(writer.write(directory.path() / "x").ok());
    auto index = RepodataIndex::open(directory.path() / "x");
    REQUIRE(index);
    for (int i = 0; i < 3000; i += 17) {
        auto found = index->find(names[static_cast<std::size_t>(i)]);
        REQUIRE(found->records.size() == 1);
        CHECK(found->records[0].depends == std::vector<std::string_view>{texts[static_cast<std::size_t>(i)],
                                                                         texts[static_cast<std::size_t>(i) + 1000]});
    }
}

TEST_CASE("sharded repodata", "[repodata]") {
    auto to_binary = [](const std::string& hex) {
        return json::binary(std::vector<std::uint8_t>(hex.size() / 2, 0xab));
    };
    json shard = {
        {"packages", json::object()},
        {"packages.conda",
         {{"a-1-0.conda", json_row("a", "1", "0", {{"sha256", to_binary(std::string(64, 'a'))}, {"depends", {"b"}}})},
          {"evil-1-0.conda", json_row("evil", "1", "0")}}}};
    auto bytes = json::to_msgpack(shard);
    auto parsed = parse_shard({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, "a");
    REQUIRE(parsed.ok());
    REQUIRE(parsed->records.size() == 1); // the record of another name is left out
    CHECK(to_hex(as_bytes(parsed->records[0].sha256)).starts_with("abab"));
    for (const std::string& text : {std::string(), std::string("\xc1"), std::string(100000, '\x91'),
                                    std::string("\x90"), std::string(bytes.begin(), bytes.end() - 3)}) {
        auto bad = parse_shard(as_bytes(text), "a");
        CHECK(!bad.ok());
    }
    std::string packed = pack(std::string(1 << 20, 'x'));
    CHECK(decompress_zstd(as_bytes(packed), 1u << 21)->size() == 1u << 20);
    CHECK(!decompress_zstd(as_bytes(packed), 1u << 19).ok()); // a bomb
    CHECK(!decompress_zstd(as_bytes(packed.substr(0, packed.size() - 5)), 1u << 21).ok());
    CHECK(!decompress_zstd(as_bytes("no zstd"), 100).ok());
}

TEST_CASE("conda's configuration and what channels stand for", "[channel]") {
    std::map<std::string, std::string> variables = {{"HOME", "/home/u"}, {"TOKEN", "canary"}}, files;
    ConfigSources around;
    around.variable = [&](const std::string& name) {
        return variables.contains(name) ? std::optional(variables[name]) : std::nullopt;
    };
    around.file = [&](const std::string& path) {
        return files.contains(path) ? std::optional(files[path]) : std::nullopt;
    };
    auto config = read_config(around);
    REQUIRE(config.ok());
    auto urls = [&](const std::string& text) {
        auto channels = resolve_channel(text, *config);
        std::vector<std::string> out;
        if (!channels.ok()) return std::vector<std::string>{channels.error().message};
        for (const Channel& channel : *channels)
            out.push_back(channel.url + (channel.subdir.empty() ? "" : " " + channel.subdir));
        return out;
    };
    using Texts = std::vector<std::string>;
    CHECK(urls("conda-forge") == Texts{"https://conda.anaconda.org/conda-forge"});
    CHECK(urls("pytorch/label/nightly/") == Texts{"https://conda.anaconda.org/pytorch/label/nightly"});
    CHECK(urls("conda-forge/linux-64") == Texts{"https://conda.anaconda.org/conda-forge linux-64"});
    CHECK(urls("defaults").size() == 2);
    CHECK(urls("https://h.example/t/canary/ch/noarch") == Texts{"https://h.example/t/canary/ch noarch"});
    CHECK(resolve_channel("https://u:canary@h.example/t/canary/ch", *config)->front().key == "https://h.example/ch");
    CHECK(resolve_channel("https://conda.anaconda.org/t/canary/private", *config)->front().name == "private");
    CHECK(urls("/proc/nonexistent")[0].find("is no directory") != std::string::npos);
    CHECK(urls("/tmp")[0] == "file:///tmp");
    CHECK(urls("s3://x/y")[0].find("scheme") != std::string::npos);
    CHECK(urls(" ")[0].find("without a name") != std::string::npos);
    CHECK(config->priority == ChannelPriority::flexible);

    files["/home/u/.condarc"] =
        "channel_alias: https://mirror.example/conda/\nchannels: [defaults, bioconda]\nchannel_priority: strict\n"
        "custom_channels:\n  lab: https://lab.example/$TOKEN/x\ncustom_multichannels:\n  all: [lab, conda-forge]\n  "
        "loop: [loop]\n"
        "default_channels:\n  - https://mirror.example/pkgs/main\nssl_verify: /etc/ca.pem\n";
    variables["CONDA_OVERRIDE_CUDA"] = "11.4";
    config = read_config(around);
    if (!config.ok()) FAIL(config.error().message);
    CHECK(urls("conda-forge") == Texts{"https://mirror.example/conda/conda-forge"});
    CHECK(urls("lab") == Texts{"https://lab.example/canary/x/lab"});
    CHECK(urls("lab/sub") == Texts{"https://lab.example/canary/x/lab/sub"});
    CHECK(urls("all") == Texts{"https://lab.example/canary/x/lab", "https://mirror.example/conda/conda-forge"});
    CHECK(urls("defaults") == Texts{"https://mirror.example/pkgs/main"});
    CHECK(urls("loop")[0].find("names itself") != std::string::npos);
    CHECK(config->channels == Texts{"bioconda"}); // defaults only where a request writes it
    CHECK(config->priority == ChannelPriority::strict);
    CHECK(config->ca_file == "/etc/ca.pem");
    CHECK(config->virtual_overrides["__cuda"] == "11.4");
    variables["CONDA_CHANNEL_ALIAS"] = "https://other.example";
    variables["CONDA_CHANNEL_PRIORITY"] = "disabled";
    config = read_config(around);
    CHECK(urls("x") == Texts{"https://other.example/x"});
    CHECK(config->priority == ChannelPriority::disabled);
    for (const char* bad : {"channels: {a: b}", "channel_priority: often", "channel_alias: [a]", "a: b: c", "- x",
                            "custom_channels: 5", "\tx: y"}) {
        files["/home/u/.condarc"] = bad;
        auto refused = read_config(around);
        INFO(bad);
        REQUIRE(!refused.ok());
        CHECK(refused.error().kind == ErrorKind::usage);
        CHECK(refused.error().message.starts_with("/home/u/.condarc"));
    }
}

TEST_CASE("virtual packages are the target's", "[virtual]") {
    VirtualTarget target;
    auto find = [](const std::vector<VirtualPackage>& all, const std::string& name) -> std::string {
        for (const VirtualPackage& one : all)
            if (one.name == name) return one.version + "=" + one.build;
        return "";
    };
    auto plain = virtual_packages(target);
    REQUIRE(plain.ok());
    CHECK(find(*plain, "__glibc") == "2.28=0");
    CHECK(find(*plain, "__archspec") == "1=x86_64");
    CHECK(find(*plain, "__cuda").empty());
    target.cuda = "12.4";
    target.platform = "linux-aarch64";
    target.overrides = {{"__glibc", ""}, {"__archspec", "1=neoverse_v1"}};
    auto other = virtual_packages(target);
    CHECK(find(*other, "__cuda") == "12.4=0");
    CHECK(find(*other, "__glibc").empty());
    CHECK(find(*other, "__archspec") == "1=neoverse_v1");
    target.overrides = {{"__cuda", "new driver"}};
    CHECK(virtual_packages(target).error().kind == ErrorKind::usage);
    CHECK(parse_virtual("__cuda=11.4")->second == "11.4");
    CHECK(parse_virtual("__cuda=")->second.empty());
    for (const char* bad : {"cuda=11", "__cuda", "__=1", "=1", ""}) CHECK(!parse_virtual(bad).ok());
}
