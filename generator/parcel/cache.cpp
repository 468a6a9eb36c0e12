// <root>/KK/KEY/{payload,index}; KK is the key's first two characters.
//
// Ordering: the payload and the index are written into KEY.partial and synced, then the directory is renamed to KEY
// and its parent synced. A reader must see a whole parcel or none; KEY.partial must only be touched under KEY.lock,
// so that the next process that packs KEY removes the rest of a killed one.
#include "common/base/text.hpp"
#include "generator/parcel/index.hpp"

#include <cerrno>
#include <cstdio>

namespace tinderbox::parcel {
namespace {

fs::path parcel_directory(const fs::path& root, const std::string& key) { return root / key.substr(0, 2) / key; }

fs::path beside(const fs::path& directory, const char* suffix) { return directory.string() + suffix; }

struct Found {
    std::optional<Parcel> parcel;
    bool damaged = false;
};

// A parcel without one of its files is damaged, too: somebody cleaned up by hand. Other I/O errors say nothing about
// it.
Result<Found> look_up(const fs::path& directory, const std::string& key) {
    Found found;
    std::error_code ec;
    if (!fs::exists(directory, ec)) return found;
    auto parcel = open_parcel(directory);
    if (parcel.ok() && parcel->key == key) {
        found.parcel = std::move(parcel).value();
        return found;
    }
    const bool complete = fs::exists(directory / index_name, ec) && fs::exists(directory / payload_name, ec);
    if (!parcel.ok() && parcel.error().kind != ErrorKind::damaged && complete) return std::move(parcel).error();
    found.damaged = true;
    return found;
}

} // namespace

ParcelCache::ParcelCache(fs::path root) : root_(std::move(root)) {}

bool ParcelCache::has(const std::string& key) const {
    std::error_code ec;
    return fs::exists(parcel_directory(root_, key), ec);
}

Result<std::optional<Parcel>> ParcelCache::find(const std::string& key) const {
    const fs::path directory = parcel_directory(root_, key);
    TRY_ASSIGN(Found found, look_up(directory, key));
    if (!found.damaged) return std::move(found.parcel);
    // Another process may have packed it again, so that only the holder of the lock looks again and removes.
    TRY_ASSIGN(FileLock lock, FileLock::acquire(beside(directory, ".lock")));
    TRY_ASSIGN(found, look_up(directory, key));
    if (found.damaged) TRY(remove_tree(directory));
    return std::move(found.parcel);
}

Result<Parcel> ParcelCache::get(const std::string& key, const PackOptions& options,
                                const std::function<Result<std::unique_ptr<Artifact>>()>& open_artifact) {
    TRY_ASSIGN(auto found, find(key));
    if (found) return std::move(*found);
    const fs::path directory = parcel_directory(root_, key);
    TRY(make_directories(directory.parent_path()));
    TRY_ASSIGN(FileLock lock, FileLock::acquire(beside(directory, ".lock")));
    TRY_ASSIGN(Found now, look_up(directory, key));
    if (now.parcel) return std::move(*now.parcel);
    if (now.damaged) TRY(remove_tree(directory));
    const fs::path partial = beside(directory, ".partial");
    TRY(remove_tree(partial));
    TRY_ASSIGN(std::unique_ptr<Artifact> artifact, open_artifact());
    auto packed = pack(*artifact, key, options, partial);
    if (!packed.ok()) {
        (void)remove_tree(partial);
        return packed;
    }
    if (::rename(partial.c_str(), directory.c_str()) != 0)
        return errno_error(fmt::format("cannot rename to '{}'", directory.string()), errno);
    TRY(fsync_directory(directory.parent_path()));
    packed->payload_path = directory / payload_name;
    return packed;
}

} // namespace tinderbox::parcel
