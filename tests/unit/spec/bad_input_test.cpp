// Files that are no valid requests, with the sentence for each.
#include "generator/spec/request.hpp"
#include "tests/unit/bad_files.hpp"

using namespace tinderbox;
using namespace tinderbox::spec;

TEST_CASE("every bad file is refused in its own sentence", "[bad]") {
    check_bad_files("tests/unit/spec", "bad_input.golden", [](const std::string& file) -> std::string {
        auto text = read_text(file);
        REQUIRE(text.ok());
        auto request = parse_spec(*text, file);
        if (!request.ok()) {
            CHECK(request.error().kind == ErrorKind::usage);
            return request.error().message;
        }
        if (Status asks = check_asks(*request); !asks.ok()) return asks.error().message;
        if (Status bundled = check_bundled(*request); !bundled.ok()) return bundled.error().message;
        for (const LockSelection& selection : request->locks)
            if (auto wheels = wheels_of(selection, pip::Target{}, {}); !wheels.ok()) return wheels.error().message;
        return "";
    });
}
