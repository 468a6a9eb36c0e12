// JSON whose strings may have holes: conda's records name the prefix and hashes that only the target knows.
#pragma once

#include "generator/parcel/generated.hpp"

#include <nlohmann/json.hpp>

#include <variant>

namespace tinderbox::parcel {

// A value: plain JSON, a string with holes, or an object or array that has such a string somewhere inside.
class HoledJson {
  public:
    HoledJson(nlohmann::json value = nullptr);
    HoledJson(HoledText string);

    // A member of an object. Plain JSON becomes an object with the same members; a value of another type is lost.
    HoledJson& operator[](const std::string& key);
    // Appends to an array, likewise.
    void push_back(HoledJson element);

    // The form of nlohmann's dump(2): members by name, two spaces a level, invalid UTF-8 replaced.
    HoledText dump() const;

  private:
    struct Member;
    using Members = std::vector<Member>;
    using Elements = std::vector<HoledJson>;

    void write(HoledText& out, std::size_t indent) const;
    static void write_list(HoledText& out, std::size_t indent, std::string_view brackets, std::size_t count,
                           const std::function<void(std::size_t)>& write_item);

    std::variant<nlohmann::json, HoledText, Members, Elements> value_;
};

struct HoledJson::Member {
    std::string key;
    HoledJson value;
};

} // namespace tinderbox::parcel
