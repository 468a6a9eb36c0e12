#include "runtime/io/inherit.hpp"

#include "common/base/parallel.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace tinderbox::io {
namespace {

// Destinations of one directory, of which both sides are opened once.
std::vector<std::span<const std::uint32_t>> by_directory(const WritePlan& plan) {
    const std::span<const std::uint32_t> all(plan.inherited);
    std::vector<std::span<const std::uint32_t>> out;
    for (std::size_t i = 0, begin = 0; i < all.size(); ++i)
        if (i + 1 == all.size() || plan.directory_of[all[i + 1]] != plan.directory_of[all[i]]) {
            out.push_back(all.subspan(begin, i + 1 - begin));
            begin = i + 1;
        }
    return out;
}

} // namespace

Status inherit_files(const Tree& tree, const Inheritance& from, unsigned threads, const std::atomic<bool>* interrupted,
                     ProgressCounter& progress) {
    const auto groups = by_directory(tree.plan);
    return parallel_for(groups.size(), threads, [&](std::size_t g) -> Status {
        const PlannedDirectory& directory = tree.plan.directories[tree.plan.directory_of[groups[g].front()]];
        Directory below;
        if (!directory.path.empty()) {
            TRY_ASSIGN(below, from.old.directory(directory.path));
        }
        const Directory& old = directory.path.empty() ? from.old : below;
        for (std::uint32_t d : groups[g]) {
            if (interrupted && interrupted->load()) return make_error(ErrorKind::interrupted, "interrupted");
            TRY(inherit_file(tree, d, old, from.files[d]));
            progress.add(from.files[d].size);
        }
        return {};
    });
}

} // namespace tinderbox::io
