// A finding of preflight, and the exit code of all findings together. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::machine {

enum class Severity { ok, note, warning, error };
std::string_view to_string(Severity severity);

struct Finding {
    std::string id; // stable, for scripts: "disk-space", "gpu-nouveau"; docs/inside/preflight.md lists them
    Severity severity = Severity::ok;
    ErrorKind kind = ErrorKind::machine; // the exit code, when severity is error
    std::string sentence;                // the state that was found
    std::string advice;                  // the remedy; "" when none is needed
    std::string docs; // the page that explains it: "docs/inside/gpu.md#gpu-nouveau"; "": no page does
};

// The kind that decides the exit code: of several errors the lowest of 2, 3, 5. nullopt: no error, go on.
std::optional<ErrorKind> failure_of(const std::vector<Finding>& findings);

nlohmann::json to_json(const Finding& finding);
nlohmann::json to_json(const std::vector<Finding>& findings);

} // namespace tinderbox::machine
