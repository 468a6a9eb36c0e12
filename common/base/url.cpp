#include "common/base/url.hpp"

#include "common/base/text.hpp"

namespace tinderbox {

Url Url::parse(std::string_view text) {
    Url url;
    if (auto hash = text.find('#'); hash != std::string_view::npos) {
        url.fragment = text.substr(hash + 1);
        text = text.substr(0, hash);
    }
    if (auto mark = text.find('?'); mark != std::string_view::npos) {
        url.query = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    if (auto colon = text.find("://"); colon != std::string_view::npos) {
        url.scheme = to_lower(text.substr(0, colon));
        text.remove_prefix(colon + 3);
        auto slash = text.find('/');
        std::string_view authority = text.substr(0, slash);
        text = slash == std::string_view::npos ? std::string_view() : text.substr(slash);
        if (auto at = authority.rfind('@'); at != std::string_view::npos) {
            url.userinfo = authority.substr(0, at);
            authority.remove_prefix(at + 1);
        }
        auto bracket = authority.rfind(']');
        auto port = authority.rfind(':');
        if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
            url.port = authority.substr(port + 1);
            authority = authority.substr(0, port);
        }
        url.host = to_lower(authority);
    }
    url.path = text;
    return url;
}

std::string Url::origin() const { return scheme + "://" + host + (port.empty() ? "" : ":" + port); }

std::string Url::str() const {
    std::string out;
    if (!scheme.empty())
        out = scheme + "://" + (userinfo.empty() ? "" : userinfo + "@") + host + (port.empty() ? "" : ":" + port);
    out += path;
    if (!query.empty()) out += "?" + query;
    if (!fragment.empty()) out += "#" + fragment;
    return out;
}

bool is_url(std::string_view text) {
    for (std::string_view scheme : {"http://", "https://", "file://"})
        if (to_lower(text.substr(0, scheme.size())) == scheme) return true;
    return false;
}

std::string resolve_url(std::string_view base_text, std::string_view reference) {
    if (reference.find("://") != std::string_view::npos) return std::string(reference);
    Url base = Url::parse(base_text);
    Url ref = Url::parse(reference);
    if (reference.starts_with("//")) return base.scheme + ":" + std::string(reference);
    if (ref.path.empty()) {
        if (!ref.query.empty()) base.query = ref.query;
        base.fragment = ref.fragment;
        return base.str();
    }
    std::string merged =
        ref.path.starts_with('/') ? ref.path : base.path.substr(0, base.path.rfind('/') + 1) + ref.path;
    if (!merged.starts_with('/')) merged = "/" + merged;
    std::vector<std::string_view> kept;
    auto parts = split(merged, '/');
    for (std::size_t i = 1; i < parts.size(); ++i) {
        bool last = i + 1 == parts.size();
        if (parts[i] == "." || parts[i] == "..") {
            if (parts[i] == ".." && !kept.empty()) kept.pop_back();
            if (last) kept.push_back("");
            continue;
        }
        kept.push_back(parts[i]);
    }
    base.path.clear();
    for (auto part : kept) base.path += "/" + std::string(part);
    base.query = ref.query;
    base.fragment = ref.fragment;
    return base.str();
}

std::string percent_decode(std::string_view text) {
    auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode_path(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     std::string_view("-._~/!$&'()*+,;=:@").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string file_url_to_path(std::string_view url) { return percent_decode(Url::parse(url).path); }

std::string without_credentials(std::string_view text) {
    Url url = Url::parse(text);
    if (url.scheme.empty()) return std::string(text);
    url.userinfo.clear();
    url.query.clear();
    // conda: https://host/t/TOKEN/channel/…
    if (url.path.starts_with("/t/")) {
        auto end = url.path.find('/', 3);
        url.path = end == std::string::npos ? "/" : url.path.substr(end);
    }
    return url.str();
}

} // namespace tinderbox
