// Compares our reader, packer and record writer with py-rattler on real packages (built by rattler-build and
// conda-package-handling): every file's bytes, mode and link, and every record.
//
// Needs the tests' Python environment (scripts/test-venv); skipped without it. TINDERBOX_CONDA_CPYTHON=1 adds a real
// CPython (half a minute). TINDERBOX_CONDA_KEEP=DIR keeps our records.

#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/relocate.hpp"
#include "generator/conda/link.hpp"
#include "generator/conda/names.hpp"
#include "generator/conda/package.hpp"
#include "generator/parcel/parcel.hpp"
#include "source_dir.hpp"
#include "tests/unit/md5_hex.hpp"
#include "tests/unit/parcel/render.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <map>

using namespace tinderbox;
using namespace tinderbox::conda;
using nlohmann::json;

namespace {

// The tests' Python environment; "" when there is none, and the reason is printed.
std::string find_test_python() {
    ProcessSpec spec;
    spec.argv = {"bash", std::string(TINDERBOX_SOURCE_DIR) + "/scripts/test-venv"};
    auto result = run_process(spec);
    if (!result.ok() || !result->succeeded()) {
        WARN((result.ok() ? result->error_output : result.error().message));
        return "";
    }
    return std::string(trim(result->output)) + "/bin/python";
}

const std::string& test_python() {
    static const std::string path = find_test_python();
    return path;
}

std::string run_python(std::vector<std::string> arguments) {
    ProcessSpec spec;
    spec.argv = {test_python()};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.output_limit = 256u << 20;
    auto result = run_process(spec);
    REQUIRE(result.ok());
    INFO(result->error_output);
    REQUIRE(result->succeeded());
    return result->output;
}

std::string fixture(const char* name) { return std::string(TINDERBOX_SOURCE_DIR) + "/tests/fixtures/" + name; }

struct InstalledPackages {
    format::EntryKind kind = format::EntryKind::file;
    unsigned mode = 0;
    std::string link, bytes;
    std::string sha256;  // as installed
    LinkedFile in_image; // for the record
    std::size_t owner = 0;
};

std::string hex(const Bytes& bytes) { return to_hex(sha256(bytes)); }
std::string as_string(const Bytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

Bytes read_content(const parcel::Parcel& parcel, const format::Content& content) {
    Bytes out;
    if (content.size == 0) return out;
    Fd fd = open_file(parcel.payload_path, O_RDONLY).value();
    for (std::uint32_t i = content.block; out.size() < content.offset + content.size; ++i) {
        const format::Block& block = parcel.table.blocks.at(i);
        Bytes packed(block.packed), raw(block.raw);
        REQUIRE(read_exact_at(fd.get(), packed, block.offset, "payload").ok());
        if (block.stored) raw = packed;
        else REQUIRE(ZSTD_decompress(raw.data(), raw.size(), packed.data(), packed.size()) == raw.size());
        out.insert(out.end(), raw.begin(), raw.end());
    }
    auto begin = out.begin() + static_cast<std::ptrdiff_t>(content.offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(content.size)};
}

// A small linker: the parts of generator/assemble that this comparison needs.
class Environment {
  public:
    explicit Environment(const fs::path& work) : work_(work) {}

    void add(const fs::path& package) {
        OpenOptions options;
        options.spool_directory = work_;
        auto artifact = open_package(package, options);
        if (!artifact.ok()) FAIL(artifact.error().message);
        auto parcel = parcel::pack(**artifact, package.filename(), parcel::PackOptions{},
                                   work_ / ("parcel-" + package.filename().string()));
        if (!parcel.ok()) FAIL(parcel.error().message);
        CHECK(parcel->mismatches.empty());
        packages_.push_back(package);
        parcels_.push_back(std::move(*parcel));
    }

    void link(const std::string& prefix) {
        prefix_ = prefix;
        std::vector<LinkNode> nodes;
        for (const parcel::Parcel& parcel : parcels_) {
            nodes.push_back(link_node(parcel.metadata));
            if (parcel.metadata["name"] == "python") python_ = python_info(parcel.metadata).value();
        }
        order_ = link_order(nodes);
        for (std::size_t i : order_) add_files(i);
    }

    json record(std::size_t i) const {
        const json& meta = parcels_[i].metadata;
        RecordInput input;
        Bytes archive = read_bytes(packages_[i]).value();
        input.file_name = packages_[i].filename();
        input.url = "file://" + packages_[i].string();
        input.sha256 = hex(archive);
        input.md5 = test::md5_hex(archive);
        input.size = archive.size();
        auto lookup = [&](const std::string& path) -> std::optional<LinkedFile> {
            auto found = tree.find(path);
            return found == tree.end() ? std::nullopt : std::optional(found->second.in_image);
        };
        auto file = record_file(meta, &python_, input, lookup);
        REQUIRE(file.ok());
        std::string text =
            test::render(file->content, prefix_, [&](const std::string& path) { return tree.at(path).sha256; });
        return {{"path", file->path}, {"text", text}};
    }

    std::vector<std::size_t> order_;
    std::vector<fs::path> packages_;
    std::vector<parcel::Parcel> parcels_;
    std::map<std::string, InstalledPackages> tree;

  private:
    void add_files(std::size_t index) {
        const parcel::Parcel& parcel = parcels_[index];
        for (const format::Destination& d : parcel.table.destinations) {
            std::string path = d.path;
            if (d.root == format::Root::site_packages) path = python_.site_packages + "/" + path;
            if (d.root == format::Root::scripts) path = "bin/" + path;
            InstalledPackages out;
            out.kind = d.kind;
            out.mode = d.mode;
            out.link = d.link;
            out.owner = index;
            if (d.kind == format::EntryKind::file) {
                const format::Content& content = parcel.table.contents.at(d.content);
                auto bytes = format::apply_relocations(read_content(parcel, content), content.relocs, prefix_);
                if (!bytes.ok()) FAIL(path << ": " << bytes.error().message);
                out.sha256 = hex(*bytes);
                out.bytes = as_string(*bytes);
                out.in_image = {to_hex(content.sha256), content.size, !content.relocs.empty()};
            }
            tree[path] = std::move(out);
        }
        for (const parcel::GeneratedFile& script : entry_point_files(parcel.metadata, python_)) {
            InstalledPackages out;
            out.mode = script.mode;
            out.bytes = test::render(script.content, prefix_);
            out.owner = index;
            out.in_image = {"", out.bytes.size(), true};
            tree[script.path] = std::move(out);
        }
    }

    fs::path work_;
    std::string prefix_;
    format::PythonInfo python_;
};

bool is_bookkeeping(const std::string& path) {
    return path == "conda-meta" || path.starts_with("conda-meta/") || path.starts_with("__clobbers__") ||
           path == "CACHEDIR.TAG";
}

// An interpreter line that is too long or has a space becomes a few words of sh. rattler writes them into a string of
// Python, we write them into a comment. The interpreter and all text after those lines must be equal.
bool is_wrapped(std::string_view script) {
    return script.starts_with("#!/bin/sh\n'''exec' ") || script.starts_with("#!/bin/sh\n\f#coding:");
}

std::string unwrapped(std::string_view script) {
    auto lines = split_lines(script);
    const bool comment = lines[1].starts_with('\f');
    const std::size_t begin = comment ? lines[1].find("|| exec ") + 8 : 9;
    std::string command(lines[1].substr(begin, lines[1].find(" \"$0\"") - begin));
    std::erase_if(command, [](char c) { return c == '"' || c == '\''; });
    std::size_t skip = comment || lines[1].ends_with("#'''") ? 2 : 3;
    std::string out = "#!" + command + "\n";
    for (std::size_t i = skip; i < lines.size(); ++i) out += std::string(lines[i]) + "\n";
    return out;
}

bool wrapped_alike(const InstalledPackages& own, const json& entry) {
    if (!entry.contains("script") || !is_wrapped(own.bytes)) return false;
    std::string theirs = entry["script"];
    return is_wrapped(theirs) && trim(unwrapped(own.bytes)) == trim(unwrapped(theirs));
}

void compare_tree(const Environment& ours, const json& theirs) {
    for (const auto& [path, entry] : theirs["tree"].items()) {
        if (is_bookkeeping(path)) continue;
        INFO(path);
        std::string kind = entry["kind"];
        auto found = ours.tree.find(path);
        if (kind == "directory" && found == ours.tree.end()) continue; // the linker makes parent directories
        REQUIRE(found != ours.tree.end());
        const InstalledPackages& own = found->second;
        if (kind == "symlink") {
            CHECK(own.kind == format::EntryKind::symlink);
            CHECK(own.link == entry["link"].get<std::string>());
        } else if (kind == "file") {
            CHECK(own.kind == format::EntryKind::file);
            CHECK(own.mode == entry["mode"].get<unsigned>());
            // Only for entry points does each installer have its own text.
            if (!own.sha256.empty() && !wrapped_alike(own, entry))
                CHECK(own.sha256 == entry["sha256"].get<std::string>());
        }
    }
    for (const auto& [path, own] : ours.tree) {
        INFO(path);
        CHECK(theirs["tree"].contains(path));
    }
}

// The fields about the package's location and the request are left out: they differ by design.
void compare_record(const json& own, const json& theirs, const std::map<std::string, InstalledPackages>& tree,
                    const json& their_tree) {
    for (const auto& [field, value] : theirs.items()) {
        if (field == "paths_data" || field == "link" || field == "extracted_package_dir" || field == "channel" ||
            field == "url" || field == "files")
            continue;
        INFO(field);
        REQUIRE(own.contains(field));
        CHECK(own[field] == value);
    }
    std::map<std::string, json> paths;
    for (const json& path : own["paths_data"]["paths"]) paths[path["_path"]] = path;
    std::size_t compared = 0;
    for (const json& path : theirs["paths_data"]["paths"]) {
        INFO(path.dump());
        // rattler moves a replaced file to __clobbers__; conda and we keep its path in the list.
        bool clobbered = path.contains("original_path");
        auto found = paths.find(clobbered ? path["original_path"] : path["_path"]);
        REQUIRE(found != paths.end());
        const json& mine = found->second;
        ++compared;
        CHECK(mine["path_type"] == path["path_type"]);
        if (path["path_type"] != "hardlink" || clobbered) continue;
        // older packages declare no hash
        std::string sha256 = path.contains("sha256") ? path["sha256"] : mine["sha256"];
        CHECK(mine["sha256"] == sha256);
        std::string final = path["_path"];
        if (wrapped_alike(tree.at(final), their_tree[final])) {
            CHECK(mine["sha256_in_prefix"] == tree.at(final).sha256);
            continue;
        }
        // rattler writes this field only when the hashes differ.
        CHECK(mine["sha256_in_prefix"] ==
              (path.contains("sha256_in_prefix") ? path["sha256_in_prefix"].get<std::string>() : sha256));
        CHECK(mine.value("file_mode", "") == path.value("file_mode", ""));
        CHECK(mine.value("prefix_placeholder", "") == path.value("prefix_placeholder", ""));
        if (!path.contains("file_mode")) CHECK(mine["size_in_bytes"] == path["size_in_bytes"]);
    }
    CHECK(compared == paths.size());
}

void check_order(const Environment& ours) {
    std::map<std::string, std::size_t> place;
    for (std::size_t i : ours.order_) place.emplace(link_node(ours.parcels_[i].metadata).name, place.size());
    for (const parcel::Parcel& parcel : ours.parcels_) {
        LinkNode node = link_node(parcel.metadata);
        for (const std::string& spec : node.depends)
            if (auto other = place.find(match_spec_name(spec)); other != place.end())
                CHECK(other->second < place[node.name]);
    }
}

std::vector<fs::path> channel_packages(const fs::path& channel, bool cpython) {
    std::vector<fs::path> out;
    for (const char* subdir : {"linux-64", "noarch"})
        for (const auto& entry : fs::directory_iterator(channel / subdir)) {
            std::string name = entry.path().filename();
            // No empty directories: rattler fails on them.
            if (!is_package_file_name(name) || name.starts_with("tinder-dirs-")) continue;
            if (name.find(cpython ? "-stub_0" : "-tinder_0") == std::string::npos) out.push_back(entry.path());
        }
    std::ranges::sort(out);
    return out;
}

} // namespace

TEST_CASE("real packages end up as py-rattler installs them") {
    if (test_python().empty()) SKIP("no Python environment with py-rattler");
    const char* big = std::getenv("TINDERBOX_CONDA_CPYTHON");
    bool cpython = big && *big;
    auto work = TemporaryDirectory::make().value();
    fs::path channel = work.path() / "channel";
    std::vector<std::string> make = {fixture("make_conda_packages.py"), channel.string()};
    if (cpython) make.emplace_back("--cpython");
    run_python(make);
    auto packages = channel_packages(channel, cpython);
    REQUIRE(packages.size() == 10);

    std::vector<std::string> prefixes = {"/env", "/with a space/env", "/" + std::string(100, 'l') + "/env"};
    if (cpython) prefixes.resize(1);
    for (const std::string& name : prefixes) {
        std::string prefix = work.path().string() + name;
        INFO(prefix);
        fs::create_directories(prefix);
        std::vector<std::string> install = {fixture("conda_reference_install.py"), prefix};
        for (const fs::path& package : packages) install.push_back(package);
        json theirs = json::parse(run_python(install));

        auto own_work = TemporaryDirectory::make(work.path()).value();
        Environment ours(own_work.path());
        for (const fs::path& package : packages) ours.add(package);
        ours.link(prefix);
        check_order(ours);
        compare_tree(ours, theirs);
        fs::path meta = own_work.path() / "meta/conda-meta";
        fs::create_directories(meta);
        for (std::size_t i = 0; i < packages.size(); ++i) {
            INFO(packages[i].filename());
            json record = ours.record(i);
            std::string file = fs::path(record["path"].get<std::string>()).filename();
            REQUIRE(write_atomically(meta / file, record["text"].get<std::string>()).ok());
            REQUIRE(theirs["records"].contains(file));
            compare_record(json::parse(record["text"].get<std::string>()), theirs["records"][file], ours.tree,
                           theirs["tree"]);
        }
        if (const char* keep = std::getenv("TINDERBOX_CONDA_KEEP")) // for reading, or for conda itself
            fs::copy(meta, fs::path(keep) / "conda-meta",
                     fs::copy_options::recursive | fs::copy_options::overwrite_existing);
        // rattler reads our records.
        run_python({"-c",
                    "import sys, pathlib, rattler\n"
                    "for p in pathlib.Path(sys.argv[1]).glob('*.json'):\n"
                    "    r = rattler.PrefixRecord.from_path(p)\n"
                    "    assert r.file_name and len(r.files) > 0 and len(r.paths_data.paths) >= len(r.files), p\n",
                    meta.string()});
    }
}
