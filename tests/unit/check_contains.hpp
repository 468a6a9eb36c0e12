// CHECK_CONTAINS(text, part): the text must hold the part; a failure shows the whole text.
#pragma once

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <string>
#include <string_view>

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

#define CHECK_CONTAINS(text, part) CHECK_THAT(std::string(text), Catch::Matchers::ContainsSubstring(std::string(part)))
