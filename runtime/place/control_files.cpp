#include "runtime/place/control_files.hpp"

#include "common/base/hash.hpp"
#include "common/base/number.hpp"

#include <algorithm>

namespace tinderbox::place {

bool is_control_name(std::string_view name) {
    constexpr std::string_view known[] = {control::state,
                                          control::journal,
                                          control::lock,
                                          control::manifest,
                                          control::table,
                                          control::installed,
                                          control::stub,
                                          control::log,
                                          control::shell_init,
                                          control::stage,
                                          control::repair,
                                          control::report_html,
                                          control::report_json,
                                          control::verification_html,
                                          control::verification_json};
    if (name.starts_with("cuda_probe")) return true;
    // "state.1a2b3c4d": a file that was never renamed to its name.
    return std::ranges::any_of(known, [&](std::string_view one) {
        return name == one || (name.starts_with(one) && name.size() == one.size() + 9 && name[one.size()] == '.');
    });
}

fs::path stage_beside(const fs::path& root, std::string_view manifest_sha256) {
    constexpr std::size_t id_digits = 16;
    const std::string id = to_hex(sha256(as_bytes(fmt::format("{}\n{}", manifest_sha256, root.string()))));
    return root.parent_path() /
           fmt::format(".{}.tinderbox-stage-{}", root.filename().string(), id.substr(0, id_digits));
}

fs::path aside_of(const fs::path& root) {
    return root.parent_path() / fmt::format(".{}.tinderbox-old", root.filename().string());
}

namespace {

std::string generation_prefix(const fs::path& root) {
    return fmt::format(".{}.tinderbox-generation-", root.filename().string());
}

} // namespace

fs::path generation_at(const fs::path& root, unsigned number) {
    return root.parent_path() / fmt::format("{}{}", generation_prefix(root), number);
}

std::optional<unsigned> generation_number(const fs::path& root, std::string_view name) {
    const std::string prefix = generation_prefix(root);
    constexpr unsigned most = 999'999'999; // there is always a next one
    unsigned number = 0;
    if (!name.starts_with(prefix) || !parse_number(name.substr(prefix.size()), number) || number == 0 ||
        number > most || name != generation_at(root, number).filename().string())
        return std::nullopt;
    return number;
}

} // namespace tinderbox::place
