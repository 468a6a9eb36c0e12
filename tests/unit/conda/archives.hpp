// Makes conda packages byte by byte, valid and damaged ones. No packing tool would write most of them.
#pragma once

#include "common/base/file.hpp"

#include <bzlib.h>
#include <zstd.h>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace tinderbox::test {

struct TarFile {
    std::string name, data;
    char type = '0'; // '0' file, '1' hard link, '2' symlink, '3' device, '5' directory
    std::string link;
    unsigned mode = 0644;
    std::int64_t mtime = 1'600'000'000;
};

inline std::string tar_bytes(const std::vector<test::TarFile>& files) {
    std::string out;
    for (const test::TarFile& f : files) {
        std::array<char, 512> h{};
        auto put = [&](std::size_t at, std::size_t size, const std::string& text) {
            std::memcpy(h.data() + at, text.data(), std::min(size, text.size()));
        };
        bool content = f.type == '0';
        REQUIRE(f.name.size() <= 100);
        put(0, 100, f.name);
        put(100, 8, fmt::format("{:07o}", f.mode));
        put(108, 8, "0000000");
        put(116, 8, "0000000");
        put(124, 12, fmt::format("{:011o}", content ? f.data.size() : 0));
        put(136, 12, fmt::format("{:011o}", f.mtime));
        put(148, 8, "        ");
        h[156] = f.type;
        put(157, 100, f.link);
        put(257, 8, std::string("ustar\00000", 8));
        unsigned sum = 0;
        for (char c : h) sum += static_cast<unsigned char>(c);
        put(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
        out.append(h.data(), h.size());
        if (!content) continue;
        out += f.data;
        out.append((512 - f.data.size() % 512) % 512, '\0');
    }
    return out + std::string(1024, '\0');
}

inline std::string zstd_bytes(const std::string& data) {
    std::string out(ZSTD_compressBound(data.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), data.data(), data.size(), 1));
    return out;
}

inline std::string bzip2_bytes(std::string data) {
    std::string out(data.size() + data.size() / 50 + 700, '\0');
    auto size = static_cast<unsigned>(out.size());
    REQUIRE(BZ2_bzBuffToBuffCompress(out.data(), &size, data.data(), static_cast<unsigned>(data.size()), 1, 0, 0) ==
            BZ_OK);
    out.resize(size);
    return out;
}

inline std::uint32_t crc32_of(const std::string& data) {
    std::uint32_t crc = ~0u;
    for (unsigned char c : data) {
        crc ^= c;
        for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

// Members are stored uncompressed, as conda's tools write them.
inline std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& members) {
    auto number = [](std::uint64_t value, int bytes) {
        std::string out;
        for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
        return out;
    };
    std::string out, directory;
    for (const auto& [name, data] : members) {
        std::string common = number(20, 2) + number(0, 4) + number(0, 2) + number(0x5021, 2) +
                             number(test::crc32_of(data), 4) + number(data.size(), 4) + number(data.size(), 4) +
                             number(name.size(), 2) + number(0, 2);
        directory += "PK\1\2" + number(20, 2) + common + number(0, 6) + number(0, 4) + number(out.size(), 4) + name;
        out += "PK\3\4" + common + name + data;
    }
    std::size_t start = out.size();
    return out + directory + "PK\5\6" + number(0, 4) + number(members.size(), 2) + number(members.size(), 2) +
           number(directory.size(), 4) + number(start, 4) + number(0, 2);
}

// A package under construction. Its defaults are valid; a test sets the fields that it needs.
struct PackageMaker {
    std::string file_name = "demo-1.0-0.conda";
    std::string index =
        R"({"name": "demo", "version": "1.0", "build": "0", "build_number": 0, "depends": ["python >=3"],
                            "subdir": "linux-64", "license": "MIT"})";
    std::string paths; // the list inside info/paths.json; "" = derived from `files`
    std::string paths_version = "1";
    std::vector<test::TarFile> info, files;
    std::string metadata = R"({"conda_pkg_format_version": 2})";

    std::string paths_json() const {
        std::string list = paths;
        if (list.empty())
            for (const test::TarFile& f : files) {
                if (f.name.ends_with('/')) continue;
                const char* type = f.type == '2' ? "softlink" : f.type == '5' ? "directory" : "hardlink";
                list +=
                    fmt::format(R"({}{{"_path": "{}", "path_type": "{}"}})", list.empty() ? "" : ", ", f.name, type);
            }
        return fmt::format(R"({{"paths_version": {}, "paths": [{}]}})", paths_version, list);
    }

    fs::path write(const fs::path& directory) const {
        std::vector<test::TarFile> all = {{"info/index.json", index}};
        bool listed = paths_version != "none";
        if (listed) all.push_back({"info/paths.json", paths_json()});
        all.insert(all.end(), info.begin(), info.end());
        fs::path path = directory / file_name;
        std::string bytes;
        if (file_name.ends_with(".tar.bz2")) {
            all.insert(all.end(), files.begin(), files.end());
            bytes = test::bzip2_bytes(test::tar_bytes(all));
        } else {
            std::string stem = file_name.substr(0, file_name.rfind('.'));
            bytes = test::zip_bytes({{"metadata.json", metadata},
                                     {"pkg-" + stem + ".tar.zst", test::zstd_bytes(test::tar_bytes(files))},
                                     {"info-" + stem + ".tar.zst", test::zstd_bytes(test::tar_bytes(all))}});
        }
        REQUIRE(write_atomically(path, bytes).ok());
        return path;
    }
};

} // namespace tinderbox::test
