// One thing that preflight has to say, and how the findings together become an exit code.
#pragma once

#include "common/base/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

enum class Severity { ok, note, warning, error };
std::string_view to_string(Severity severity);

struct Finding {
    std::string id; // stable, for scripts: "disk-space", "gpu-nouveau"; docs/preflight.md lists them
    Severity severity = Severity::ok;
    ErrorKind kind = ErrorKind::machine; // the exit code, when severity is error
    std::string sentence;                // what is so
    std::string advice;                  // what to do; "" when nothing is to be done
    std::string docs;                    // where it is explained: "docs/gpu.md#gpu-nouveau"; "" = nowhere
};

// The kind that decides the exit code: of several errors the lowest of 2, 3, 5. Nothing: go on.
std::optional<ErrorKind> failure_of(const std::vector<Finding>& findings);

nlohmann::json to_json(const Finding& finding);
nlohmann::json to_json(const std::vector<Finding>& findings);

} // namespace tinderbox
