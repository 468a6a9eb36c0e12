// Result<T>: a value, or an Error that says what went wrong in one sentence.
//
// There is one error type in the whole program. Its kind is the documented exit code
// (docs/using/exit-codes.md); only main() turns it into one. No exception crosses a module's boundary.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace tinderbox {

// The value is the process's exit code, a contract with scripts outside this repository.
enum class ErrorKind : int {
    usage = 2,         // wrong usage, or an input with an error (file:line, artifact:member)
    machine = 3,       // this machine or its driver cannot run the environment
    damaged = 4,       // the installer is damaged, cut short, or its signature does not match
    storage = 5,       // disk, quota, inodes, permission, existing prefix, I/O
    gpu = 6,           // installed, but the GPU verification failed
    interrupted = 7,   // interrupted or declined; run again to go on
    network = 8,       // network or server
    unsatisfiable = 9, // no set of packages satisfies the request
    script = 10,       // installed, but a package's script or an import failed, not the GPU
    bug = 70,          // a bug in Tinderbox
};

struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::bug;
    std::string message; // one sentence, no trailing newline; says what, where, and what to do

    // Prepends the place: "requirements.txt:3: …".
    Error&& in(std::string_view context) && {
        message = fmt::format("{}: {}", context, message);
        return std::move(*this);
    }
};

template <class... Args> Error make_error(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
    return Error{kind, fmt::format(format, std::forward<Args>(args)...)};
}

// An Error of kind `storage` (or another) with errno's text at the end: "cannot open 'x': No such file".
Error errno_error(std::string_view what, int error_number, ErrorKind kind = ErrorKind::storage);

template <class T> class [[nodiscard]] Result {
  public:
    using value_type = T;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    template <class U>
    requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> && !std::is_same_v<std::remove_cvref_t<U>, Result>)
        Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T& value() & { return std::get<0>(state_); }
    const T& value() const& { return std::get<0>(state_); }
    T&& value() && { return std::get<0>(std::move(state_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    Error& error() & { return std::get<1>(state_); }
    const Error& error() const& { return std::get<1>(state_); }
    Error&& error() && { return std::get<1>(std::move(state_)); }

    // Adds a context to an error; a value stays as it is.
    Result in(std::string_view context) && {
        if (!ok()) return std::get<1>(std::move(state_)).in(context);
        return std::move(*this);
    }

  private:
    std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_.has_value(); }
    explicit operator bool() const { return ok(); }
    Error& error() & { return *error_; }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }

    Result in(std::string_view context) && {
        if (!ok()) return std::move(*error_).in(context);
        return {};
    }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

// TRY(expr): return the error of a Status/Result from the enclosing function, or go on.
// TRY_ASSIGN(decl, expr): the same, and bind the value: TRY_ASSIGN(auto text, read_file(path));
#define TINDERBOX_CONCAT_(a, b) a##b
#define TINDERBOX_CONCAT(a, b) TINDERBOX_CONCAT_(a, b)
#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        auto try_status_ = (expression);                                                                               \
        if (!try_status_.ok()) return std::move(try_status_).error();                                                  \
    } while (false)
#define TRY_ASSIGN_IMPL(result, declaration, expression)                                                               \
    auto result = (expression);                                                                                        \
    if (!result.ok()) return std::move(result).error();                                                                \
    declaration = std::move(result).value()
#define TRY_ASSIGN(declaration, ...)                                                                                   \
    TRY_ASSIGN_IMPL(TINDERBOX_CONCAT(try_result_, __LINE__), declaration, (__VA_ARGS__))

} // namespace tinderbox
