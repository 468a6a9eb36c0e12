#include "common/base/process.hpp"

#include "common/base/file.hpp"
#include "common/base/interruption.hpp"
#include "common/base/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

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

// Shells and launchers use low numbers for themselves, but the limit of descriptors may be low, too.
int answer_descriptor() {
    constexpr rlim_t wanted = 97;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
    return static_cast<int>(std::clamp<rlim_t>(limit.rlim_cur, 4, wanted + 1) - 1);
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

// A child may end before it has read everything: write() must then fail instead of ending this process.
class IgnoredSigpipe {
  public:
    IgnoredSigpipe() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(SIGPIPE, &ignore, &before_);
    }
    ~IgnoredSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
    IgnoredSigpipe(const IgnoredSigpipe&) = delete;
    IgnoredSigpipe& operator=(const IgnoredSigpipe&) = delete;

  private:
    struct sigaction before_ {};
};

// The longest time until the end of a child is noticed when another process keeps its outputs open.
constexpr int longest_poll = 50; // milliseconds

// One child with its pipes: started, fed and read, waited for.
class Child {
  public:
    explicit Child(const ProcessSpec& spec) : spec_(spec), pending_(spec.input) {}

    Status start();
    // Until the child ends or closes all outputs, or the time limit ends it.
    void exchange();
    ProcessResult wait();

  private:
    bool limited() const { return spec_.timeout_seconds > 0 || interrupted_; }
    bool is_late() const { return limited() && Clock::now() >= deadline_; }
    bool has_ended(int flags = WNOHANG) const; // the child has ended and is not reaped; flags 0: waits for that
    int poll_timeout() const;                  // milliseconds
    // First SIGTERM, and SIGKILL two seconds later. True: it was SIGKILL.
    bool end();
    void end_when_interrupted(); // as after its time
    void collect(int descriptor);
    void drain(); // reads what the outputs hold, but waits for no more
    void feed();

    const ProcessSpec& spec_;
    std::string_view pending_; // of the input
    Pipe in_, out_, err_, answers_;
    pid_t pid_ = 0;
    Clock::time_point deadline_;
    bool interrupted_ = false;
    ProcessResult result_;
};

Status Child::start() {
    TRY(in_.open());
    TRY(out_.open());
    TRY(err_.open());
    if (spec_.answers) TRY(answers_.open());
    auto environment = child_environment(spec_);
    const int answer_number = spec_.answers ? answer_descriptor() : -1;
    if (spec_.answers) environment.push_back(fmt::format("{}={}", answer_variable, answer_number));
    std::vector<char*> envp, argv;
    for (auto& entry : environment) envp.push_back(entry.data());
    envp.push_back(nullptr);
    for (const auto& argument : spec_.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in_.read.get(), 0);
    posix_spawn_file_actions_adddup2(&actions, out_.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, spec_.merge_stderr ? out_.write.get() : err_.write.get(), 2);
    // Last, because one of the others may have this number here.
    if (spec_.answers) posix_spawn_file_actions_adddup2(&actions, answers_.write.get(), answer_number);
    if (!spec_.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, spec_.directory.c_str());
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

    int rc = posix_spawnp(&pid_, argv[0], &actions, &attributes, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0) return errno_error(fmt::format("cannot start '{}'", spec_.argv[0]), rc);
    in_.read.reset();
    out_.write.reset();
    err_.write.reset();
    answers_.write.reset();
    ::fcntl(in_.write.get(), F_SETFL, O_NONBLOCK);
    if (pending_.empty()) in_.write.reset();
    deadline_ = Clock::now() +
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(spec_.timeout_seconds));
    return {};
}

bool Child::has_ended(int flags) const {
    siginfo_t info{};
    const int rc = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | flags);
    return rc == 0 ? info.si_pid == pid_ : errno != EINTR;
}

int Child::poll_timeout() const {
    if (!limited()) return longest_poll;
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left + 1, 1, longest_poll));
}

bool Child::end() {
    const bool again = std::exchange(result_.timed_out, true);
    ::kill(-pid_, again ? SIGKILL : SIGTERM);
    deadline_ = Clock::now() + std::chrono::seconds(2);
    return again;
}

void Child::end_when_interrupted() {
    if (interrupted_ || check_interrupted().ok()) return;
    interrupted_ = true;
    (void)end();
}

void Child::collect(int descriptor) {
    Fd& fd = descriptor == out_.read.get() ? out_.read : descriptor == err_.read.get() ? err_.read : answers_.read;
    std::string& into = &fd == &out_.read ? result_.output : &fd == &err_.read ? result_.error_output : result_.answers;
    char buffer[65536];
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) return fd.reset();
    std::string_view piece(buffer, static_cast<std::size_t>(n));
    if (&fd == &out_.read && spec_.on_output) spec_.on_output(piece);
    if (&fd == &answers_.read && spec_.on_answers) spec_.on_answers(piece);
    into.append(piece.substr(0, spec_.output_limit - std::min(spec_.output_limit, into.size())));
}

void Child::drain() {
    for (Fd* fd : {&out_.read, &err_.read, &answers_.read}) {
        int held = 0; // a process that is left behind may go on writing, so the amount is asked once
        if (!*fd || ::ioctl(fd->get(), FIONREAD, &held) != 0) continue;
        for (; held > 0 && *fd; held -= 65536) collect(fd->get());
    }
}

void Child::feed() {
    ssize_t n = ::write(in_.write.get(), pending_.data(), pending_.size());
    if (n > 0) pending_.remove_prefix(static_cast<std::size_t>(n));
    if (pending_.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) in_.write.reset();
}

void Child::exchange() {
    while (out_.read || err_.read || answers_.read) {
        std::vector<pollfd> fds;
        for (const Fd* fd : {&out_.read, &err_.read, &answers_.read})
            if (*fd) fds.push_back({fd->get(), POLLIN, 0});
        if (in_.write) fds.push_back({in_.write.get(), POLLOUT, 0});
        int ready = ::poll(fds.data(), fds.size(), poll_timeout());
        if (ready < 0 && errno != EINTR) break;
        end_when_interrupted();
        if (is_late() && end()) break;
        if (ready > 0)
            for (const pollfd& fd : fds) {
                if (fd.revents == 0) continue;
                if (fd.fd == in_.write.get()) feed();
                else collect(fd.fd);
            }
        if (has_ended()) return drain();
    }
}

ProcessResult Child::wait() {
    // The pipes can close before the child ends; the time limit holds for that wait, too.
    const bool asks = limited() || work_can_be_interrupted();
    while (!has_ended(asks ? WNOHANG : 0)) {
        end_when_interrupted();
        if (is_late()) end();
        if (asks) ::usleep(2000);
    }
    // Before the child is reaped its group's number belongs to nobody else.
    if (spec_.end_group || result_.timed_out) ::kill(-pid_, SIGKILL);
    int status = 0;
    rusage used{};
    while (::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
    }
    result_.peak_memory = static_cast<std::uint64_t>(used.ru_maxrss) << 10; // getrusage(2): KiB
    if (WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
    return std::move(result_);
}

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
    Child child(spec);
    TRY(child.start());
    const IgnoredSigpipe ignored;
    child.exchange();
    ProcessResult result = child.wait();
    TRY(check_interrupted());
    return result;
}

} // namespace tinderbox
