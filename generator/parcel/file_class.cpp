#include "generator/parcel/file_class.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "generator/elf/elf.hpp"

#include <algorithm>
#include <array>

namespace tinderbox::parcel {
namespace {

struct Suffix {
    std::string_view suffix;
    FileClass file_class;
};

// One spelling each, lower case, without the dot.
constexpr std::array suffixes = {
    Suffix{"py", FileClass::text},
    Suffix{"pyi", FileClass::text},
    Suffix{"pyx", FileClass::text},
    Suffix{"pxd", FileClass::text},
    Suffix{"pxi", FileClass::text},
    Suffix{"txt", FileClass::text},
    Suffix{"md", FileClass::text},
    Suffix{"rst", FileClass::text},
    Suffix{"json", FileClass::text},
    Suffix{"yaml", FileClass::text},
    Suffix{"yml", FileClass::text},
    Suffix{"toml", FileClass::text},
    Suffix{"cfg", FileClass::text},
    Suffix{"ini", FileClass::text},
    Suffix{"xml", FileClass::text},
    Suffix{"html", FileClass::text},
    Suffix{"css", FileClass::text},
    Suffix{"js", FileClass::text},
    Suffix{"ts", FileClass::text},
    Suffix{"map", FileClass::text},
    Suffix{"svg", FileClass::text},
    Suffix{"c", FileClass::text},
    Suffix{"cc", FileClass::text},
    Suffix{"cpp", FileClass::text},
    Suffix{"cxx", FileClass::text},
    Suffix{"h", FileClass::text},
    Suffix{"hh", FileClass::text},
    Suffix{"hpp", FileClass::text},
    Suffix{"hxx", FileClass::text},
    Suffix{"inl", FileClass::text},
    Suffix{"cu", FileClass::text},
    Suffix{"cuh", FileClass::text},
    Suffix{"ptx", FileClass::text},
    Suffix{"cmake", FileClass::text},
    Suffix{"sh", FileClass::text},
    Suffix{"csv", FileClass::text},
    Suffix{"f90", FileClass::text},
    Suffix{"f", FileClass::text},
    Suffix{"typed", FileClass::text},
    Suffix{"pc", FileClass::text},
    Suffix{"la", FileClass::text},
    Suffix{"in", FileClass::text},
    Suffix{"pyc", FileClass::bytecode},
    Suffix{"pyo", FileClass::bytecode},
    Suffix{"so", FileClass::elf},
    Suffix{"o", FileClass::elf},
    Suffix{"a", FileClass::elf},
    Suffix{"png", FileClass::compressed},
    Suffix{"jpg", FileClass::compressed},
    Suffix{"jpeg", FileClass::compressed},
    Suffix{"gif", FileClass::compressed},
    Suffix{"webp", FileClass::compressed},
    Suffix{"woff", FileClass::compressed},
    Suffix{"woff2", FileClass::compressed},
    Suffix{"zip", FileClass::compressed},
    Suffix{"whl", FileClass::compressed},
    Suffix{"egg", FileClass::compressed},
    Suffix{"jar", FileClass::compressed},
    Suffix{"gz", FileClass::compressed},
    Suffix{"tgz", FileClass::compressed},
    Suffix{"bz2", FileClass::compressed},
    Suffix{"xz", FileClass::compressed},
    Suffix{"lzma", FileClass::compressed},
    Suffix{"zst", FileClass::compressed},
    Suffix{"7z", FileClass::compressed},
    Suffix{"npz", FileClass::compressed},
    Suffix{"parquet", FileClass::compressed},
    Suffix{"mp3", FileClass::compressed},
    Suffix{"mp4", FileClass::compressed},
    Suffix{"ogg", FileClass::compressed},
    Suffix{"conda", FileClass::compressed},
    Suffix{"docx", FileClass::compressed},
};

} // namespace

std::optional<FileClass> class_by_name(std::string_view path) {
    const std::string name = to_lower(last_component(path));
    const std::size_t dot = name.rfind('.');
    if (dot != std::string::npos) {
        const std::string_view suffix = std::string_view(name).substr(dot + 1);
        for (const Suffix& known : suffixes)
            if (suffix == known.suffix) return known.file_class;
    }
    if (name.find(".so.") != std::string::npos) return FileClass::elf; // libcublasLt.so.12
    // METADATA, RECORD and their like.
    if (path.find(".dist-info/") != std::string_view::npos || path.find(".egg-info/") != std::string_view::npos)
        return FileClass::text;
    return std::nullopt;
}

FileClass class_by_content(ByteView head) {
    if (elf::looks_like_elf(head)) return FileClass::elf;
    const std::string_view text = as_text(head);
    for (std::string_view magic :
         {std::string_view("PK\3\4"), std::string_view("\x1f\x8b"), std::string_view("BZh"),
          std::string_view("\xfd"
                           "7zXZ"),
          std::string_view("\x28\xb5\x2f\xfd"), std::string_view("\x89PNG"), std::string_view("\xff\xd8\xff")})
        if (text.starts_with(magic)) return FileClass::compressed;
    const bool binary = text.find('\0') != std::string_view::npos;
    return binary ? FileClass::other : FileClass::text;
}

// From measurements (docs/inside/parcel.md). ELF: most bytes are
// fatbins that are compressed already; level 9 saves 1 % more than 3 for three times the time. Text and bytecode
// are small and gain a seventh from 9. Compressed files get one cheap try, because some only look compressed.
int zstd_level(FileClass file_class, Level level) {
    static constexpr int levels[file_class_count][3] = {
        /* text */ {3, 9, 19},  /* bytecode */ {3, 9, 19},  /* elf */ {1, 3, 19},
        /* other */ {1, 6, 19}, /* compressed */ {1, 1, 3},
    };
    return levels[static_cast<std::size_t>(file_class)][static_cast<std::size_t>(level)];
}

} // namespace tinderbox::parcel
