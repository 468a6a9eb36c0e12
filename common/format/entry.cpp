#include "common/format/entry.hpp"

#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/base/visible.hpp"

#include <unordered_map>

namespace tinderbox::format {
namespace {

constexpr unsigned others_write = 0002, group_writes = 0020;
constexpr int hops_limit = 40; // the kernel's own
constexpr std::uint64_t steps_limit = 20'000'000;

// Whether the root's paths begin at a prefix.
bool is_at_prefix(Root root) { return is_prefix(root) || root == Root::data; }

// Its own, and in a base that of each environment.
bool is_control_path(std::string_view path) {
    if (const std::string lower = to_lower(path); lower.starts_with("envs/"))
        if (auto slash = lower.find('/', 5); slash != std::string::npos) path.remove_prefix(slash + 1);
    return to_lower(path.substr(0, path.find('/'))) == control_directory;
}

Status check_link(std::string_view path, std::string_view link) {
    if (!link.starts_with('\x01')) return check_link_target(path, link);
    link.remove_prefix(1);
    if (link.empty()) return {};
    if (link.front() != '/')
        return make_error(ErrorKind::usage, "its link to '{}' leaves the prefix", visible(link.substr(0, 200)));
    link.remove_prefix(1);
    return link.empty() ? Status() : check_link_target("x", link);
}

// Follows the links of one prefix.
class Follower {
  public:
    Follower(const Table& table, Root root, std::uint64_t& steps) : steps_(steps) {
        for (const Destination& d : table.destinations)
            if (d.kind == EntryKind::symlink && d.root == root) links_.emplace(d.path, d.link);
    }

    // Whether the way from a link leads out of the prefix. A circle leads nowhere.
    bool leaves(const Destination& link) {
        at_ = link.path.substr(0, link.path.rfind('/') == std::string::npos ? 0 : link.path.rfind('/'));
        std::vector<std::string_view> ahead; // components, the next one last
        push(ahead, link.link);
        for (int hops = 0; !ahead.empty();) {
            if (++steps_ > steps_limit) return false;
            const std::string_view part = ahead.back();
            ahead.pop_back();
            if (part == "..") {
                if (at_.empty()) return true;
                at_.resize(at_.find('/') == std::string::npos ? 0 : at_.rfind('/'));
                continue;
            }
            const std::size_t before = at_.size();
            if (!at_.empty()) at_ += '/';
            at_ += part;
            auto next = links_.find(at_);
            if (next == links_.end()) continue;
            if (++hops > hops_limit) return false;
            at_.resize(before);
            push(ahead, next->second);
        }
        return false;
    }

  private:
    void push(std::vector<std::string_view>& ahead, std::string_view target) {
        if (target.starts_with('\x01')) {
            at_.clear();
            target.remove_prefix(1);
        }
        auto parts = split(target, '/');
        for (std::size_t i = parts.size(); i-- > 0;)
            if (!parts[i].empty() && parts[i] != ".") ahead.push_back(parts[i]);
    }

    std::uint64_t& steps_;
    std::unordered_map<std::string_view, std::string_view> links_;
    std::string at_; // below the prefix
};

} // namespace

Status check_path(Root root, std::string_view path) {
    TRY_ASSIGN(const std::string safe, safe_relative_path(path));
    if (safe != path) return make_error(ErrorKind::usage, "the path is not in its normal form '{}'", visible(safe));
    if (is_at_prefix(root) && is_control_path(path))
        return make_error(ErrorKind::usage, "{} is the installer's own directory", control_directory);
    return {};
}

Status check_entry(const Destination& d) {
    TRY(check_path(d.root, d.path));
    if (d.mode > 0777) return make_error(ErrorKind::usage, "its mode has more than permission bits");
    if (d.kind == EntryKind::symlink) return check_link(d.path, d.link);
    if ((d.mode & others_write) != 0) return make_error(ErrorKind::usage, "everybody could write into it");
    return {};
}

std::uint16_t installed_mode(EntryKind kind, unsigned mode) {
    mode &= 0777;
    // Who lets everybody write did not think of the group either.
    if (kind != EntryKind::symlink && (mode & others_write) != 0) mode &= ~(others_write | group_writes);
    return static_cast<std::uint16_t>(mode);
}

Result<std::optional<std::size_t>> leaving_link(const Table& table) {
    std::uint64_t steps = 0;
    std::unordered_map<int, Follower> followers; // by root
    for (std::size_t i = 0; i < table.destinations.size(); ++i) {
        const Destination& d = table.destinations[i];
        if (d.kind != EntryKind::symlink) continue;
        auto known = followers.find(static_cast<int>(d.root));
        if (known == followers.end())
            known = followers.emplace(static_cast<int>(d.root), Follower(table, d.root, steps)).first;
        if (known->second.leaves(d)) return std::optional(i);
        if (steps > steps_limit)
            return make_error(ErrorKind::usage, "its links lead through each other too often to be followed");
    }
    return std::optional<std::size_t>();
}

} // namespace tinderbox::format
