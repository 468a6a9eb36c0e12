// Source archives that are written here, as Python's tarfile reads them.
#include "common/base/hash.hpp"
#include "common/base/process.hpp"
#include "generator/archive/write_tar.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

using namespace tinderbox;

TEST_CASE("a source archive depends on its files alone", "[tar]") {
    const TemporaryDirectory directory = TemporaryDirectory::make().value();
    const fs::path from = directory.path() / "project";
    const std::string long_name = "sub/" + std::string(180, 'l') + "/\xc3\xa9";
    const std::vector<std::string> files = {"a.py", "bin/run", "link", long_name, "fifo"};
    auto pack = [&](mode_t mode, const char* name) {
        fs::remove_all(from);
        for (const std::string& file : files) {
            const fs::path path = from / file;
            REQUIRE(make_directories(path.parent_path()).ok());
            if (file == "link") fs::create_symlink("a.py", path);
            else if (file == "fifo") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
            else REQUIRE(write_atomically(path, std::string_view("text of it"), file == "bin/run" ? 0755 : mode).ok());
        }
        const fs::path out = directory.path() / name;
        const Status status = archive::write_tar_gz(out, from, files, "demo-1.0");
        INFO((status.ok() ? "" : status.error().message));
        REQUIRE(status.ok());
        return sha256(*read_bytes(out));
    };
    CHECK(pack(0644, "one.tar.gz") == pack(0600, "another.tar.gz"));

    ProcessSpec list;
    list.argv = {"python3", "-c",
                 "import sys, tarfile\n"
                 "for m in tarfile.open(sys.argv[1], 'r:gz'):\n"
                 "    print(ascii(m.name), oct(m.mode), m.uid, m.mtime, m.linkname, m.size)\n",
                 (directory.path() / "one.tar.gz").string()};
    const auto listed = run_process(list);
    REQUIRE(listed.ok());
    CHECK(listed->output == "'demo-1.0/a.py' 0o644 0 315532800  10\n"
                            "'demo-1.0/bin/run' 0o755 0 315532800  10\n"
                            "'demo-1.0/link' 0o777 0 315532800 a.py 0\n"
                            "'demo-1.0/sub/" +
                                std::string(180, 'l') + "/\\xe9' 0o644 0 315532800  10\n");
}

TEST_CASE("a file that cannot be read ends the archive", "[tar]") {
    const TemporaryDirectory directory = TemporaryDirectory::make().value();
    const Status status = archive::write_tar_gz(directory.path() / "x.tar.gz", directory.path(), {"gone"}, "x-1");
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().kind == ErrorKind::storage);
}
