// Which .pyc belongs to which .py: PEP 3147 and importlib.util.cache_from_source(). Pure functions of relative paths
// with '/'.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox::format {

// "DIR/NAME.py", "cpython-311" → "DIR/__pycache__/NAME.cpython-311.pyc".
std::string bytecode_path(std::string_view source, std::string_view cache_tag);

// The source of a .pyc; nullopt: it is no bytecode of a source for this interpreter.
std::optional<std::string> source_of_bytecode(std::string_view bytecode, std::string_view cache_tag);

// Whether Python wrote the file beside some source, for any interpreter: a ".pyc" in "__pycache__".
bool is_cached_bytecode(std::string_view path);

} // namespace tinderbox::format
