#include "generator/parcel/holed_json.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox::parcel {

using nlohmann::json;

namespace {

std::string plain(const json& value) { return value.dump(2, ' ', false, json::error_handler_t::replace); }

// What stands between the quotes of a JSON string.
std::string escaped(std::string_view text) {
    const std::string quoted = plain(json(std::string(text)));
    return quoted.substr(1, quoted.size() - 2);
}

} // namespace

HoledJson::HoledJson(nlohmann::json value) : value_(std::move(value)) {}
HoledJson::HoledJson(HoledText string) : value_(std::move(string)) {}

HoledJson& HoledJson::operator[](const std::string& key) {
    if (!std::holds_alternative<Members>(value_)) {
        Members members;
        if (const json* plain_object = std::get_if<json>(&value_); plain_object && plain_object->is_object())
            for (const auto& [name, value] : plain_object->items()) members.push_back({name, HoledJson(value)});
        value_ = std::move(members);
    }
    Members& members = std::get<Members>(value_);
    auto at = std::ranges::lower_bound(members, key, {}, &Member::key);
    if (at == members.end() || at->key != key) at = members.insert(at, Member{key, HoledJson()});
    return at->value;
}

void HoledJson::push_back(HoledJson element) {
    if (!std::holds_alternative<Elements>(value_)) {
        Elements elements;
        if (const json* plain_array = std::get_if<json>(&value_); plain_array && plain_array->is_array())
            for (const json& value : *plain_array) elements.emplace_back(value);
        value_ = std::move(elements);
    }
    std::get<Elements>(value_).push_back(std::move(element));
}

HoledText HoledJson::dump() const {
    HoledText out;
    write(out, 0);
    return out;
}

void HoledJson::write(HoledText& out, std::size_t indent) const {
    if (const json* value = std::get_if<json>(&value_)) {
        // A string has no raw newline, so that every newline here is one between values.
        out << replace_all(plain(*value), "\n", "\n" + std::string(indent, ' '));
    } else if (const HoledText* string = std::get_if<HoledText>(&value_)) {
        out << "\"" << string->mapped(escaped) << "\"";
    } else if (const Members* members = std::get_if<Members>(&value_)) {
        write_list(out, indent, "{}", members->size(), [&](std::size_t i) {
            out << plain(json((*members)[i].key)) << ": ";
            (*members)[i].value.write(out, indent + 2);
        });
    } else {
        const Elements& elements = std::get<Elements>(value_);
        write_list(out, indent, "[]", elements.size(), [&](std::size_t i) { elements[i].write(out, indent + 2); });
    }
}

void HoledJson::write_list(HoledText& out, std::size_t indent, std::string_view brackets, std::size_t count,
                           const std::function<void(std::size_t)>& write_item) {
    out << brackets.substr(0, 1);
    for (std::size_t i = 0; i < count; ++i) {
        out << (i > 0 ? ",\n" : "\n") << std::string(indent + 2, ' ');
        write_item(i);
    }
    if (count > 0) out << "\n" << std::string(indent, ' ');
    out << brackets.substr(1);
}

} // namespace tinderbox::parcel
