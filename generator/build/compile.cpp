#include "generator/build/compile.hpp"

#include "common/base/progress.hpp"
#include "common/base/units.hpp"
#include "generator/assemble/bytecode.hpp"
#include "generator/build/parcels.hpp"

#include <atomic>
#include <list>
#include <optional>

namespace tinderbox::build {
namespace {

// The interpreter of each prefix as a program that runs here.
class Interpreters {
  public:
    Interpreters(const Packed& packed, const Captured& captured) : packed_(packed), captured_(captured) {}

    const assemble::BytecodeInterpreter& of(format::Root root) {
        auto [found, added] = interpreters_.try_emplace(root);
        if (added) found->second = describe(root);
        return found->second;
    }

  private:
    assemble::BytecodeInterpreter describe(format::Root root) {
        assemble::BytecodeInterpreter out;
        for (const assemble::LinkInput& input : packed_.inputs)
            if (input.root == root && !input.info_of &&
                (input.parcel.metadata.contains("python") || input.parcel.metadata.value("name", "") == "python"))
                out.key += input.parcel.key;
        out.executable = [this, root, path = std::string()]() mutable -> Result<std::string> {
            if (path.empty()) {
                TRY_ASSIGN(path, executable(root));
            }
            return path;
        };
        return out;
    }

    // A captured interpreter runs at its old place, a conda one from a private copy.
    Result<std::string> executable(format::Root root) {
        if (root == format::Root::env && captured_.source.kind == "python") return captured_.source.path;
        std::vector<const parcel::Parcel*> parcels;
        for (const assemble::LinkInput& input : packed_.inputs)
            if (input.root == root && !input.info_of && !input.bytecode_of &&
                (!input.artifact || input.artifact->kind == parcel::ArtifactKind::conda))
                parcels.push_back(&input.parcel);
        TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
        copies_.push_back(std::move(directory));
        return assemble::materialize_python(parcels, *packed_.python_in(root), copies_.back().path());
    }

    const Packed& packed_;
    const Captured& captured_;
    std::map<format::Root, assemble::BytecodeInterpreter> interpreters_;
    std::list<TemporaryDirectory> copies_;
};

// Info parcels and what the base's installer itself leaves have nothing to compile.
bool has_sources(const assemble::LinkInput& input) {
    return !input.info_of && (input.artifact || !format::is_of_base(input.root));
}

} // namespace

Status compile(const Options& options, const lock::Lock& lock, const Captured& captured, Packed& packed,
               Reporter& reporter) {
    if (lock.bytecode != lock::Bytecode::build) return {};
    Parcels parcels(options, lock.source_mtime);
    Interpreters interpreters(packed, captured);
    std::size_t failed = 0, compiled = 0;
    const std::size_t count = packed.inputs.size();
    auto is_compiled = [&](const assemble::LinkInput& input) {
        return has_sources(input) && packed.python_in(input.root);
    };
    std::uint64_t total = 0;
    for (const assemble::LinkInput& input : packed.inputs)
        if (is_compiled(input))
            total += assemble::bytes_to_compile(input.parcel, *packed.python_in(input.root),
                                                interpreters.of(input.root), parcels.cache(), parcels.options());
    std::atomic<std::uint64_t> done = 0;
    std::optional<ProgressLine> line;
    if (total > 0) line.emplace(reporter, [&] { return ProgressLine::State{"compiling", done, total}; });
    for (std::size_t i = 0; i < count; ++i) {
        const format::Root root = packed.inputs[i].root;
        if (!is_compiled(packed.inputs[i])) continue;
        TRY_ASSIGN(auto bytecode, assemble::compile_bytecode(packed.inputs[i].parcel, *packed.python_in(root),
                                                             interpreters.of(root), parcels.cache(), parcels.options(),
                                                             [&](std::uint64_t bytes) { done += bytes; }));
        if (!bytecode) continue;
        failed += bytecode->failed;
        compiled += bytecode->files;
        assemble::LinkInput input;
        input.parcel = std::move(bytecode->parcel);
        input.artifact = packed.inputs[i].artifact;
        input.bytecode_of = i;
        input.root = root;
        packed.inputs.push_back(std::move(input));
    }
    line.reset();
    if (failed > 0)
        reporter.note("bytecode", fmt::format("{} compiled; {} left out, as pip does: not valid for their Python",
                                              counted(compiled, "file"), counted(failed, "source")));
    return {};
}

} // namespace tinderbox::build
