#include "generator/assemble/bytecode.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/format/bytecode_path.hpp"
#include "common/format/relocate.hpp"
#include "generator/assemble/contents.hpp"
#include "generator/assemble/link.hpp"
#include "generator/conda/link.hpp"
#include "generator/parcel/key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <span>
#include <tuple>

namespace tinderbox::assemble {

using nlohmann::json;

namespace {

// Fixed, not derived from the number of cores: see the header. Small enough to balance two cores.
constexpr std::size_t files_per_process = 128;

// Reads frames "LENGTH NAME\nBYTES", answers with frames "LENGTH\nBYTES" (0: does not compile). One
// argument: the mtime.
constexpr const char* compiler = R"py(
import os, sys, warnings
warnings.simplefilter('ignore')
import importlib._bootstrap_external as b
pyc = getattr(b, '_code_to_timestamp_pyc', None) or b._code_to_bytecode
mtime = int(sys.argv[1])
i, o = sys.stdin.buffer, open(int(os.environ.pop('TINDERBOX_ANSWERS')), 'wb')
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
o.close()
)py";

struct Source {
    std::uint32_t content;
    format::Root root;
    std::string path; // symbolic
    std::int64_t mtime;
};

// In memory: the bytecode of one artifact.
class BytecodeArtifact final : public parcel::Artifact {
  public:
    BytecodeArtifact(std::string name, json metadata) : name_(std::move(name)), metadata_(std::move(metadata)) {}
    void add(parcel::Entry entry, Bytes bytes) {
        entry.size = bytes.size();
        entries_.push_back(std::move(entry));
        contents_.push_back(std::move(bytes));
    }
    const std::string& display_name() const override { return name_; }
    const json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        return std::unique_ptr<archive::ByteSource>(std::make_unique<View>(contents_[entry]));
    }

