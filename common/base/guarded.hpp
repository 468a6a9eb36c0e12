// Where exceptions end. Our own code returns errors; the standard library and others' libraries throw, above all when
// memory is short. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <functional>
#include <type_traits>

namespace tinderbox {

// Of the exception that is being handled. Kind storage for want of memory or of another resource of the system, else
// bug.
Error current_exception_as_error() noexcept;

// Calls `function`, which returns a Result, and returns what it throws as an Error.
template <class Function> std::invoke_result_t<Function&> guarded(Function&& function) {
    try {
        return function();
    } catch (...) {
        return current_exception_as_error();
    }
}

// What main() does: the exit code of `body`. A write into a closed pipe or beyond a limit of the file size becomes an
// error of write() instead of a signal. `say` gets the error that `body` returned or threw.
int run_program(const std::function<Result<int>()>& body, const std::function<void(const Error&)>& say);

} // namespace tinderbox
