// The lines of a text one after another, as split_lines() cuts them: a list of them costs sixteen bytes for each line,
// which is a gigabyte for 64 MB of empty lines.
#pragma once

#include <iterator>
#include <string_view>

namespace tinderbox {

// A range for a loop. Views point into the text, which must outlive it. Thread-safe.
class Lines {
  public:
    explicit Lines(std::string_view text) : text_(text) {
        if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
    }

    class Iterator {
      public:
        explicit Iterator(std::string_view rest) : rest_(rest) { cut(); }
        std::string_view operator*() const { return line_.ends_with('\r') ? line_.substr(0, line_.size() - 1) : line_; }
        Iterator& operator++() {
            rest_.remove_prefix(line_.size() < rest_.size() ? line_.size() + 1 : rest_.size());
            cut();
            return *this;
        }
        bool operator==(std::default_sentinel_t) const { return rest_.empty(); }

      private:
        void cut() { line_ = rest_.substr(0, rest_.find('\n')); }
        std::string_view rest_, line_;
    };

    Iterator begin() const { return Iterator(text_); }
    std::default_sentinel_t end() const { return {}; }

  private:
    std::string_view text_;
};

} // namespace tinderbox
