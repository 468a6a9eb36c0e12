// Makes installers in the layouts of conda's constructor, of every era, valid and damaged ones, for tests of the
// reader. The shell text cannot install anything (tests/fixtures/make_installers.py makes installers that can). It has
// only the lines that give offsets, and those about files that remain at PREFIX.
#pragma once

#include "archives.hpp"

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "tests/unit/md5_hex.hpp"

#include <map>

namespace tinderbox::test {

enum class Era { a, b1, b2, c, d };

enum class TarForm { ustar, gnu, pax };

// The outer tar as Python's tarfile writes it.
inline std::string outer_tar(const std::vector<test::TarFile>& files, test::TarForm form) {
    std::string out;
    for (const test::TarFile& f : files) {
        test::TarFile member = f;
        std::string extension;
        if (form == test::TarForm::pax) {
            auto record = [](const std::string& key, const std::string& value) {
                std::string rest = " " + key + "=" + value + "\n";
                std::size_t size = rest.size() + 1;
                while (std::to_string(size).size() + rest.size() != size) ++size;
                return std::to_string(size) + rest;
            };
            std::string records = record("mtime", "1600000000.25");
            if (f.name.size() > 100) records += record("path", f.name);
            extension = test::tar_bytes({{"././@PaxHeader", records}});
            extension[156] = 'x';
        } else if (f.name.size() > 100) {
            extension = test::tar_bytes({{"././@LongLink", f.name + std::string(1, '\0')}});
            extension[156] = 'L';
        }
        if (!extension.empty()) {
            extension.resize(extension.size() - 1024);
            // The checksum includes the type.
            unsigned sum = 0;
            for (std::size_t i = 0; i < 512; ++i)
                sum += i >= 148 && i < 156 ? 0x20u : static_cast<unsigned char>(extension[i]);
            extension.replace(148, 7, fmt::format("{:06o}", sum) + std::string(1, '\0'));
        }
        member.name.resize(std::min<std::size_t>(member.name.size(), 100));
        std::string one = test::tar_bytes({member});
        one.resize(one.size() - 1024);
        if (form == test::TarForm::gnu) {
            one.replace(257, 8, std::string("ustar  \0", 8));
            unsigned sum = 0;
            for (std::size_t i = 0; i < 512; ++i)
                sum += i >= 148 && i < 156 ? 0x20u : static_cast<unsigned char>(one[i]);
            one.replace(148, 7, fmt::format("{:06o}", sum) + std::string(1, '\0'));
        }
        out += extension + one;
    }
    return out + std::string(1024 + (10240 - (out.size() + 1024) % 10240) % 10240, '\0');
}

struct InstallerMaker {
    test::Era era = test::Era::c;
    test::TarForm form = test::TarForm::pax;
    std::string name = "Labconda", version = "24.1-0", platform = "linux-64";
    struct Package {
        std::string file_name, bytes, record;
    };
    std::vector<Package> packages = {{"python-3.11.4-0.conda", "the python", ""},
                                     {"conda-24.1-0.tar.bz2", "the conda", ""}};
    std::string executable = std::string(40000, 'x');
    struct Internal {
        std::string path, bytes;
        bool executable;
    };
    std::vector<Internal> internal; // era D
    std::string license = "Be kind.\n";
    std::string list;                                               // "" = derived from `packages`
    std::vector<test::TarFile> preconda, postconda, outer;          // in addition
    std::string more_header;                                        // lines
    std::string declared_md5, declared_bytes, declared_lines;       // "" = the true values
    std::map<std::string, std::string> header_edits, payload_edits; // each is replaced once

    std::string urls() const {
        std::string out;
        for (const Package& p : packages)
            out +=
                "https://channel.example/main/linux-64/" + p.file_name + "#" + test::md5_hex(as_bytes(p.bytes)) + "\n";
        return out;
    }
    std::string explicit_list() const { return "# platform: linux-64\n@EXPLICIT\n" + urls(); }

