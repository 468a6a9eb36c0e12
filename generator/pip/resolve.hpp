// From requirements to wheels, for a target that is not this machine: what pip and uv call resolving.
//
// Every decision is for the target: tags with its glibc, markers with its Python, requires-python with its full
// version. Candidates are wheels, and source archives with options.allow_sdist. Where PEPs leave a choice, the rules
// are uv's:
//   pre-releases  of a project only with --pre, when a line of the request (or a constraint) names one for it, or when
//                 the project has no other version
//   yanked files  only for a line of the request that pins (==) their version
//   places        as PackageIndex orders them (first-index: dependency confusion, see index.hpp)
//   direct URLs   of a wheel's metadata only when the request has the same one: metadata must not choose servers
// Of the candidates the highest version wins; of its files the best tag, the highest build, the first place.
#pragma once

#include "generator/pip/metadata_source.hpp"
#include "generator/pip/select.hpp"

namespace tinderbox::pip {

// Wheels for all requirements and their dependencies, with METADATA filled in. options.provided satisfies requirements
// and is never replaced. `requested` is false for dependencies; their `requirement` names the package that requires
// them. Errors: usage (a wrong line), network (also for a project of the request that no index has), unsatisfiable with
// the facts that exclude each other.
Result<WheelSelection> resolve(const std::vector<RequirementLine>& requirements,
                               const std::vector<RequirementLine>& constraints, const SelectOptions& options,
                               PackageIndex& index, MetadataSource& metadata);

} // namespace tinderbox::pip