  private:
    class View final : public archive::ByteSource {
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
    std::vector<parcel::Entry> entries_;
    std::vector<Bytes> contents_;
};

// As pip does, every .py that is put into site-packages or the standard library is compiled; scripts are not.
std::vector<Source> sources_of(const parcel::Parcel& parcel) {
    std::vector<Source> out;
    // Conda packages that are not noarch bring their own.
    if (parcel.kind() == parcel::ArtifactKind::conda && !conda::compiles_bytecode(parcel.metadata)) return out;
    for (const format::Destination& d : parcel.table.destinations) {
        if (d.kind != format::EntryKind::file || !d.path.ends_with(".py")) continue;
        bool importable = d.root == format::Root::site_packages || d.root == format::Root::stdlib ||
                          (d.root == format::Root::env && d.path.starts_with("lib/"));
        // A source that changes at the target is compiled there (docs/inside/design.md).
        if (!importable || !parcel.table.contents[d.content].relocs.empty()) continue;
        out.push_back({d.content, d.root, d.path, d.mtime});
    }
    // In content order the blocks are read once.
    std::ranges::sort(out, [](const Source& a, const Source& b) {
        return std::tie(a.content, a.root, a.path) < std::tie(b.content, b.root, b.path);
    });
    return out;
}

Result<std::vector<Bytes>> compile_some(const std::string& executable, const std::string& input, std::int64_t mtime,
                                        std::size_t count) {
    ProcessSpec spec;
    // Not -I: it would ignore PYTHONHASHSEED, too.
    spec.argv = {executable, "-s", "-S", "-B", "-c", compiler, std::to_string(mtime)};
    spec.unset = {"PYTHON*", "LD_*"};
    spec.set = {{"PYTHONHASHSEED", "0"}, {"LC_ALL", "C.UTF-8"}};
    spec.input = input;
    spec.answers = true;
    spec.end_group = true;
    spec.output_limit = SIZE_MAX;
    spec.timeout_seconds = 600;
    TRY_ASSIGN(ProcessResult result, run_process(spec));
    if (!result.succeeded())
        return make_error(ErrorKind::usage, "the environment's interpreter '{}' cannot compile: {}\n{}", executable,
                          result.describe(), result.error_output.substr(0, 2000));
    std::vector<Bytes> out;
    std::string_view rest = result.answers;
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

// Sources for one process.
struct Chunk {
    std::span<const Source> sources;
    std::vector<Bytes> compiled; // one a source; empty: it does not compile
};

// A chunk has one mtime, because it is an argument of the process.
std::vector<Chunk> chunks_of(std::span<const Source> sources) {
    std::vector<Chunk> out;
    while (!sources.empty()) {
        std::size_t count = 1;
        while (count < std::min(files_per_process, sources.size()) && sources[count].mtime == sources[0].mtime) ++count;
        out.push_back({sources.first(count), {}});
        sources = sources.subspan(count);
    }
    return out;
}

// The frames that `compiler` reads.
Result<std::string> frames_of(std::span<const Source> sources, const parcel::Parcel& parcel, ContentReader& reader,
                              const format::PythonInfo& python) {
    std::string out;
    for (const Source& source : sources) {
        TRY_ASSIGN(Bytes text, reader.read(parcel.table.contents[source.content]));
        out += fmt::format("{} {}\n", text.size(), final_path(python, parcel.metadata, source.root, source.path));
        out += as_text(text);
    }
    return out;
}

std::uint64_t size_of(std::span<const Source> sources, const parcel::Parcel& parcel) {
    std::uint64_t sum = 0;
    for (const Source& source : sources) sum += parcel.table.contents[source.content].size;
    return sum;
}

Result<std::unique_ptr<parcel::Artifact>> compile_all(const parcel::Parcel& parcel, const std::vector<Source>& sources,
                                                      const format::PythonInfo& python,
                                                      const BytecodeInterpreter& interpreter, unsigned threads,
                                                      const std::function<void(std::uint64_t)>& progress) {
    std::vector<Chunk> chunks = chunks_of(sources);
    TRY_ASSIGN(const std::string executable, interpreter.executable());
    std::mutex reading;
    ContentReader reader(parcel);
    TRY(parallel_for(chunks.size(), threads, [&](std::size_t index) -> Status {
        Chunk& chunk = chunks[index];
        std::string input;
        {
            std::lock_guard lock(reading);
            TRY_ASSIGN(input, frames_of(chunk.sources, parcel, reader, python));
        }
        TRY_ASSIGN(chunk.compiled, compile_some(executable, input, chunk.sources.front().mtime, chunk.sources.size()));
        if (progress) progress(size_of(chunk.sources, parcel));
        return {};
    }));
    std::string name = parcel.metadata.value("name", "");
    auto artifact =
        std::make_unique<BytecodeArtifact>("bytecode of " + name, json{{"kind", "bytecode"}, {"name", name}});
    for (Chunk& chunk : chunks)
        for (std::size_t i = 0; i < chunk.sources.size(); ++i) {
            const Source& source = chunk.sources[i];
            if (chunk.compiled[i].empty()) continue;
            parcel::Entry entry;
            entry.root = source.root;
            entry.mode = 0644;
            entry.mtime = source.mtime;
            entry.path = format::bytecode_path(source.path, python.cache_tag);
            entry.flags = format::destination_bytecode;
            artifact->add(std::move(entry), std::move(chunk.compiled[i]));
        }
    return std::unique_ptr<parcel::Artifact>(std::move(artifact));
}

std::string bytecode_key(const parcel::Parcel& parcel, const format::PythonInfo& python,
                         const BytecodeInterpreter& interpreter, const parcel::PackOptions& options) {
    return parcel::ParcelKeys(options).bytecode(parcel.key, interpreter.key, python.cache_tag);
}

} // namespace

std::uint64_t bytes_to_compile(const parcel::Parcel& parcel, const format::PythonInfo& python,
                               const BytecodeInterpreter& interpreter, const parcel::ParcelCache& cache,
                               const parcel::PackOptions& options) {
    if (cache.has(bytecode_key(parcel, python, interpreter, options))) return 0;
    return size_of(sources_of(parcel), parcel);
}

Result<std::optional<CompiledParcel>> compile_bytecode(const parcel::Parcel& parcel, const format::PythonInfo& python,
                                                       const BytecodeInterpreter& interpreter,
                                                       parcel::ParcelCache& cache, const parcel::PackOptions& options,
                                                       const std::function<void(std::uint64_t)>& progress) {
    auto sources = sources_of(parcel);
    if (sources.empty()) return std::optional<CompiledParcel>();
    const std::string key = bytecode_key(parcel, python, interpreter, options);
    CompiledParcel out;
    TRY_ASSIGN(out.parcel, cache.get(key, options, [&]() -> Result<std::unique_ptr<parcel::Artifact>> {
        return compile_all(parcel, sources, python, interpreter, options.threads, progress);
    }));
    for (const format::Destination& d : out.parcel.table.destinations)
        if (d.kind == format::EntryKind::file) ++out.files;
    out.failed = sources.size() - out.files;
    return std::optional<CompiledParcel>(std::move(out));
}

Result<std::string> materialize_python(const std::vector<const parcel::Parcel*>& parcels,
                                       const format::PythonInfo& python, const fs::path& directory) {
    const std::string prefix = directory.string();
    std::set<std::string> links; // below the directory
    for (const parcel::Parcel* parcel : parcels) {
        ContentReader reader(*parcel);
        for (const format::Destination& d : parcel->table.destinations) {
            const std::string below = final_path(python, parcel->metadata, d.root, d.path);
            const fs::path path = directory / below;
            // Links of two packages could lead out of the directory together.
            for (auto slash = below.find('/'); slash != std::string::npos; slash = below.find('/', slash + 1))
                if (links.contains(below.substr(0, slash)))
                    return make_error(ErrorKind::usage,
                                      "{}:{}: '{}', in which it lies, is a link in another package; leave one of the "
                                      "packages out",
                                      parcel->metadata.value("name", ""), below, below.substr(0, slash));
            if (d.kind == format::EntryKind::directory) {
                TRY(make_directories(path));
                continue;
            }
            TRY(make_directories(path.parent_path()));
            std::error_code ignored;
            fs::remove(path, ignored);
            if (d.kind == format::EntryKind::symlink) {
                links.insert(below);
                std::string target = d.link.starts_with('\x01') ? prefix + d.link.substr(1) : d.link;
                if (::symlink(target.c_str(), path.c_str()) != 0)
                    return errno_error("cannot make the link '" + path.string() + "'", errno);
                continue;
            }
            const format::Content& content = parcel->table.contents[d.content];
            TRY_ASSIGN(Bytes bytes, reader.read(content));
            if (!content.relocs.empty()) {
                TRY_ASSIGN(bytes, format::apply_relocations(bytes, content.relocs, prefix));
            }
            TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, d.mode));
            TRY(write_exact(fd.get(), bytes, path.string()));
        }
    }
    return (directory / python.executable).string();
}

} // namespace tinderbox::assemble
