// Running the environment's own Python for a check: which variables it sees, how its answers are told from what
// modules print, and which of the user's variables is to blame when only their shell fails.
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

// The output of a script. Every answer is one JSON object on a line behind a mark, because an imported module may print
// anything; python_prelude defines the function say() that prints them.
struct PythonAnswer {
    std::vector<nlohmann::json> lines;
    std::string failure; // of the process: "killed by SIGSEGV", "no answer within 300 s"; "" = it ended as it should
    std::string stderr_tail; // its last line, at most 400 bytes
    double seconds = 0;

    std::string text(const char* key) const;         // of the first answer that has a string there
    std::optional<bool> flag(const char* key) const; // likewise
    std::string last_begin() const;                  // the last say(begin=…): what was being done when it ended
};

class EnvironmentPython {
  public:
    // `user`: the variables of the user's shell. Both must outlive this object.
    EnvironmentPython(const format::Manifest& manifest, std::string prefix, const Variables& user,
                      double timeout_seconds)
        : manifest_(manifest), prefix_(std::move(prefix)), user_(user), timeout_seconds_(timeout_seconds) {}

    // Nothing of the user's but where their home is, and what activation sets.
    Variables clean() const;
    // The user's shell after activation.
    Variables user() const;

    PythonAnswer run(std::string_view script, const std::vector<std::string>& arguments, Variables environment) const;

    // Advice: the first of the user's variables without which `works` holds.
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
};

} // namespace tinderbox::verify
