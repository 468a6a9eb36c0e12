#include "common/base/direct_file.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

using namespace tinderbox;

TEST_CASE("a file written in pieces has their bytes, whatever the file system allows", "[file]") {
    for (const char* parent : {"", "/dev/shm"}) { // a tmpfs, where the machine has one
        auto directory = TemporaryDirectory::make(parent);
        if (!directory.ok()) continue;
        for (std::size_t last : {0, 1, 4095, 4096, 5000}) {
            const fs::path path = directory->path() / std::to_string(last);
            auto fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
            REQUIRE(fd.ok());
            DirectFile file(std::move(*fd), path);
            AlignedBuffer buffer(3 * direct_alignment);
            for (std::size_t i = 0; i < buffer.size(); ++i) buffer.data()[i] = static_cast<std::byte>(i * 7 / 3);
            const ByteView bytes(buffer.data(), buffer.size());
            REQUIRE(file.write_at(bytes, 0).ok());
            REQUIRE(file.write_at(bytes, bytes.size()).ok());
            if (last > 0) REQUIRE(file.write_at(bytes.first(last), 2 * bytes.size()).ok());
            REQUIRE(file.finish(2 * bytes.size() + last, 0750).ok());
            const Bytes written = read_bytes(path).value();
            REQUIRE(written.size() == 2 * bytes.size() + last);
            for (std::size_t at = 0; at < written.size(); at += bytes.size()) {
                const std::size_t size = std::min(bytes.size(), written.size() - at);
                CHECK(std::ranges::equal(ByteView(written).subspan(at, size), bytes.first(size)));
            }
            struct stat st {};
            REQUIRE(::stat(path.c_str(), &st) == 0);
            CHECK((st.st_mode & 0777) == 0750);
        }
    }
}
