#include "common/base/users.hpp"

#include "common/base/file.hpp"
#include "common/base/number.hpp"
#include "common/base/text.hpp"

namespace tinderbox {
namespace {

constexpr std::uint64_t passwd_limit = 16u << 20;

} // namespace

std::optional<User> find_user(uid_t uid, const std::string& passwd) {
    auto text = read_text(passwd, passwd_limit);
    if (!text.ok()) return std::nullopt;
    for (std::string_view line : split_lines(*text)) {
        const auto fields = split(line, ':'); // name:password:uid:gid:comment:home:shell
        User user;
        if (fields.size() < 7 || fields[0].empty() || !parse_number(fields[2], user.uid) || user.uid != uid ||
            !parse_number(fields[3], user.gid))
            continue;
        user.name = fields[0];
        user.home = fields[5];
        return user;
    }
    return std::nullopt;
}

std::string describe_user(uid_t uid) {
    const auto user = find_user(uid);
    return user ? fmt::format("{} (user {})", user->name, uid) : fmt::format("user {}", uid);
}

} // namespace tinderbox
