// Texts with holes, and JSON that has them.
#include "generator/parcel/holed_json.hpp"
#include "tests/unit/parcel/render.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::parcel;
using nlohmann::json;
using test::render;

TEST_CASE("holes lie where their stand-ins lie", "[holed]") {
    HoledText text;
    text.shebang("#!\x01/bin/python");
    text << "a=";
    text.prefix() << "/x ";
    text.digest(format::RelocKind::digest_hex, "lib/x") << " ";
    text.digest(format::RelocKind::digest_b64url, "lib/x") << " ";
    text.size("lib/x");
    REQUIRE(text.holes().size() == 5);
    const std::vector<std::size_t> lengths = {14, 7, 64, 43, 1};
    for (std::size_t i = 0; i < 5; ++i) CHECK(text.holes()[i].length == lengths[i]);
    for (std::size_t i = 2; i < 5; ++i) CHECK(text.holes()[i].target == "lib/x");
    CHECK(text.text().ends_with("0"));
    CHECK(render(text, "/opt", [](const std::string&) { return "D"; }) == "#!/opt/bin/python\na=/opt/x D D D");

    HoledText both;
    both << "first " << text;
    CHECK(both.holes()[1].offset == text.holes()[1].offset + 6);
    CHECK(render(both, "/opt").starts_with("first #!/opt/bin/python\na=/opt/x 000"));

    HoledText marked;
    marked.marked("\x01/a:\x01/b:");
    CHECK(render(marked, "/p") == "/p/a:/p/b:");
    CHECK(render(HoledText().marked("none"), "/p") == "none");
    CHECK(render(marked.mapped([](std::string_view part) { return "<" + std::string(part) + ">"; }), "/p") ==
          "<>/p</a:>/p</b:>");
}

TEST_CASE("JSON without holes is what nlohmann writes", "[holed]") {
    const json value = {{"z", {1, 2, json::array(), json::object(), {{"b", "x\ny\"\\"}, {"a", nullptr}}}},
                        {"a", "\x01\x1f \xff"},
                        {"empty", json::array()},
                        {"k\"ey", true}};
    const std::string expected = value.dump(2, ' ', false, json::error_handler_t::replace);
    CHECK(HoledJson(value).dump().text() == expected);
    HoledJson by_members = json::object();
    for (const char* key : {"k\"ey", "empty", "a"}) by_members[key] = value[key];
    HoledJson list = json::array();
    for (const json& element : value["z"]) list.push_back(element);
    by_members["z"] = std::move(list);
    CHECK(by_members.dump().text() == expected);
    HoledJson extended = value;
    CHECK(extended["a"].dump().text() == value["a"].dump(2, ' ', false, json::error_handler_t::replace));
    CHECK(extended.dump().text() == expected);
    HoledJson none = json::object();
    CHECK(none.dump().text() == "{}");
}

TEST_CASE("holes inside JSON strings, the text around them escaped", "[holed]") {
    HoledText directory;
    directory << "a\"b";
    directory.prefix() << "/c\\d";
    HoledText digest;
    digest.digest(format::RelocKind::digest_hex, "lib/\"x");
    HoledJson value = json{{"type", 1}};
    value["source"] = directory;
    value["list"].push_back(digest);
    const HoledText text = value.dump();
    REQUIRE(text.holes().size() == 2);
    const json read = json::parse(render(text, "/opt/my env", [](const std::string& path) {
        CHECK(path == "lib/\"x");
        return std::string("9");
    }));
    CHECK(read == json{{"list", {"9"}}, {"source", "a\"b/opt/my env/c\\d"}, {"type", 1}});
}
