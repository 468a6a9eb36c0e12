#include "runtime/install/generations.hpp"

#include "runtime/install/carry_over.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/ownership.hpp"
#include "runtime/install/rename.hpp"
#include "runtime/install/replace.hpp"
#include "runtime/place/control_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace tinderbox::install {
namespace {

struct Numbers {
    std::vector<unsigned> own; // sorted; of trees that this user may write
    unsigned highest = 0;      // of all names, whosever they are
};

Result<Numbers> numbers_of(const Directory& parent, const fs::path& root, const place::Trust& trust) {
    TRY_ASSIGN(const auto entries, parent.entries());
    Numbers out;
    struct stat st;
    for (const Directory::Entry& entry : entries) {
        const auto number = place::generation_number(root, entry.name);
        if (!number) continue;
        out.highest = std::max(out.highest, *number);
        if (parent.look(entry.name, st) == 0 && S_ISDIR(st.st_mode) &&
            !place::refuse_tree(trust, parent.path() / entry.name, st, place::Access::write))
            out.own.push_back(*number);
    }
    std::ranges::sort(out.own);
    return out;
}

std::optional<Generation> generation(const fs::path& root, unsigned number, const place::Trust& trust) {
    Generation out;
    out.number = number;
    out.path = place::generation_at(root, number);
    auto tree = place::open_tree(out.path, trust, place::Access::read);
    auto installed =
        tree.ok() ? place::read_installed(out.path) : Result<std::optional<place::InstalledEnvironment>>(tree.error());
    if (!installed.ok() || !*installed) return std::nullopt;
    out.installed = **std::move(installed);
    if (out.installed.state.prefix != root) return std::nullopt;
    struct stat st;
    if (tree->control.look(place::control::manifest, st) == 0) out.since = st.st_mtim.tv_sec;
    return out;
}

Status refuse_changed(const Generation& back, const place::OpenTree& tree, const RollbackOptions& options) {
    if (options.force) return {};
    TRY_ASSIGN(const FileCheck check, verify_files(tree.root, options.work));
    const auto changed = std::ranges::find_if(
        check.differences, [](const FileDifference& d) { return d.kind != FileDifference::Kind::mode; });
    if (changed == check.differences.end()) return {};
    return make_error(ErrorKind::storage,
                      "generation {} is not as it was installed: '{}' {}; add -f to go back to it all the same",
                      back.number, changed->path, changed->what);
}

Result<Generation> choose(const fs::path& root, const RollbackOptions& options) {
    TRY_ASSIGN(std::vector<Generation> all, generations_of(root, options.trust));
    if (all.empty())
        return make_error(ErrorKind::storage,
                          "there is no earlier environment of '{}' to go back to; --replace and updates leave one with "
                          "--keep",
                          root.string());
    if (options.number == 0) return std::move(all.back());
    const auto found = std::ranges::find(all, options.number, &Generation::number);
    if (found != all.end()) return std::move(*found);
    return make_error(ErrorKind::storage, "'{}' has no generation {}; the newest is {}, --generations lists them",
                      root.string(), options.number, all.back().number);
}

} // namespace

Result<std::vector<Generation>> generations_of(const fs::path& root, const place::Trust& trust) {
    TRY_ASSIGN(const Directory parent, place::open_on_trusted_way(root.parent_path(), trust));
    TRY_ASSIGN(const Numbers numbers, numbers_of(parent, root, trust));
    std::vector<Generation> out;
    for (unsigned number : numbers.own)
        if (auto one = generation(root, number, trust)) out.push_back(*std::move(one));
    return out;
}

