#include "generator/pip/html.hpp"

#include "common/base/ascii.hpp"
#include "common/base/text.hpp"
#include "common/base/utf8.hpp"

#include <charconv>
#include <cstdint>

namespace tinderbox::pip {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

// Decodes "&gt;" and the like: data-requires-python=">=3.8" is always written with them.
std::string decode_entities(std::string_view text) {
    static constexpr std::pair<std::string_view, std::string_view> named[] = {
        {"lt", "<"}, {"gt", ">"}, {"amp", "&"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", "\xc2\xa0"}};
    std::string out;
    while (true) {
        auto at = text.find('&');
        if (at == std::string_view::npos) return out.append(text);
        constexpr std::size_t longest = 10; // no ';' is looked for behind it
        const auto end = at + text.substr(at, longest + 1).find(';');
        if (end < at || end - at > longest) {
            out.append(text.substr(0, at + 1));
            text.remove_prefix(at + 1);
            continue;
        }
        std::string_view entity = text.substr(at + 1, end - at - 1);
        out.append(text.substr(0, at));
        bool known = false;
        if (entity.starts_with('#')) {
            bool hex = entity.size() > 1 && (entity[1] == 'x' || entity[1] == 'X');
            std::string_view digits = entity.substr(hex ? 2 : 1);
            std::uint32_t code = 0;
            auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, hex ? 16 : 10);
            known = error == std::errc() && stop == digits.data() + digits.size();
            // As browsers do: U+FFFD stands for what is no character.
            if (known) append_utf8(out, code != 0 && is_scalar_value(code) ? char32_t{code} : U'\ufffd');
        } else {
            for (auto [name, character] : named)
                if (entity == name) {
                    out.append(character);
                    known = true;
                }
        }
        if (!known) out.append(text.substr(at, end + 1 - at));
        text.remove_prefix(end + 1);
    }
}

struct Scanner {
    std::string_view page;
    Spending& spending;
    std::size_t at = 0;

    bool end() const { return at >= page.size(); }
    void skip_space() {
        while (!end() && is_space(page[at])) ++at;
    }

    // Behind "<NAME": attributes up to ">".
    Status attributes(HtmlTag& tag) {
        TRY(spending.nodes());
        while (true) {
            while (!end() && (is_space(page[at]) || page[at] == '/')) ++at;
            if (end() || page[at] == '>') break;
            TRY(spending.nodes());
            std::size_t begin = at++;
            while (!end() && !is_space(page[at]) && page[at] != '=' && page[at] != '>' && page[at] != '/') ++at;
            std::string name = to_lower(page.substr(begin, at - begin));
            skip_space();
            std::string value;
            if (!end() && page[at] == '=') {
                ++at;
                skip_space();
                value = decode_entities(raw_value());
            }
            tag.attributes.emplace_back(std::move(name), std::move(value));
        }
        if (!end()) ++at;
        return {};
    }

    std::string_view raw_value() {
        if (end()) return {};
        char quote = page[at];
        if (quote == '"' || quote == '\'') {
            std::size_t begin = ++at;
            at = std::min(page.find(quote, at), page.size());
            auto value = page.substr(begin, at - begin);
            if (!end()) ++at;
            return value;
        }
        std::size_t begin = at;
        while (!end() && !is_space(page[at]) && page[at] != '>') ++at;
        return page.substr(begin, at - begin);
    }
};

} // namespace

const std::string* HtmlTag::find(std::string_view attribute) const {
    for (const auto& [key, value] : attributes)
        if (key == attribute) return &value;
    return nullptr;
}

Result<std::vector<HtmlTag>> html_tags(std::string_view page, std::string_view input, const Budget& budget) {
    std::vector<HtmlTag> out;
    Spending spending(budget, std::string(input), ErrorKind::network);
    Scanner scanner{page, spending};
    while (true) {
        scanner.at = page.find('<', scanner.at);
        if (scanner.at == std::string_view::npos) return out;
        if (page.substr(scanner.at, 4) == "<!--") {
            auto close = page.find("-->", scanner.at + 4);
            if (close == std::string_view::npos) return out;
            scanner.at = close + 3;
            continue;
        }
        ++scanner.at;
        if (scanner.end() || !is_alpha(page[scanner.at])) continue;
        std::size_t begin = scanner.at;
        while (!scanner.end() && !is_space(page[scanner.at]) && page[scanner.at] != '>' && page[scanner.at] != '/')
            ++scanner.at;
        HtmlTag tag;
        tag.name = to_lower(page.substr(begin, scanner.at - begin));
        TRY(scanner.attributes(tag));
        out.push_back(std::move(tag));
    }
}

} // namespace tinderbox::pip
