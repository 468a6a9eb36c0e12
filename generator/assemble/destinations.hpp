// Second job of the linker: the blocks, contents and destinations of all parcels as one table.
#pragma once

#include "generator/assemble/linking.hpp"

#include <map>

namespace tinderbox::assemble {

// The file of a parcel that a destination comes from. Destinations with one origin are the same file in several places.
struct Origin {
    std::uint32_t input = 0;       // the first input with that parcel
    std::uint32_t destination = 0; // in its table
};

// Fills Image::table, ::sources and ::warnings, and LinkedPrefix::by_path. `linking` has to outlive this. Call the
// members in the order in which they stand here.
class Destinations {
  public:
    // A parcel that is linked into several prefixes is in the image once.
    explicit Destinations(Linking& linking);

    // Adds all destinations of every input except info/, which the package cache places. Errors (usage): a file and a
    // directory with one path; a package for Python in a prefix that has none.
    Status add_parcels();
    // One path, one destination. Directories merge. Of two files the later one in link order stays, as with conda and
    // pip, with a warning. `who` names the package in messages. Errors (usage): a file and a directory with one path.
    Status place(format::Destination destination, const std::string& who, std::optional<Origin> origin = {});
    // The destination `index` of input `input`, with the image's content; path, root and flags are those of the parcel.
    format::Destination of_parcel(std::size_t input, std::size_t index) const;
    Origin origin(std::size_t input, std::size_t index) const;
    // The content without its relocations: the file with the old prefix, as in the archive.
    std::uint32_t as_archived(std::uint32_t content);

    // Error (usage): a parent directory is a file or a link in another package.
    Status add_parent_directories();
    // Error (usage): the links of two packages lead out of the prefix together.
    Status check_links() const;
    // Files of one origin without relocations may become one inode at the target.
    void share_files();
    // Sorts into the table's final order; LinkedPrefix::by_path is invalid after that.
    void sort();

  private:
    void add_blocks(std::size_t input);
    void complete_shebangs(format::Content& content) const;
    void set_base_root(format::Destination& destination) const;
    void warn_about(const LinkInput& input);
    Status add_parents(LinkedPrefix& to, std::uint8_t flags);
    std::string owner(const format::Destination& destination) const;
    void append(LinkedPrefix& to, format::Destination destination, std::optional<Origin> origin);

    Linking& linking_;
    format::Table& table_;                                   // the image's
    std::vector<std::optional<Origin>> origins_;             // by destination, until they are sorted
    std::vector<std::uint32_t> first_content_, first_input_; // by input
    std::map<std::uint32_t, std::uint32_t> archived_;        // content → the same without relocations
};

} // namespace tinderbox::assemble
