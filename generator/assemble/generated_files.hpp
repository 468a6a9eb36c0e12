// Third job of the linker: files that no artifact holds, with their contents in blocks of their own.
#pragma once

#include "generator/assemble/destinations.hpp"
#include "generator/parcel/generated.hpp"

#include <map>

namespace tinderbox::assemble {

// Fills Image::table and ::memory. `linking` and `destinations` have to outlive this.
class GeneratedFiles {
  public:
    GeneratedFiles(Linking& linking, Destinations& destinations) : linking_(linking), destinations_(destinations) {}

    // The files of one call share blocks. Errors: as Destinations::place.
    Status place(const std::vector<parcel::GeneratedFile>& files, format::Root root = format::Root::env,
                 std::uint8_t flags = format::destination_none);
    // Whether the installed bytes differ from the image's: the content has relocations or holes.
    bool changes_at_target(std::uint32_t content) const;
    // After Destinations::sort: holes become relocations. Error (bug): a hole names a file that is not installed.
    Status fill_holes();

  private:
    struct Holes {
        format::Root root; // of the file and of the files that its holes name
        std::vector<parcel::HoledText::Hole> holes;
    };

    Result<format::Content> add_content(const std::string& text);
    Status flush();

    Linking& linking_;
    Destinations& destinations_;
    std::map<std::uint32_t, Holes> holes_; // by content
    Bytes block_;                          // raw bytes of the block that is being filled
};

// The base's files that name the prefix; the others are a parcel (base_files.hpp).
Status add_base_files(Linking& linking, GeneratedFiles& generated);
// Entry points of wheels, activation scripts.
Status add_environment_files(Linking& linking, GeneratedFiles& generated);
// dist-info of wheels. RECORD lists all files of its wheel, so that this comes after every other file of a wheel.
Status add_wheel_records(Linking& linking, GeneratedFiles& generated);

} // namespace tinderbox::assemble
