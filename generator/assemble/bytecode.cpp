#include "generator/assemble/bytecode.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/relocate.hpp"
#include "generator/assemble/contents.hpp"
#include "generator/assemble/link.hpp"
#include "generator/conda/link.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <tuple>

namespace tinderbox {

using nlohmann::json;

namespace {

// Fixed, not derived from the number of cores: see the header. Small enough to balance two cores.
constexpr std::size_t files_per_process = 128;

// Reads frames "LENGTH NAME\nBYTES", answers frames "LENGTH\nBYTES" (0: does not compile). One argument: the mtime.
constexpr const char* compiler = R"py(
import sys, warnings
warnings.simplefilter('ignore')
import importlib._bootstrap_external as b
pyc = getattr(b, '_code_to_timestamp_pyc', None) or b._code_to_bytecode
mtime = int(sys.argv[1])
i, o = sys.stdin.buffer, sys.stdout.buffer
while True:
    line = i.readline()
    if not line:
        break
    size, name = line[:-1].split(b' ', 1)
    source = i.read(int(size))
    try:
        code = compile(source, name.decode('utf-8', 'surrogateescape'), 'exec', dont_inherit=True, optimize=-1)
        data = bytes(pyc(code, mtime, len(source)))
    except Exception:
        data = b''
    o.write(b'%d\n' % len(data))
    o.write(data)
)py";

struct Source {
    std::uint32_t content;
    Root root;
    std::string path; // symbolic
    std::int64_t mtime;
};

// In memory: the bytecode of one artifact.
class BytecodeArtifact final : public Artifact {
  public:
    BytecodeArtifact(std::string name, json metadata) : name_(std::move(name)), metadata_(std::move(metadata)) {}
    void add(Entry entry, Bytes bytes) {
        entry.size = bytes.size();
        entries_.push_back(std::move(entry));
        contents_.push_back(std::move(bytes));
    }
    const std::string& display_name() const override { return name_; }
    const json& metadata() const override { return metadata_; }
    std::span<const Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<ByteSource>> open(std::size_t entry) const override {
        return std::unique_ptr<ByteSource>(std::make_unique<View>(contents_[entry]));
    }

  private:
    class View final : public ByteSource {
      public:
        explicit View(ByteView bytes) : bytes_(bytes) {}
        Result<std::size_t> read(std::span<std::byte> out) override {
            std::size_t take = std::min(out.size(), bytes_.size());
            std::copy_n(bytes_.begin(), take, out.begin());
            bytes_ = bytes_.subspan(take);
            return take;
        }

      private:
        ByteView bytes_;
    };
    std::string name_;
    json metadata_;
    std::vector<Entry> entries_;
    std::vector<Bytes> contents_;
};

// What pip compiles: every .py that is put into site-packages or the standard library, not scripts.
std::vector<Source> sources_of(const Parcel& parcel) {
    std::vector<Source> out;
    std::vector<std::string> shipped;
    for (const Destination& d : parcel.table.destinations)
        if (d.kind == EntryKind::file && d.path.ends_with(".pyc")) shipped.push_back(d.path);
    std::ranges::sort(shipped);
    for (const Destination& d : parcel.table.destinations) {
        if (d.kind != EntryKind::file || !d.path.ends_with(".py")) continue;
        bool importable = d.root == Root::site_packages || d.root == Root::stdlib ||
                          (d.root == Root::env && d.path.starts_with("lib/"));
        // A source that changes at the target is compiled there (docs/design.md).
        if (!importable || !parcel.table.contents[d.content].relocs.empty()) continue;
        out.push_back({d.content, d.root, d.path, d.mtime});
    }
    // In content order the blocks are read once.
    std::ranges::sort(out, [](const Source& a, const Source& b) {
        return std::tie(a.content, a.root, a.path) < std::tie(b.content, b.root, b.path);
    });
    return out;
}

std::string cached_name(const std::string& path, const std::string& tag) {
    auto slash = path.rfind('/');
    std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    std::string stem = path.substr(slash == std::string::npos ? 0 : slash + 1);
    stem.resize(stem.size() - 3);
    return fmt::format("{}__pycache__/{}.{}.pyc", directory, stem, tag);
}

Result<std::vector<Bytes>> compile_some(const std::string& executable, const std::string& input, std::int64_t mtime,
                                        std::size_t count) {
    ProcessSpec spec;
    // Not -I: it would ignore PYTHONHASHSEED, too.
    spec.argv = {executable, "-s", "-S", "-B", "-c", compiler, std::to_string(mtime)};
    spec.unset = {"PYTHON*", "LD_*"};
    spec.set = {{"PYTHONHASHSEED", "0"}, {"LC_ALL", "C.UTF-8"}};
    spec.input = input;
    spec.output_limit = SIZE_MAX;
    spec.timeout_seconds = 600;
    TRY_ASSIGN(ProcessResult result, run_process(spec));
    if (!result.succeeded())
        return make_error(ErrorKind::usage, "the environment's interpreter '{}' cannot compile: {}\n{}", executable,
                          result.describe(), result.error_output.substr(0, 2000));
    std::vector<Bytes> out;
    std::string_view rest = result.output;
    while (out.size() < count) {
        auto newline = rest.find('\n');
        std::size_t size = newline == std::string_view::npos ? SIZE_MAX : 0;
        for (std::size_t i = 0; size != SIZE_MAX && i < newline; ++i)
            size = size * 10 + static_cast<std::size_t>(rest[i] - '0');
        if (size > rest.size() || rest.size() - newline - 1 < size)
            return make_error(ErrorKind::usage, "the environment's interpreter '{}' gave no bytecode", executable);
        auto bytes = as_bytes(rest.substr(newline + 1, size));
        out.emplace_back(bytes.begin(), bytes.end());
        rest.remove_prefix(newline + 1 + size);
    }
    return out;
}

struct Chunk {
    std::size_t first = 0, count = 0;
    std::vector<Bytes> compiled;
};

Result<std::unique_ptr<Artifact>> compile_all(const Parcel& parcel, const std::vector<Source>& sources,
                                              const PythonInfo& python, const Interpreter& interpreter,
                                              unsigned threads) {
    std::vector<Chunk> chunks;
    // A chunk has one mtime: it is an argument of the process.
    for (std::size_t i = 0; i < sources.size();) {
        Chunk chunk{i, 0, {}};
        while (i < sources.size() && chunk.count < files_per_process && sources[i].mtime == sources[chunk.first].mtime)
            ++chunk.count, ++i;
        chunks.push_back(std::move(chunk));
    }
    TRY_ASSIGN(const std::string executable, interpreter.executable());
    std::mutex reading;
    ContentReader reader(parcel);
    TRY(parallel_for(chunks.size(), threads, [&](std::size_t index) -> Status {
        Chunk& chunk = chunks[index];
        std::string input;
        {
            std::lock_guard lock(reading);
            for (std::size_t i = chunk.first; i < chunk.first + chunk.count; ++i) {
                TRY_ASSIGN(Bytes text, reader.read(parcel.table.contents[sources[i].content]));
                input += fmt::format("{} {}\n", text.size(),
                                     final_path(python, parcel.metadata, sources[i].root, sources[i].path));
                input += as_text(text);
            }
        }
        TRY_ASSIGN(chunk.compiled, compile_some(executable, input, sources[chunk.first].mtime, chunk.count));
        return {};
    }));
    std::string name = parcel.metadata.value("name", "");
    auto artifact =
        std::make_unique<BytecodeArtifact>("bytecode of " + name, json{{"kind", "bytecode"}, {"name", name}});
    for (Chunk& chunk : chunks)
        for (std::size_t i = 0; i < chunk.count; ++i) {
            const Source& source = sources[chunk.first + i];
            if (chunk.compiled[i].empty()) continue;
            Entry entry;
            entry.root = source.root;
            entry.mode = 0644;
            entry.mtime = source.mtime;
            entry.path = cached_name(source.path, python.cache_tag);
            entry.flags = destination_bytecode;
            artifact->add(std::move(entry), std::move(chunk.compiled[i]));
        }
    return std::unique_ptr<Artifact>(std::move(artifact));
}

} // namespace

