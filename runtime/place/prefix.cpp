#include "runtime/place/prefix.hpp"

#include "common/base/member_path.hpp"

namespace tinderbox::place {

Result<std::string> resolve_prefix(std::string_view text, std::string_view home, std::string_view cwd) {
    if (text.empty()) return make_error(ErrorKind::usage, "the prefix is empty; name a directory after -p");
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return make_error(ErrorKind::usage,
                              "the prefix holds a control character; choose another directory with -p");
    std::string path(text);
    if (text.front() == '~') {
        // A static program must not read the user database, so "~user" stays unknown.
        if (text.size() > 1 && text[1] != '/')
            return make_error(ErrorKind::usage, "'{}': only '~' and '~/…' are understood; write the directory in full",
                              text);
        if (home.empty())
            return make_error(ErrorKind::usage, "'{}' needs $HOME, which is not set; write the directory in full",
                              text);
        path = std::string(home) + std::string(text.substr(1));
    } else if (text.front() != '/') {
        path = std::string(cwd) + "/" + path;
    }
    std::string normal = fs::path(path).lexically_normal().string();
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    if (normal == "/")
        return make_error(ErrorKind::usage, "'/' cannot be the prefix; name a directory below it with -p");
    if (normal.size() > prefix_limit)
        return make_error(ErrorKind::usage,
                          "the prefix has {} bytes, and at most {} are allowed; name a shorter one with -p",
                          normal.size(), prefix_limit);
    // The prefix is written into JSON records, string literals and PATH without any quoting.
    if (auto bad = normal.find_first_of("\"\\:"); bad != std::string::npos)
        return make_error(
            ErrorKind::usage,
            "the prefix holds a '{}', which no environment can have in its path; choose another directory with -p",
            normal[bad]);
    return normal;
}

std::optional<Refusal> refuse_length(const PrefixLimit& limit, const std::string& written) {
    if (limit.longest == 0 || limit.prefix.size() <= limit.longest) return std::nullopt;
    // An environment below a base leaves less room for the base's own prefix.
    const std::size_t below = limit.prefix.size() > written.size() ? limit.prefix.size() - written.size() : 0;
    return Refusal{
        "prefix-too-long",
        fmt::format("the prefix '{}' has {} bytes, and '{}' has room for {}", limit.prefix, limit.prefix.size(),
                    limit.because, limit.longest),
        fmt::format("choose one of at most {} bytes with -p", limit.longest > below ? limit.longest - below : 0),
        ErrorKind::usage};
}

} // namespace tinderbox::place
