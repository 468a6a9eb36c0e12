// Files that the linker itself writes: entry points, RECORD, conda-meta, activation scripts. They hold things that
// only the target knows – the prefix, hashes of relocated files – as relocations against symbolic targets.
#pragma once

#include "common/format/table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

// A text with holes. The target of a digest is named by its final path; the linker turns it into an index.
class HoledText {
  public:
    struct Hole {
        RelocKind kind;
        std::uint64_t offset, length;
        std::string text;   // shebang
        std::string target; // digest_*, size_decimal: final path below the environment's prefix
    };
    HoledText& operator<<(std::string_view text) {
        text_ += text;
        return *this;
    }
    // The prefix, as is.
    HoledText& prefix();
    // A first line "#!…" in which '\x01' stands for the prefix; the text goes on after its newline.
    HoledText& shebang(std::string_view line);
    HoledText& digest(RelocKind kind, std::string target);
    HoledText& size(std::string target);
    // `with_markers`: every '\x01' in it is the prefix.
    HoledText& marked(std::string_view with_markers);

    const std::string& text() const { return text_; }
    const std::vector<Hole>& holes() const { return holes_; }

  private:
    std::string text_;
    std::vector<Hole> holes_;
};

struct GeneratedFile {
    std::string path; // final, below the environment's prefix
    std::uint16_t mode = 0644;
    std::uint32_t package = 0;
    HoledText content;
};

} // namespace tinderbox
