// Files that no artifact holds: entry points, RECORD, conda-meta, activation scripts. Only the target knows the prefix
// and the hashes of relocated files, so these texts have holes, which the linker turns into relocations
// (common/format/table.hpp).
#pragma once

#include "common/format/table.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::parcel {

// A text with holes. Each hole is filled with a stand-in, so that text() has the length that most targets need.
class HoledText {
  public:
    struct Hole {
        format::RelocKind kind;
        std::uint64_t offset, length; // of the stand-in, bytes
        std::string text;             // shebang: the line, '\x01' for the prefix
        std::string target;           // digest_*, size_decimal: final path below the prefix that the file lies in
    };

    HoledText& operator<<(std::string_view text);
    HoledText& operator<<(const HoledText& other);
    // The prefix, as is.
    HoledText& prefix();
    // A first line "#!…" in which '\x01' stands for the prefix; the text goes on after its newline.
    HoledText& shebang(std::string_view line);
    // The hash or the size that the file at `target` has once it is installed.
    HoledText& digest(format::RelocKind kind, std::string target);
    HoledText& size(std::string target);
    // `with_markers`: every '\x01' in it becomes a hole for the prefix.
    HoledText& marked(std::string_view with_markers);

    const std::string& text() const { return text_; }
    const std::vector<Hole>& holes() const { return holes_; } // by offset
    // Applies `change` to the texts before, between and behind the holes; the holes stay.
    HoledText mapped(const std::function<std::string(std::string_view)>& change) const;

  private:
    HoledText& hole(Hole hole, std::string_view stand_in);

    std::string text_;
    std::vector<Hole> holes_;
};

struct GeneratedFile {
    std::string path; // final, below its prefix
    std::uint16_t mode = 0644;
    std::uint32_t package = 0; // index into the manifest's packages; set by the linker
    HoledText content;
};

} // namespace tinderbox::parcel
