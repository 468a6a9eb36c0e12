// Texts that programs say to people, compared with golden files: a reworded sentence is one diff to review, and tests
// assert kinds and ids. TINDERBOX_UPDATE_GOLDEN=1 writes the files again.
#pragma once

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace tinderbox::test {

inline bool updates_golden() {
    const char* update = std::getenv("TINDERBOX_UPDATE_GOLDEN");
    return update && *update;
}

// Names the first line that differs. `where`: for the message.
inline void check_same_lines(const std::string& said, const std::string& wanted, const std::string& where) {
    auto ours = split_lines(said), theirs = split_lines(wanted);
    for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
        const std::string_view left = i < ours.size() ? ours[i] : "(nothing)",
                               right = i < theirs.size() ? theirs[i] : "(nothing)";
        if (left == right) continue;
        FAIL_CHECK("line " << i + 1 << " of " << where << "\n  is now: " << left << "\n  was:    " << right);
        return;
    }
}

// The sentences of one test case, in their order: one section "== TEST CASE" of a golden file that the test cases of a
// file share. Compared when it goes out of scope. One a test case, which has no SECTION; one thread.
class GoldenSentences {
  public:
    // `golden`: relative to the source tree. `test_case`: the section's name.
    GoldenSentences(const std::string& golden, std::string test_case)
        : golden_(fs::path(TINDERBOX_SOURCE_DIR) / golden), title_("== " + std::move(test_case)) {}
    GoldenSentences(const GoldenSentences&) = delete;
    GoldenSentences& operator=(const GoldenSentences&) = delete;

    // A text that differs from run to run, such as a temporary directory, is written as `name`.
    void hide(const std::string& text, const std::string& name) { hidden_.emplace_back(text, name); }
    void add(std::string sentence) {
        for (const auto& [text, name] : hidden_) sentence = replace_all(sentence, text, name);
        said_ += replace_all(sentence, "\n", "\n    ") + "\n";
    }

    ~GoldenSentences() {
        std::string text;
        if (auto file = read_text(golden_); file.ok()) text = *std::move(file);
        // A section ends at the next title.
        const std::string begin = title_ + "\n";
        std::size_t at = text.starts_with(begin) ? 0 : text.find("\n" + begin);
        if (at != 0 && at != std::string::npos) ++at;
        const std::size_t next = at == std::string::npos ? at : text.find("\n== ", at);
        const std::size_t end = next == std::string::npos ? text.size() : next + 1;
        if (updates_golden()) {
            if (at == std::string::npos) text += begin + said_;
            else text.replace(at, end - at, begin + said_);
            CHECK(write_atomically(golden_, text).ok());
            return;
        }
        CHECK(at != std::string::npos);
        if (at == std::string::npos) return;
        check_same_lines(begin + said_, text.substr(at, end - at), golden_.filename().string() + ", " + title_);
    }

  private:
    fs::path golden_;
    std::string title_, said_;
    std::vector<std::pair<std::string, std::string>> hidden_;
};

} // namespace tinderbox::test
