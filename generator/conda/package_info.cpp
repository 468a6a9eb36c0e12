#include "generator/conda/package_info.hpp"

#include "generator/archive/file_source.hpp"
#include "generator/archive/spool.hpp"
#include "generator/archive/tar.hpp"
#include "generator/archive/zip.hpp"
#include "generator/conda/names.hpp"

#include <nlohmann/json.hpp>

#include <map>

namespace tinderbox::conda {
namespace {

class CondaInfo final : public parcel::Artifact {
  public:
    CondaInfo(std::string name, archive::Spool spool) : name_(std::move(name)), spool_(std::move(spool)) {
        metadata_ = {{"kind", "conda-info"}, {"name", name_}};
    }
    const std::string& display_name() const override { return name_; }
    const nlohmann::json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        return spool_.open(ranges_[entry], name_ + ":" + entries_[entry].path);
    }

    Status add(const archive::TarMember& member, archive::ByteSource& content) {
        if (!member.path.starts_with("info/") || member.path == "info/repodata_record.json" ||
            by_path_.contains(member.path))
            return {};
        parcel::Entry entry;
        entry.path = member.path;
        entry.kind = member.kind;
        entry.mode = static_cast<std::uint16_t>(member.mode & 0777);
        entry.mtime = member.mtime;
        entry.link = member.link;
        archive::Spool::Range range;
        if (!member.hard_link.empty()) {
            auto first = by_path_.find(member.hard_link);
            if (first == by_path_.end()) return {};
            range = ranges_[first->second];
        } else if (member.kind == format::EntryKind::file) {
            TRY_ASSIGN(range, spool_.append(content, name_ + ":" + member.path));
        }
        entry.size = range.size;
        by_path_.emplace(member.path, entries_.size());
        entries_.push_back(std::move(entry));
        ranges_.push_back(range);
        return {};
    }

  private:
    std::string name_;
    archive::Spool spool_;
    nlohmann::json metadata_;
    std::vector<parcel::Entry> entries_;
    std::vector<archive::Spool::Range> ranges_; // one an entry
    std::map<std::string, std::size_t> by_path_;
};

Status read_members(CondaInfo& info, archive::ByteSource& input, const std::string& where, const Budget& budget) {
    archive::TarOptions options;
    options.name = where;
    options.budget = budget;
    return archive::read_tar(input, options, [&](const archive::TarMember& member, archive::ByteSource& content) {
        return info.add(member, content);
    });
}

} // namespace

Result<std::unique_ptr<parcel::Artifact>> open_info(const fs::path& path, const OpenOptions& options) {
    std::string name = options.name.empty() ? path.filename().string() : options.name;
    auto info = std::make_unique<CondaInfo>(
        name, archive::Spool(options.spool_directory.empty() ? cache_directory() / "spool" : options.spool_directory,
                             options.memory_limit));
    std::error_code unknown;
    const std::uint64_t packed = fs::file_size(path, unknown);
    const Budget budget = unknown ? archive::tar_budget : for_packed(archive::tar_budget, packed);
    if (name.ends_with(".tar.bz2")) {
        TRY_ASSIGN(auto input, archive::open_file_range(path, name));
        TRY(read_members(*info, *input, name, budget));
        return std::unique_ptr<parcel::Artifact>(std::move(info));
    }
    TRY_ASSIGN(auto zip, archive::ZipReader::open(path, name));
    for (const archive::ZipMember& member : zip->members()) {
        if (!member.path.starts_with("info-") || !member.path.ends_with(".tar.zst")) continue;
        TRY_ASSIGN(auto input, zip->open_member(member));
        TRY(read_members(*info, *input, name + ":" + member.path, budget));
    }
    return std::unique_ptr<parcel::Artifact>(std::move(info));
}

} // namespace tinderbox::conda
