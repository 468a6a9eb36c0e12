// A tree of tests/fixtures/machines/NAME.machine in a temporary directory. docs/inside/preflight.md has its words.
#pragma once

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/machine/gpu_facts.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <map>
#include <string>

namespace tinderbox::test {

inline const fs::path machines = fs::path(TINDERBOX_SOURCE_DIR) / "tests/fixtures/machines";

inline std::string from_hex_text(std::string_view digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
    return out;
}

// A node that answers ENXIO when opened: the name of a socket does.
inline void make_socket(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.string().size() < sizeof address.sun_path);
    path.string().copy(address.sun_path, path.string().size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
}

struct Machine {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    std::map<std::string, std::string> environment;
    int cuda_major = 12;
    bool denies = false;

    fs::path at(std::string_view path) const {
        fs::path out = directory.path().string() + std::string(path);
        fs::create_directories(out.parent_path());
        return out;
    }

    explicit Machine(const fs::path& file) {
        fs::permissions(directory.path(), fs::perms(0755));
        fs::create_directories(at("/dev/x").parent_path());
        const std::string text = *read_text(file);
        std::string_view name;
        std::string content;
        auto finish = [&] {
            if (!name.empty()) REQUIRE(write_atomically(at(name), content).ok());
            name = {};
            content.clear();
        };
        for (std::string_view line : split_lines(text)) {
            if (!name.empty() && !line.empty()) { // a file ends with an empty line
                content += std::string(line) + "\n";
                continue;
            }
            finish();
            if (line.empty() || line[0] == '#') continue;
            const auto words = split(line, ' ');
            const std::string_view rest = line.substr(words[0].size() + 1);
            if (words[0] == "file") name = rest;
            else if (words[0] == "cuda") cuda_major = std::stoi(std::string(rest));
            else if (words[0] == "env")
                environment.emplace(rest.substr(0, rest.find('=')), rest.substr(rest.find('=') + 1));
            else if (words[0] == "link") fs::create_symlink(words[2], at(words[1]));
            else if (words[0] == "node") REQUIRE(write_atomically(at(rest), "").ok());
            else if (words[0] == "socket") make_socket(at(rest));
            else if (words[0] == "hex") REQUIRE(write_atomically(at(words[1]), from_hex_text(words[2])).ok());
            else if (words[0] == "deny") {
                fs::permissions(at(rest), fs::perms::none);
                denies = true;
            } else FAIL("an unknown word: " << line);
        }
        finish();
    }

    machine::SystemRoot root() const { return machine::SystemRoot(directory.path().string()); }

    // What `read` returns of the tree. Root may open every node, so it is read as another user.
    template <class Read> auto as_user(Read read) const {
        const bool change = denies && ::geteuid() == 0;
        if (change) REQUIRE(::seteuid(65534) == 0);
        auto out = read(root(), environment);
        if (change) REQUIRE(::seteuid(0) == 0);
        return out;
    }
    machine::GpuFacts facts() const { return as_user(machine::read_gpu_facts); }
};

} // namespace tinderbox::test
