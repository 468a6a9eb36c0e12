#include "runtime/install/bytecode.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/progress.hpp"
#include "common/base/text.hpp"
#include "common/format/bytecode_path.hpp"
#include "runtime/install/installed_list.hpp"
#include "runtime/install/process_failure.hpp"
#include "runtime/place/control_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>

namespace tinderbox::install {
namespace {

constexpr std::size_t sources_a_process = 200; // a slow file must not keep one process busy at the end

// Reads one path a line, answers with the .pyc's path, or "!" when a file does not compile, and prints one dot a file
// for the progress. Which files a process compiled before may change the bytes (generator/assemble/bytecode.hpp), not
// their meaning. The list of installed files gets the hash of the result, so any bytes will do.
constexpr std::string_view compile_program = R"py(
import sys
sys.path[:] = [p for p in sys.path if p]
import os, py_compile
answers = open(int(os.environ.pop("TINDERBOX_ANSWERS")), "wb")
for line in sys.stdin.buffer.read().split(b"\n"):
    if not line:
        continue
    try:
        made = py_compile.compile(os.fsdecode(line), doraise=True,
                                  invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        answers.write(os.fsencode(made) + b"\n")
    except Exception:
        answers.write(b"!\n")
    os.write(1, b".")
answers.close()
)py";

bool below(std::string_view path, std::string_view directory) {
    return !directory.empty() && path.starts_with(directory) && path.size() > directory.size() &&
           path[directory.size()] == '/';
}

ProcessSpec compiler(const fs::path& prefix, const format::PythonInfo& python) {
    ProcessSpec spec;
    // -S and -s: neither site-packages nor the user's may decide what is compiled; -I would ignore PYTHONHASHSEED.
    // -B: modules that are only imported for it keep the bytecode that they have.
    spec.argv = {(prefix / python.executable).string(), "-B", "-S", "-s", "-W", "ignore", "-c",
                 std::string(compile_program)};
    spec.unset = {"PYTHON*", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    spec.set = {{"PYTHONHASHSEED", "0"}};
    spec.directory = prefix.string();
    spec.answers = true;
    spec.end_group = true;
    return spec;
}

std::vector<std::string> base_sources(const format::Manifest& manifest, const format::Table& table, format::Root root) {
    std::vector<std::string> out;
    const bool all = manifest.bytecode == "install";
    if (!python_of(manifest, root) || (!all && manifest.bytecode != "build")) return out;
    const format::PythonInfo& python = *python_of(manifest, root);
    std::set<std::string_view> there;
    for (const format::Destination& d : table.destinations)
        if (d.root == root && d.path.ends_with(".pyc")) there.insert(d.path);
    for (const format::Destination& d : table.destinations) {
        if (d.root != root || d.kind != format::EntryKind::file || !d.path.ends_with(".py") ||
            !below(d.path, python.site_packages))
            continue;
        if (!all && table.contents[d.content].relocs.empty()) continue;
        if (!there.contains(format::bytecode_path(d.path, python.cache_tag))) out.push_back(d.path);
    }
    return out;
}

} // namespace

const format::PythonInfo* python_of(const format::Manifest& manifest, format::Root root) {
    auto pointer = [](const std::optional<format::PythonInfo>& python) { return python ? &*python : nullptr; };
    if (root == format::Root::env) return pointer(manifest.python);
    if (!manifest.base_installer) return nullptr;
    if (root == format::Root::base) return pointer(manifest.base_installer->python);
    const std::size_t n = format::prefix_index(root) - 2;
    return n < manifest.base_installer->environments.size() ? pointer(manifest.base_installer->environments[n].python)
                                                            : nullptr;
}

std::vector<std::string> sources_to_compile(const format::Manifest& manifest, const format::Table& table,
                                            format::Root root) {
    std::vector<std::string> out;
    if (root != format::Root::env) return base_sources(manifest, table, root);
    if (!manifest.python || (manifest.bytecode != "install" && manifest.bytecode != "build")) return out;
    const bool all = manifest.bytecode == "install";
    for (const format::Destination& d : table.destinations)
        if (d.kind == format::EntryKind::file && d.root == format::Root::env && d.path.ends_with(".py") &&
            (below(d.path, manifest.python->site_packages) || below(d.path, manifest.python->stdlib)) &&
            (all || !table.contents[d.content].relocs.empty()))
            out.push_back(d.path);
    return out;
}

Compiled compile_sources(const fs::path& prefix, const format::PythonInfo& python,
                         const std::vector<std::string>& sources, const TreeWork& work) {
    Compiled out;
    std::mutex mutex;
    const std::string front = prefix.string() + "/";
    const std::size_t batches = (sources.size() + sources_a_process - 1) / sources_a_process;
    ProgressCounter counter(work.tell(InstallProgress::Work::bytecode), sources.size());
    (void)parallel_for(batches, work.jobs, [&](std::size_t batch) -> Status {
        ProcessSpec spec = compiler(prefix, python);
        std::size_t first = batch * sources_a_process, last = std::min(first + sources_a_process, sources.size());
        for (std::size_t i = first; i < last; ++i) spec.input += front + sources[i] + "\n";
        std::size_t counted = 0;
        spec.on_output = [&](std::string_view dots) {
            const std::size_t more = std::min(dots.size(), last - first - counted);
            counted += more;
            counter.add(more);
        };
        auto result = run_process(spec);
        std::lock_guard lock(mutex);
        if (!result.ok() || !result->succeeded()) {
            out.problem = result.ok() ? how_it_failed(*result, result->error_output) : result.error().message;
            return make_error(ErrorKind::script, "the interpreter failed");
        }
        for (std::string_view line : split(result->answers, '\n')) {
            if (line == "!") ++out.failed;
            else if (line.starts_with(front)) out.files.emplace_back(line.substr(front.size()));
        }
        return {};
    });
    std::ranges::sort(out.files);
    return out;
}

Status record_bytecode(const Directory& root, const std::vector<std::string>& files) {
    TRY_ASSIGN(Directory control, root.directory(place::control_directory));
    TRY_ASSIGN(auto rows, read_installed_list(control));
    std::vector<InstalledRow> made;
    for (const std::string& file : files)
        if (auto row = bytecode_row(root, file)) made.push_back(*std::move(row));
    // A run that was interrupted here may have left rows.
    std::ranges::sort(made, {}, &InstalledRow::path);
    std::erase_if(rows, [&](const InstalledRow& row) {
        return std::ranges::binary_search(made, row.path, {}, &InstalledRow::path);
    });
    std::set<std::string, std::less<>> directories;
    for (const InstalledRow& row : rows)
        if (row.kind == 'd') directories.insert(row.path);
    // Python makes the directories that hold bytecode.
    for (std::size_t i = 0, count = made.size(); i < count; ++i) {
        const std::string directory = fs::path(made[i].path).parent_path().string();
        struct stat st;
        if (!directories.insert(directory).second || root.look(directory, st) != 0) continue;
        made.push_back({.kind = 'd', .mode = st.st_mode & 07777u, .path = directory, .link = {}});
    }
    std::ranges::move(made, std::back_inserter(rows));
    return control.write_atomically(place::control::installed, installed_text(rows));
}

} // namespace tinderbox::install
