// Bytecode as a derived parcel: every .py of an artifact compiled by the environment's own interpreter.
//
// A .pyc is valid while the mtime and size it holds are those of its source (PEP 552's timestamp form). The linker
// gives sources one fixed mtime, so what is compiled here stays valid after installation.
//
// Reproducible: PYTHONHASHSEED=0, every PYTHON* variable removed, and a fixed number of files to a process – what a
// process compiled before influences which objects marshal writes as references. (3.8 – 3.10 differ from run to run
// without that.) co_filename is relative; import puts the real path in.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/parcel.hpp"

#include <functional>

namespace tinderbox {

struct Interpreter {
    // The absolute path of one that runs here. Asked for only when something is not in the cache.
    std::function<Result<std::string>()> executable;
    std::string key; // identifies it for the cache: the keys of its parcels
};

// nullopt: nothing to compile. `jobs` 0 = all cores. A source that does not compile is left out, as pip and
// compileall do; `failed` counts them.
struct CompiledParcel {
    Parcel parcel;
    std::size_t files = 0, failed = 0;
};
Result<std::optional<CompiledParcel>> compile_bytecode(const Parcel& sources, const PythonInfo& python,
                                                       const Interpreter& interpreter, ParcelCache& cache,
                                                       const PackOptions& options);

// Writes the files of a captured or conda Python somewhere private so that it can be run.
Result<std::string> materialize_python(const std::vector<const Parcel*>& parcels, const PythonInfo& python,
                                       const fs::path& directory);

} // namespace tinderbox
