#include "common/base/config_sources.hpp"

#include "common/base/file.hpp"

#include <cstdlib>

namespace tinderbox {

ConfigSources ConfigSources::machine() {
    ConfigSources out;
    out.variable = [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
    out.file = [](const std::string& path) -> std::optional<std::string> {
        std::error_code ignored;
        if (!fs::is_regular_file(path, ignored)) return std::nullopt;
        auto text = read_text(path, 16u << 20);
        return text.ok() ? std::optional(std::move(text).value()) : std::nullopt;
    };
    return out;
}

} // namespace tinderbox
