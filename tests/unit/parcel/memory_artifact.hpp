// An artifact for tests.
#pragma once

#include "generator/archive/file_source.hpp"
#include "generator/parcel/artifact.hpp"

namespace tinderbox::test {

// Contents in memory. May report wrong sizes and hashes, or fail.
class MemoryArtifact final : public parcel::Artifact {
  public:
    parcel::Entry& add(std::string path, std::string content, format::Root root = format::Root::env) {
        parcel::Entry e;
        e.root = root;
        e.path = std::move(path);
        e.size = content.size();
        list.push_back(e);
        contents.push_back(std::move(content));
        return list.back();
    }
    const std::string& display_name() const override { return name; }
    const nlohmann::json& metadata() const override { return meta; }
    std::span<const parcel::Entry> entries() const override { return list; }
    Result<std::unique_ptr<archive::ByteSource>> open(std::size_t i) const override {
        if (contents[i] == "FAIL") return make_error(ErrorKind::storage, "the source fails");
        return archive::make_memory_source(Bytes(as_bytes(contents[i]).begin(), as_bytes(contents[i]).end()));
    }
    std::string name = "memory";
    nlohmann::json meta = {{"name", "memory"}, {"kind", "test"}};
    std::vector<parcel::Entry> list;
    std::vector<std::string> contents;
};

} // namespace tinderbox::test
