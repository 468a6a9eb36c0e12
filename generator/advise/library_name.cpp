#include "generator/advise/library_name.hpp"

#include "common/base/last_component.hpp"

namespace tinderbox::advise {
namespace {

constexpr std::size_t graft_digits = 8;

} // namespace

LibraryName library_name(std::string_view path) {
    LibraryName out{last_component(path), ""};
    const auto extension = out.stem.find(".so");
    if (extension == std::string_view::npos) return out;
    const std::string_view rest = out.stem.substr(extension + 3);
    if (!rest.empty() && rest.front() != '.') return out; // "lib.sound"
    out.version = rest.empty() ? rest : rest.substr(1);
    out.stem = out.stem.substr(0, extension);
    const auto dash = out.stem.rfind('-');
    if (dash == std::string_view::npos) return out;
    const std::string_view digits = out.stem.substr(dash + 1);
    if (digits.size() >= graft_digits && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos)
        out.stem = out.stem.substr(0, dash);
    return out;
}

} // namespace tinderbox::advise
