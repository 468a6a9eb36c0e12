// Messages of long work while it runs. Functions that work get a Reporter from their caller; only the outermost files
// of a program know that it is the terminal.
#pragma once

#include <cstdint>
#include <string_view>

namespace tinderbox {

// Every member may be called from any thread. Texts are whole sentences or fields without a line end.
class Reporter {
  public:
    virtual ~Reporter() = default;
    // "label  text": one fact about the work, dropped by --quiet.
    virtual void note(std::string_view label, std::string_view text) = 0;
    virtual void warning(std::string_view text) = 0;
    // Progress of the work: `done` of `total` (0 = unknown) in `unit`: "B" for bytes, which are scaled, "s" for
    // seconds, or a noun in the singular. May be called as often as the caller likes.
    virtual void progress(std::string_view label, std::uint64_t done, std::uint64_t total,
                          std::string_view unit = "B") = 0;
    virtual void end_progress() = 0;
};

// Drops everything.
class SilentReporter final : public Reporter {
  public:
    void note(std::string_view, std::string_view) override {}
    void warning(std::string_view) override {}
    void progress(std::string_view, std::uint64_t, std::uint64_t, std::string_view) override {}
    void end_progress() override {}
};

} // namespace tinderbox
