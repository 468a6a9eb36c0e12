#include "common/base/guarded.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>

namespace tinderbox {
namespace {

constexpr char no_memory[] = "there is not enough memory; end other programs, or use --jobs 1";
constexpr int most_written = 512;

// Neither allocates nor throws.
void say_plainly(const char* message) noexcept {
    char line[most_written];
    std::size_t size = 0;
    for (const char* text : {"error: ", message, "\n"})
        for (; *text != 0 && size + 1 < sizeof line; ++text) line[size++] = *text;
    (void)!::write(STDERR_FILENO, line, size);
}

// An exception left a destructor or a function that promises none: nothing can be tidied any more.
[[noreturn]] void on_terminate() noexcept {
    const Error error = current_exception_as_error();
    say_plainly(error.message.c_str());
    ::_exit(static_cast<int>(error.kind));
}

// libsolv and the C library end the program so when an allocation fails, after a line of their own.
extern "C" void on_abort(int) {
    say_plainly("a library has given up, most likely because there is not enough memory; end other programs, or use "
                "--jobs 1");
    ::_exit(static_cast<int>(ErrorKind::storage));
}

} // namespace

Error current_exception_as_error() noexcept {
    try {
        try {
            throw;
        } catch (const std::bad_alloc&) {
            return {ErrorKind::storage, no_memory};
        } catch (const std::system_error& error) {
            if (error.code().value() == ENOMEM) return {ErrorKind::storage, no_memory};
            return {ErrorKind::storage, error.what()};
        } catch (const std::exception& error) {
            return {ErrorKind::bug, std::string("a bug in Tinderbox: ") + error.what() + "; please report it"};
        } catch (...) {
            return {ErrorKind::bug, "a bug in Tinderbox: an unknown exception; please report it"};
        }
    } catch (...) {
        return {ErrorKind::storage, "no memory left"}; // short enough to need no memory of its own
    }
}

int run_program(const std::function<Result<int>()>& body, const std::function<void(const Error&)>& say) {
    std::set_terminate(on_terminate);
    struct sigaction abort {};
    abort.sa_handler = on_abort;
    ::sigaction(SIGABRT, &abort, nullptr);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    for (int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &ignore, nullptr);
    Result<int> code = guarded(body);
    if (code.ok()) return *code;
    try {
        say(code.error());
    } catch (...) {
        say_plainly(code.error().message.c_str());
    }
    return static_cast<int>(code.error().kind);
}

} // namespace tinderbox
