// Whether a file asks for anything. A misspelt key or a file that was cut to nothing would otherwise build an
// environment without packages, successfully.
#include "common/base/edit_distance.hpp"
#include "generator/spec/reader.hpp"

#include <algorithm>

namespace tinderbox::spec {
namespace {

bool has_packages(const ForeignLock& lock) {
    return std::ranges::any_of(lock.packages, [](const ForeignPackage& package) { return !package.project; });
}

std::string unknown_keys(const Request& request) {
    std::string out;
    for (const IgnoredItem& item : request.ignored)
        if (item.unknown_key)
            out += fmt::format("{}'{}' in line {}", out.empty() ? "; it has no key " : ", ", item.what, item.line.line);
    return out;
}

std::string why_nothing(const Request& request) {
    if (request.kind == to_string(SpecKind::environment))
        return fmt::format("there is no package below 'dependencies:'{}; write '  - NAME' lines there",
                           unknown_keys(request));
    if (request.kind == to_string(SpecKind::construct))
        return "there is no package below 'specs:'; write '  - NAME' lines there";
    if (request.kind == to_string(SpecKind::explicit_list))
        return "no URL follows '@EXPLICIT'; write one of a conda package in each line";
    if (request.kind == to_string(SpecKind::pyproject))
        return "[project] has no dependencies, and no extra or dependency group was taken; write 'FILE[NAME]' for one";
    if (request.kind == to_string(SpecKind::requirements))
        return "it has no line that names a package; write one such as 'numpy>=2'";
    return "it has no packages for what is selected of it; make the lock again";
}

} // namespace

std::string_view meant_key(std::string_view word, std::initializer_list<std::string_view> known) {
    return nearest_word(word, {known.begin(), known.size()});
}

Status refuse_misspelt(std::string_view key, std::initializer_list<std::string_view> known,
                       const pip::SourceLine& line) {
    const std::string_view meant = meant_key(key, known);
    if (meant.empty()) return {};
    return line_error(line, "there is no key '{}'; write '{}'", key, meant);
}

bool asks_for_packages(const Request& request) {
    return !request.conda.empty() || !request.pip.empty() ||
           std::ranges::any_of(request.locks, [](const LockSelection& selection) { return has_wheels(selection); });
}

Status check_asks(const Request& request) {
    if (asks_for_packages(request)) return {};
    return make_error(ErrorKind::usage, "{}: it asks for nothing: {}", request.source, why_nothing(request));
}

Status check_asks(const ForeignLock& lock) {
    if (has_packages(lock)) return {};
    return make_error(ErrorKind::usage, "{}: it asks for nothing: it has no packages; make the lock again", lock.path);
}

} // namespace tinderbox::spec
