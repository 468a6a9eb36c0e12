// The Python scripts of runtime/verify/checks, embedded. The views live as long as the program.
#pragma once

#include <string_view>

namespace tinderbox::verify::scripts {

std::string_view answer();  // goes before every other script
std::string_view prelude(); // goes before each framework's check
std::string_view start();
std::string_view imports();
std::string_view metadata(); // goes before imports() and plan()
std::string_view plan();
std::string_view shell();
std::string_view watch(); // goes before what imports packages
std::string_view torch();
std::string_view jax();
std::string_view cupy();
std::string_view tensorflow();
std::string_view numba();

} // namespace tinderbox::verify::scripts
