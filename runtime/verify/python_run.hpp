// Runs the environment's own Python for a check: sets its variables, reads its answers, and finds the variable that
// makes a check fail in the user's shell only.
#pragma once

#include "common/format/manifest.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::verify {

using Variables = std::map<std::string, std::string>;

// The answers of a script: JSON objects, a line each, on a descriptor of their own, because an imported module may
// print anything. checks/answer.py defines say(), which sends them, and end().
struct PythonAnswer {
    std::vector<nlohmann::json> lines;
    std::string failure;     // how the process failed: "killed by SIGSEGV", "no answer within 300 s"; "" = it did not
    bool complete = false;   // the script came to its end; otherwise an import may have ended Python, with any status
    std::string stderr_tail; // the last line of standard error, at most 400 bytes
    double seconds = 0;
    std::uint64_t peak_memory = 0; // bytes

    std::string text(const char* key) const;         // the first string under this key in any answer
    std::optional<bool> flag(const char* key) const; // the first boolean, likewise
    std::string last_begin() const;                  // the last say(begin=…): the step that was running at the end
    std::string with_last_words() const;             // `failure` and `stderr_tail`
    std::vector<std::string> texts(const char* key) const; // the strings of all lists under this key
    // The answers of one framework's check among those of imports (checks/imports.py): with the failure of the whole
    // process when the check did not come to its end.
    PythonAnswer of_framework(std::string_view name) const;
};

class EnvironmentPython {
  public:
    // `user`: the variables of the user's shell. This object keeps references to `manifest` and `user`.
    EnvironmentPython(const format::Manifest& manifest, std::string prefix, const Variables& user,
                      double timeout_seconds)
        : manifest_(manifest), prefix_(std::move(prefix)), user_(user), timeout_seconds_(timeout_seconds) {}

    // The user's home, name, temporary directories and choice of GPU; and the variables that activation sets.
    Variables clean() const;
    // All variables of the user's shell, and those that activation sets.
    Variables user() const;

    // `on_answer` gets each answer as it arrives.
    PythonAnswer run(std::string_view script, const std::vector<std::string>& arguments, Variables environment,
                     const std::function<void(const nlohmann::json&)>& on_answer = {}) const;

    // Variables that culprit() looks at as well.
    void suspect(std::vector<std::string> names) { further_suspects_ = std::move(names); }
    // The first of the user's variables without which `works` returns true; "" when none is the cause.
    std::string culprit_variable(const std::function<bool(const Variables&)>& works) const;
    // Advice for the user. It names the first of their variables without which `works` returns true.
    std::string culprit(const std::function<bool(const Variables&)>& works) const;

    const std::string& prefix() const { return prefix_; }
    bool owns(std::string_view file) const { return file.starts_with(prefix_ + "/"); }
    std::string executable() const { return prefix_ + "/" + manifest_.python->executable; }

  private:
    void activate(Variables& variables) const;

    const format::Manifest& manifest_;
    std::string prefix_;
    const Variables& user_;
    double timeout_seconds_;
    std::vector<std::string> further_suspects_;
};

} // namespace tinderbox::verify