Result<DiskUse> disk_use(const fs::path& tree, const place::Trust& trust, const TreeWork& work) {
    TRY_ASSIGN(const place::OpenTree opened, place::open_tree(tree, trust, place::Access::read));
    TRY_ASSIGN(const auto rows, read_installed_list(opened.control));
    DiskUse out;
    std::set<std::pair<dev_t, ino_t>> seen;
    struct stat st;
    for (const InstalledRow& row : rows) {
        if (work.stopped()) return make_error(ErrorKind::interrupted, "interrupted");
        if (row.kind == 'd' || opened.root.look(row.path, st) != 0 || !seen.emplace(st.st_dev, st.st_ino).second)
            continue;
        constexpr std::uint64_t bytes_a_block = 512; // of st_blocks
        (st.st_nlink > 1 ? out.shared : out.own) += static_cast<std::uint64_t>(st.st_blocks) * bytes_a_block;
    }
    return out;
}

Result<unsigned> keep_as_generation(const fs::path& root, const std::string& name, unsigned keep,
                                    const place::Trust& trust, const TreeWork& work) {
    TRY_ASSIGN(const Directory parent, place::open_on_trusted_way(root.parent_path(), trust));
    TRY_ASSIGN(Numbers numbers, numbers_of(parent, root, trust));
    const unsigned number = numbers.highest + 1;
    TRY(rename_new(parent, name, parent, place::generation_at(root, number).filename().string()));
    TRY(parent.sync());
    numbers.own.push_back(number);
    for (std::size_t i = 0; i + keep < numbers.own.size(); ++i)
        TRY(remove_whole(parent, place::generation_at(root, numbers.own[i]).filename().string(), work));
    return number;
}

Status remove_generations(const fs::path& root, const place::Trust& trust, const TreeWork& work) {
    TRY_ASSIGN(const Directory parent, place::open_on_trusted_way(root.parent_path(), trust));
    TRY_ASSIGN(const Numbers numbers, numbers_of(parent, root, trust));
    for (unsigned number : numbers.own)
        TRY(remove_whole(parent, place::generation_at(root, number).filename().string(), work));
    return {};
}

Result<Rollback> roll_back(const fs::path& root, const RollbackOptions& options) {
    constexpr unsigned all = UINT32_MAX; // going back removes no generation
    const std::string aside = place::aside_of(root).filename().string();
    TRY_ASSIGN(const Directory parent, place::open_on_trusted_way(root.parent_path(), options.trust));
    TRY(bring_back(parent, root.filename().string(), aside));
    Rollback out;
    {
        TRY_ASSIGN(const place::OpenTree now, place::open_tree(root, options.trust, place::Access::write));
        TRY_ASSIGN(const auto state, place::read_state(now.control));
        if (!state || state->stage < place::InstallStage::registered)
            return make_error(ErrorKind::storage, "the installation in '{}' is not finished; run its installer again",
                              root.string());
        for (const Directory* directory : {&now.root, &now.control}) TRY(check_writable(*directory));
        TRY_ASSIGN(const FileLock lock, lock_control(now.control, root));
        if (!parent.exists(aside)) {
            TRY_ASSIGN(out.back, choose(root, options));
            TRY_ASSIGN(const place::OpenTree then,
                       place::open_tree(out.back.path, options.trust, place::Access::write));
            TRY(refuse_changed(out.back, then, options));
            if (!options.purge) {
                TRY_ASSIGN(const auto refusal, refuse_exchange(now, then, options.work));
                if (refusal) return refusal->error();
            }
            TRY(exchange_trees(parent, out.back.path.filename().string(), root.filename().string(), aside, nullptr));
        }
    }
    // Also of a run that was killed here.
    TRY_ASSIGN(const place::OpenTree now, place::open_tree(root, options.trust, place::Access::write));
    TRY_ASSIGN(const FileLock lock, lock_control(now.control, root));
    if (!options.purge) {
        TRY_ASSIGN(const Directory old, parent.directory(aside));
        TRY_ASSIGN(out.carried_over, carry_over(old, now.root, options.trust, OldTree::keep, options.work));
    }
    TRY_ASSIGN(out.put, keep_as_generation(root, aside, all, options.trust, options.work));
    TRY_ASSIGN(auto installed, place::read_installed(root));
    if (installed) out.back.installed = *std::move(installed);
    return out;
}

} // namespace tinderbox::install
