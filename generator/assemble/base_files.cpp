#include "generator/assemble/base_files.hpp"

#include "generator/archive/file_source.hpp"

namespace tinderbox::assemble {
namespace {

class BaseFiles final : public parcel::Artifact {
  public:
    BaseFiles(const fs::path& path, const conda::ConstructorInstaller& installer)
        : path_(path), installer_(installer), name_(path.filename().string()),
          metadata_({{"kind", "base"}, {"name", installer.name}, {"version", installer.version}}) {
        for (const conda::ConstructorFile& file : installer.files) {
            if (file.has_prefix && !file.is_link) continue;
            parcel::Entry entry;
            entry.root = format::Root::env; // of its own prefix, which the linker knows
            entry.path = file.path;
            entry.kind = file.is_link ? format::EntryKind::symlink : format::EntryKind::file;
            entry.mode = file.mode;
            entry.mtime = file.mtime == 0 ? -1 : file.mtime;
            if (file.is_link) entry.link = file.content;
            else entry.size = file.size > 0 ? file.size : file.content.size();
            entries_.push_back(std::move(entry));
            files_.push_back(&file);
        }
    }
    const std::string& display_name() const override { return name_; }
    const nlohmann::json& metadata() const override { return metadata_; }
    std::span<const parcel::Entry> entries() const override { return entries_; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t entry) const override {
        return conda::open_constructor_file(path_, installer_, *files_[entry]);
    }

  private:
    const fs::path path_;
    const conda::ConstructorInstaller& installer_;
    std::string name_;
    nlohmann::json metadata_;
    std::vector<parcel::Entry> entries_;
    std::vector<const conda::ConstructorFile*> files_; // one an entry
};

} // namespace

Result<std::unique_ptr<parcel::Artifact>> open_base_files(const fs::path& path,
                                                          const conda::ConstructorInstaller& installer) {
    return std::unique_ptr<parcel::Artifact>(std::make_unique<BaseFiles>(path, installer));
}

} // namespace tinderbox::assemble
