// Runs a child process and collects its output. Thread-safe; the calling thread waits until the child itself has ended.
// It does not wait for processes that the child leaves behind, even if they keep the outputs open.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

// Names the descriptor of `ProcessSpec::answers` in the child's environment. The child takes the variable out, so that
// nothing it starts or imports sees it.
inline constexpr const char* answer_variable = "TINDERBOX_ANSWERS";

struct ProcessSpec {
    std::vector<std::string> argv;          // argv[0] is a path, or a name looked up in PATH
    std::map<std::string, std::string> set; // variables to set
    std::vector<std::string> unset;         // variables to remove; a trailing '*' removes by prefix
    bool clear_environment = false;         // start from nothing but `set`
    std::string directory;                  // working directory, "" = ours
    std::string input;                      // what the child reads on standard input
    double timeout_seconds = 0;             // 0 = none; then SIGTERM, after 2 s SIGKILL to its group
    bool merge_stderr = false;              // stderr into `output`
    bool answers = false;                 // the child answers on a descriptor of its own: anything may print on stdout
    bool end_group = false;               // processes that the child leaves behind are killed
    std::size_t output_limit = 16u << 20; // of each output; more than this is dropped
    std::function<void(std::string_view)> on_output;  // called with pieces of stdout as they arrive
    std::function<void(std::string_view)> on_answers; // likewise, with pieces of the answers
};

struct ProcessResult {
    int exit_code = -1; // valid when signal == 0
    int signal = 0;     // the signal that ended it
    bool timed_out = false;
    std::string output;            // stdout
    std::string error_output;      // stderr
    std::string answers;           // what was written to the descriptor for answers
    std::uint64_t peak_memory = 0; // bytes: the largest resident set of the child, or of one it has waited for
    bool succeeded() const { return exit_code == 0 && signal == 0 && !timed_out; }
    std::string describe() const; // "exit status 1", "killed by SIGSEGV", "no answer in 30 s"
};

// An error only when the child could not be started, or after an interruption (interruption.hpp), which ends the child.
Result<ProcessResult> run_process(const ProcessSpec& spec);

// The last line of a program's output that is not blank, trimmed: usually the reason of a failure. A view into
// `output`.
std::string_view last_line(std::string_view output);

// A variable of this process; "" when it is not set. Not safe beside setenv().
std::string environment_variable(const char* name);

} // namespace tinderbox