    static std::string dist(const Package& p) {
        return p.file_name.substr(0, p.file_name.size() - (p.file_name.ends_with(".conda") ? 6 : 8));
    }

    std::string specs() const {
        std::string out;
        for (const Package& p : packages) {
            std::string d = dist(p);
            auto build = d.rfind('-'), version_at = d.rfind('-', build - 1);
            d[build] = d[version_at] = '=';
            out += d + "\n";
        }
        return out;
    }

    std::string tar() const {
        std::vector<test::TarFile> before, members;
        before.push_back({"pkgs/urls", urls()});
        before.push_back({"pkgs/urls.txt", "https://channel.example\n", '0', "", 0664});
        if (era == test::Era::b1 || era == test::Era::b2)
            before.push_back({"pkgs/env.txt", list.empty() ? specs() : list});
        else if (era != test::Era::a)
            before.push_back({"conda-meta/initial-state.explicit.txt", list.empty() ? explicit_list() : list});
        for (const Package& p : packages)
            if (!p.record.empty()) before.push_back({"pkgs/" + dist(p) + "/info/repodata_record.json", p.record});
        if (era != test::Era::a) before.push_back({"conda-meta/history", ""});
        before.insert(before.end(), preconda.begin(), preconda.end());
        std::vector<test::TarFile> after = {{"conda-meta/history", "==> made <==\n"}};
        if (era == test::Era::a) before.push_back(after.front());
        after.insert(after.end(), postconda.begin(), postconda.end());
        members.push_back({"preconda.tar.bz2", test::bzip2_bytes(test::tar_bytes(before))});
        if (era != test::Era::a) members.push_back({"postconda.tar.bz2", test::bzip2_bytes(test::tar_bytes(after))});
        members.push_back({"LICENSE.txt", license});
        for (const Package& p : packages) members.push_back({"pkgs/" + p.file_name, p.bytes});
        members.insert(members.end(), outer.begin(), outer.end());
        return test::outer_tar(members, form);
    }

    std::string middle() const {
        std::string out;
        for (const Internal& file : internal) out += file.bytes;
        return out;
    }

    std::string payload() const {
        std::string out = (era == test::Era::a ? "" : executable) + (era == test::Era::d ? middle() : "") + tar();
        for (const auto& [from, to] : payload_edits) {
            REQUIRE(out.find(from) != std::string::npos);
            out.replace(out.find(from), from.size(), to);
        }
        return out;
    }

