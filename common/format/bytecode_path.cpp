#include "common/format/bytecode_path.hpp"

#include "common/base/result.hpp"

namespace tinderbox::format {
namespace {

constexpr std::string_view cache_directory = "__pycache__", source_suffix = ".py", bytecode_suffix = ".pyc";

// "a/b" → {"a/", "b"}.
std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
    const auto slash = path.rfind('/');
    const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
    return {path.substr(0, name), path.substr(name)};
}

bool lies_in_cache(std::string_view directory) {
    if (directory.empty()) return false;
    directory.remove_suffix(1); // its '/'
    return split_path(directory).second == cache_directory;
}

} // namespace

std::string bytecode_path(std::string_view source, std::string_view cache_tag) {
    auto [directory, name] = split_path(source);
    if (name.ends_with(source_suffix)) name.remove_suffix(source_suffix.size());
    return fmt::format("{}{}/{}.{}{}", directory, cache_directory, name, cache_tag, bytecode_suffix);
}

std::optional<std::string> source_of_bytecode(std::string_view bytecode, std::string_view cache_tag) {
    auto [cache, name] = split_path(bytecode);
    const std::string suffix = fmt::format(".{}{}", cache_tag, bytecode_suffix);
    if (!lies_in_cache(cache) || !name.ends_with(suffix) || name.size() == suffix.size()) return std::nullopt;
    name.remove_suffix(suffix.size());
    cache.remove_suffix(cache_directory.size() + 1);
    return fmt::format("{}{}{}", cache, name, source_suffix);
}

bool is_cached_bytecode(std::string_view path) {
    const auto [directory, name] = split_path(path);
    return lies_in_cache(directory) && name.ends_with(bytecode_suffix);
}

} // namespace tinderbox::format
