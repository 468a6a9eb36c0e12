// Requirements as PEP 508 writes them: "name[extra] >=1,<2 ; marker" and "name @ URL ; marker".
#pragma once

#include "generator/pip/marker.hpp"
#include "generator/pip/version.hpp"

#include <optional>

namespace tinderbox::pip {

// PEP 503: lower case, runs of "-", "_" and "." become one "-".
std::string normalize_name(std::string_view name);
bool is_valid_name(std::string_view name);

struct Requirement {
    std::string text;                // as given
    std::string name;                // normalised
    std::string written_name;        // as given
    std::vector<std::string> extras; // normalised, sorted, unique
    SpecifierSet specifier;
    std::string url; // direct reference, "" when none
    std::optional<Marker> marker;

    // Error (kind usage): one sentence without the file's name, with a hint for known mistakes.
    static Result<Requirement> parse(std::string_view text);
    bool applies(const MarkerEnvironment& environment, const std::vector<std::string>& parent_extras = {}) const {
        return !marker || marker->evaluate(environment, parent_extras);
    }
};

} // namespace tinderbox::pip
