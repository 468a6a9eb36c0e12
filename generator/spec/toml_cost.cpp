#include "generator/spec/toml_cost.hpp"

#include <algorithm>
#include <vector>

namespace tinderbox::spec {
namespace {

class Scan {
  public:
    Scan(std::string_view text, const std::string& path, const Budget& budget)
        : text_(text), path_(path), budget_(budget), spending_(budget, path) {}

    Status run() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '"' || c == '\'') {
                skip_string(c);
                continue;
            }
            if (c == '#') {
                at_ = std::min(text_.find('\n', at_), text_.size());
                continue;
            }
            TRY(one(c));
            ++at_;
        }
        return {};
    }

  private:
    Status one(char c) {
        switch (c) {
        case '\n':
            if (open_.empty()) dots_ = 0;
            ++line_;
            return {};
        case '.':
            ++dots_;
            return check_depth();
        case '=':
            return spending_.nodes();
        case ',':
            dots_ = 0;
            return spending_.nodes();
        case '[':
        case '{':
            open_.push_back(dots_);
            outer_dots_ += dots_;
            dots_ = 0;
            TRY(spending_.nodes());
            return check_depth();
        case ']':
        case '}':
            if (open_.empty()) return {};
            dots_ = open_.back();
            outer_dots_ -= dots_;
            open_.pop_back();
            return {};
        default:
            return {};
        }
    }

    Status check_depth() const {
        if (open_.size() + outer_dots_ + dots_ <= budget_.depth) return {};
        return over_budget(ErrorKind::usage, fmt::format("{}:{}", path_, line_), Resource::depth, budget_.depth);
    }

    // A string of one line ends at the line's end at the latest: the parser complains about it.
    void skip_string(char quote) {
        const std::string three(3, quote);
        const bool long_one = text_.substr(at_, 3) == three;
        at_ += long_one ? 3 : 1;
        for (; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '\n') {
                if (!long_one) return;
                ++line_;
            } else if (c == '\\' && quote == '"') {
                if (++at_ < text_.size() && text_[at_] == '\n') ++line_;
            } else if (c == quote && (!long_one || text_.substr(at_, 3) == three)) {
                at_ += long_one ? 3 : 1;
                return;
            }
        }
    }

    std::string_view text_;
    const std::string& path_;
    const Budget& budget_;
    Spending spending_;
    std::size_t at_ = 0;
    int line_ = 1;
    std::uint64_t dots_ = 0, outer_dots_ = 0; // of the key at hand; of the keys whose brackets are open
    std::vector<std::uint64_t> open_;         // for each open bracket the dots of the key in front of it
};

} // namespace

Status check_toml_cost(std::string_view text, const std::string& path, const Budget& budget) {
    return Scan(text, path, budget).run();
}

} // namespace tinderbox::spec
