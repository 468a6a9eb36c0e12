#include "generator/pip/options.hpp"

#include "common/base/ascii.hpp"
#include "common/base/url.hpp"

#include <fmt/format.h>

namespace tinderbox::pip {

std::string SourceLine::str() const {
    if (line <= 0) return file;
    return column > 0 ? fmt::format("{}:{}:{}", file, line, column) : fmt::format("{}:{}", file, line);
}

void Options::add_defaults(const Options& defaults) {
    auto append = [](std::vector<std::string>& own, const std::vector<std::string>& more) {
        own.insert(own.end(), more.begin(), more.end());
    };
    if (!index_url) index_url = defaults.index_url;
    append(extra_index_urls, defaults.extra_index_urls);
    append(find_links, defaults.find_links);
    append(trusted_hosts, defaults.trusted_hosts);
    append(only_binary, defaults.only_binary);
    append(no_binary, defaults.no_binary);
    no_index = no_index || defaults.no_index;
    pre = pre || defaults.pre;
    require_hashes = require_hashes || defaults.require_hashes;
    prefer_binary = prefer_binary || defaults.prefer_binary;
    if (cert.empty()) cert = defaults.cert;
}

std::string printable(std::string_view text) {
    std::string out;
    while (true) {
        auto mark = text.find("://");
        if (mark == std::string_view::npos) return out.append(text);
        auto is_scheme = [](char c) { return is_alpha(c) || c == '+'; };
        std::size_t begin = mark;
        while (begin > 0 && is_scheme(text[begin - 1])) --begin;
        auto stop = std::min(text.find_first_of(" \t\r\n\"'<>", mark), text.size());
        out.append(text.substr(0, begin));
        out.append(without_credentials(text.substr(begin, stop - begin)));
        text.remove_prefix(stop);
    }
}

} // namespace tinderbox::pip
