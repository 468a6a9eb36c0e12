#include "common/format/bytecode_path.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox::format;

TEST_CASE("bytecode lies beside its source, by the interpreter's tag", "[bytecode]") {
    for (const char* source : {"a.py", "pkg/mod.py", "pkg/a.b.py", "lib/python3.11/site-packages/x/__init__.py"})
        CHECK(source_of_bytecode(bytecode_path(source, "cpython-311"), "cpython-311") == source);
    CHECK(bytecode_path("pkg/mod.py", "pypy39") == "pkg/__pycache__/mod.pypy39.pyc");
    for (const char* other : {"pkg/mod.pyc", "pkg/mod.cpython-311.pyc", "__pycache__/mod.cpython-312.pyc",
                              "__pycache__/mod.cpython-311.opt-1.pyc", "__pycache__/.cpython-311.pyc",
                              "x__pycache__/mod.cpython-311.pyc", "__pycache__/mod.py"}) {
        INFO(other);
        CHECK_FALSE(source_of_bytecode(other, "cpython-311").has_value());
    }
}