Result<std::optional<CompiledParcel>> compile_bytecode(const Parcel& parcel, const PythonInfo& python,
                                                       const Interpreter& interpreter, ParcelCache& cache,
                                                       const PackOptions& options) {
    // Conda packages that are not noarch bring their own.
    if (parcel.metadata.value("kind", "") == "conda" && !conda_compiles_bytecode(parcel.metadata))
        return std::optional<CompiledParcel>();
    auto sources = sources_of(parcel);
    if (sources.empty()) return std::optional<CompiledParcel>();
    std::string variant = fmt::format("bytecode 1 {} {} {}", interpreter.key, python.cache_tag, options.source_mtime);
    std::string key = ParcelCache::key(parcel.key, options.level, variant);
    CompiledParcel out;
    TRY_ASSIGN(out.parcel, cache.get(key, options, [&]() -> Result<std::unique_ptr<Artifact>> {
        return compile_all(parcel, sources, python, interpreter, options.threads);
    }));
    for (const Destination& d : out.parcel.table.destinations) out.files += d.kind == EntryKind::file;
    out.failed = sources.size() - out.files;
    return std::optional<CompiledParcel>(std::move(out));
}

Result<std::string> materialize_python(const std::vector<const Parcel*>& parcels, const PythonInfo& python,
                                       const fs::path& directory) {
    const std::string prefix = directory.string();
    for (const Parcel* parcel : parcels) {
        ContentReader reader(*parcel);
        for (const Destination& d : parcel->table.destinations) {
            fs::path path = directory / final_path(python, parcel->metadata, d.root, d.path);
            if (d.kind == EntryKind::directory) {
                TRY(make_directories(path));
                continue;
            }
            TRY(make_directories(path.parent_path()));
            std::error_code ignored;
            fs::remove(path, ignored);
            if (d.kind == EntryKind::symlink) {
                std::string target = d.link.starts_with('\x01') ? prefix + d.link.substr(1) : d.link;
                if (::symlink(target.c_str(), path.c_str()) != 0)
                    return errno_error("cannot make the link '" + path.string() + "'", errno);
                continue;
            }
            const Content& content = parcel->table.contents[d.content];
            TRY_ASSIGN(Bytes bytes, reader.read(content));
            if (!content.relocs.empty()) {
                TRY_ASSIGN(bytes, apply_relocations(bytes, content.relocs, prefix));
            }
            TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, d.mode));
            TRY(write_exact(fd.get(), bytes, path.string()));
        }
    }
    return (directory / python.executable).string();
}

} // namespace tinderbox
