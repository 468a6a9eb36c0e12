// Bytecode as a derived parcel: every .py of an artifact compiled by the environment's own interpreter.
//
// A .pyc is valid while the mtime and size it holds are those of its source (PEP 552's timestamp form). The linker
// gives sources one fixed mtime, so that this bytecode stays valid after installation.
//
// Reproducible: PYTHONHASHSEED=0, every PYTHON* variable removed, and a fixed list of files to a process. marshal
// writes an object as a reference when something else in the process holds it, so files that a process compiled before
// change the bytes. Measured on 190 files of the standard library, with py_compile in one process: 3.12 gives another
// ftplib in another order; 3.8 and 3.10 give four of five files otherwise while earlier code objects are alive; 3.11
// and 3.13 always gave the same bytes. co_filename is relative; import puts the real path in.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/parcel.hpp"

#include <functional>

namespace tinderbox::assemble {

struct BytecodeInterpreter {
    // The absolute path of an interpreter that runs here. Called only when a parcel is not in the cache.
    std::function<Result<std::string>()> executable;
    std::string key; // identifies it for the cache: the keys of its parcels
};

// nullopt: nothing to compile. A source that does not compile is left out, as with pip and compileall; `failed` counts
// such sources.
struct CompiledParcel {
    parcel::Parcel parcel;
    std::size_t files = 0, failed = 0;
};
// `progress` gets the bytes of sources that were compiled since its last call, from several threads.
Result<std::optional<CompiledParcel>> compile_bytecode(const parcel::Parcel& sources, const format::PythonInfo& python,
                                                       const BytecodeInterpreter& interpreter,
                                                       parcel::ParcelCache& cache, const parcel::PackOptions& options,
                                                       const std::function<void(std::uint64_t)>& progress = {});

// The bytes of sources that compile_bytecode() would compile; 0: there are none, or the cache has the bytecode.
std::uint64_t bytes_to_compile(const parcel::Parcel& sources, const format::PythonInfo& python,
                               const BytecodeInterpreter& interpreter, const parcel::ParcelCache& cache,
                               const parcel::PackOptions& options);

// Writes the files of a captured or conda Python somewhere private so that it can be run.
Result<std::string> materialize_python(const std::vector<const parcel::Parcel*>& parcels,
                                       const format::PythonInfo& python, const fs::path& directory);

} // namespace tinderbox::assemble
