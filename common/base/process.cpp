#include "common/base/process.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace tinderbox {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> child_environment(const ProcessSpec& spec) {
    std::vector<std::string> out;
    auto removed = [&](std::string_view name) {
        if (spec.set.contains(std::string(name))) return true;
        return std::any_of(spec.unset.begin(), spec.unset.end(), [&](std::string_view pattern) {
            if (!pattern.ends_with('*')) return pattern == name;
            return name.starts_with(pattern.substr(0, pattern.size() - 1));
        });
    };
    if (!spec.clear_environment)
        for (char** entry = environ; *entry; ++entry) {
            std::string_view text = *entry;
            if (!removed(text.substr(0, text.find('=')))) out.emplace_back(text);
        }
    for (const auto& [name, value] : spec.set) out.push_back(name + "=" + value);
    return out;
}

struct Pipe {
    Fd read, write;
    Status open() {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("cannot create a pipe", errno);
        read.reset(fds[0]);
        write.reset(fds[1]);
        return {};
    }
};

} // namespace

std::string_view last_line(std::string_view output) {
    output = trim(output);
    const auto newline = output.rfind('\n');
    return newline == std::string_view::npos ? output : trim(output.substr(newline + 1));
}

std::string environment_variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string ProcessResult::describe() const {
    if (timed_out) return "no answer in time";
    if (signal != 0) {
        const char* name = sigabbrev_np(signal);
        return fmt::format("killed by SIG{}", name ? name : std::to_string(signal));
    }
    return fmt::format("exit status {}", exit_code);
}

Result<ProcessResult> run_process(const ProcessSpec& spec) {
    if (spec.argv.empty()) return make_error(ErrorKind::bug, "run_process without a command");
    Pipe in, out, err;
    TRY(in.open());
    TRY(out.open());
    TRY(err.open());

    auto environment = child_environment(spec);
    std::vector<char*> envp, argv;
    for (auto& entry : environment) envp.push_back(entry.data());
    envp.push_back(nullptr);
    for (const auto& argument : spec.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, spec.merge_stderr ? out.write.get() : err.write.get(), 2);
    if (!spec.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, spec.directory.c_str());
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A group of its own, so that a time-out reaches grandchildren; default signals.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);

    pid_t pid = 0;
    int rc = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0) return errno_error(fmt::format("cannot start '{}'", spec.argv[0]), rc);
    in.read.reset();
    out.write.reset();
    err.write.reset();

    ProcessResult result;
    std::string_view pending = spec.input;
    ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
    if (pending.empty()) in.write.reset();
    // A child may end before it has read everything: write() must then fail instead of ending this process.
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before);

    auto deadline = Clock::now() + std::chrono::duration<double>(spec.timeout_seconds);
    bool limited = spec.timeout_seconds > 0;
    auto collect = [&](Fd& fd, std::string& into, bool report) {
        char buffer[65536];
        ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) return;
        if (n <= 0) return fd.reset();
        std::string_view piece(buffer, static_cast<std::size_t>(n));
        if (report && spec.on_output) spec.on_output(piece);
        into.append(piece.substr(0, spec.output_limit - std::min(spec.output_limit, into.size())));
    };
    while (out.read || err.read) {
        std::vector<pollfd> fds;
        if (out.read) fds.push_back({out.read.get(), POLLIN, 0});
        if (err.read) fds.push_back({err.read.get(), POLLIN, 0});
        if (in.write) fds.push_back({in.write.get(), POLLOUT, 0});
        int wait = -1;
        if (limited) {
            auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
            wait = static_cast<int>(std::max<long long>(left, 0)) + 1;
        }
        int ready = ::poll(fds.data(), fds.size(), wait);
        if (ready < 0 && errno != EINTR) break;
        if (limited && Clock::now() >= deadline) {
            if (result.timed_out) { // the child ignored SIGTERM
                ::kill(-pid, SIGKILL);
                break;
            }
            result.timed_out = true;
            ::kill(-pid, SIGTERM);
            deadline = Clock::now() + std::chrono::seconds(2);
            continue;
        }
        if (ready <= 0) continue;
        for (const pollfd& fd : fds) {
            if (fd.revents == 0) continue;
            if (out.read && fd.fd == out.read.get()) collect(out.read, result.output, true);
            else if (err.read && fd.fd == err.read.get()) collect(err.read, result.error_output, false);
            else if (in.write && fd.fd == in.write.get()) {
                ssize_t n = ::write(in.write.get(), pending.data(), pending.size());
                if (n > 0) pending.remove_prefix(static_cast<std::size_t>(n));
                if (pending.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) in.write.reset();
            }
        }
    }
    int status = 0;
    for (;;) {
        // The pipes can close before the child ends; the time limit holds for that wait, too.
        pid_t got = ::waitpid(pid, &status, limited ? WNOHANG : 0);
        if (got == pid || (got < 0 && errno != EINTR)) break;
        if (limited && got == 0) {
            if (Clock::now() >= deadline) {
                ::kill(-pid, result.timed_out ? SIGKILL : SIGTERM);
                result.timed_out = true;
                deadline = Clock::now() + std::chrono::seconds(2);
            }
            ::usleep(2000);
        }
    }
    ::sigaction(SIGPIPE, &before, nullptr);
    if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
    return result;
}

} // namespace tinderbox