    std::string layout(std::size_t header, std::size_t tar_size) const {
        std::string out;
        switch (era) {
        case test::Era::a:
            out = "MD5=$(tail -n +@LINES@ \"$THIS_PATH\" | md5sum -)\nif ! tail -n +@LINES@ \"$THIS_PATH\" | tar xf -; "
                  "then\n    exit 1\nfi\n";
            for (const Package& p : packages) out += "install_dist " + dist(p) + "\n";
            return out + "rm -f \"$MSGS\"\n";
        case test::Era::b1:
            return fmt::format("CONDA_EXEC=\"$PREFIX/conda.exe\"\nif ! tail -c +{0:018} \"$THIS_PATH\" | head -c {1} > "
                               "\"$CONDA_EXEC\"; then\n    exit 1\nfi\n"
                               "rm -f $PREFIX/conda.exe\n",
                               header + 1, executable.size());
        case test::Era::b2: {
            out = "CONDA_EXEC=\"$PREFIX/conda.exe\"\n";
            for (auto [start, size] : {std::pair{header, executable.size()}, {header + executable.size(), tar_size}}) {
                const std::size_t first = 16384 - start % 16384, block = (start + first) / 16384,
                                  blocks = (size - first) / 16384;
                out +=
                    fmt::format("    dd if=\"$THIS_PATH\" bs=1 skip={:<20} count={:<20} 2>/dev/null\n", start, first);
                out += fmt::format("    dd if=\"$THIS_PATH\" bs=16384        skip={:<20} count={:<20} 2>/dev/null\n",
                                   block, blocks);
                out += fmt::format("    dd if=\"$THIS_PATH\" bs=1 skip={:<20} count={:<20} 2>/dev/null\n",
                                   (block + blocks) * 16384, size - first - blocks * 16384);
            }
            return out + "rm -f $PREFIX/conda.exe\n";
        }
        case test::Era::c:
            return fmt::format("boundary0=$(head -n $last_line \"$THIS_PATH\" | wc -c | sed 's/ //g')\nboundary1=$(( "
                               "$boundary0 + {} ))\n"
                               "boundary2=$(( $boundary1 + {} ))\nCONDA_EXEC=\"$PREFIX/_conda\"\n",
                               executable.size(), tar_size);
        case test::Era::d:
            out = fmt::format(
                "boundary1=$(( boundary0 + {} ))\nboundary2=$(( boundary1 + {} ))\nboundary3=$(( boundary2 + {} ))\n"
                "CONDA_EXEC=\"$PREFIX/_conda\"\n",
                executable.size(), middle().size(), tar_size);
            std::size_t at = 0;
            for (const Internal& file : internal) {
                out += fmt::format("mkdir -p \"$(dirname \"$PREFIX/{}\")\"\n", file.path);
                if (file.bytes.empty()) out += fmt::format("touch \"$PREFIX/{}\"\n", file.path);
                else
                    out += fmt::format("extract_range $(( boundary1 + {} )) $(( boundary1 + {} ))  > \"$PREFIX/{}\"\n",
                                       at, at + file.bytes.size(), file.path);
                if (file.executable) out += fmt::format("chmod +x \"$PREFIX/{}\"\n", file.path);
                at += file.bytes.size();
            }
            return out;
        }
        return out;
    }

    std::string bytes() const {
        const std::string payload = this->payload();
        const std::size_t tar_size = payload.size() - (era == test::Era::a ? 0 : executable.size()) -
                                     (era == test::Era::d ? middle().size() : 0);
        const bool old = era == test::Era::a || era == test::Era::b1 || era == test::Era::b2;
        std::string header;
        std::size_t size = 0;
        do { // its numbers depend on its own size
            size = header.size();
            header = "#!/bin/sh\n#\n" + std::string(era == test::Era::d ? "# Created by constructor 3.12.0\n#\n" : "") +
                     "# NAME:  " + name + "\n# VER:   " + version + "\n# PLAT:  " + platform + "\n";
            if (era == test::Era::a || era == test::Era::b1)
                header += fmt::format("# BYTES: {:>12}\n",
                                      declared_bytes.empty() ? std::to_string(size + payload.size()) : declared_bytes);
            if (old) header += "# LINES: @LINES@\n";
            header += "# MD5:   " + (declared_md5.empty() ? test::md5_hex(as_bytes(payload)) : declared_md5) + "\n\n";
            header += "export INSTALLER_NAME='" + name + "'\nKEEP_PKGS=0\n";
            header += "    \"$pager\" <<EOF\n" + license + "EOF\n";
            header += layout(size, tar_size) + more_header + "exit 0\n@@END_HEADER@@\n";
            const auto lines = std::count(header.begin(), header.end(), '\n') + 1;
            header = replace_all(header, "@LINES@", declared_lines.empty() ? std::to_string(lines) : declared_lines);
        } while (header.size() != size);
        for (const auto& [from, to] : header_edits) {
            INFO(from);
            REQUIRE(header.find(from) != std::string::npos);
            header.replace(header.find(from), from.size(), to);
        }
        return header + payload;
    }

    fs::path write(const fs::path& directory) const {
        fs::path path = directory / (name + ".sh");
        REQUIRE(write_atomically(path, bytes()).ok());
        return path;
    }
};

} // namespace tinderbox::test
