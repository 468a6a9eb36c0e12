#include "generator/assemble/input_index.hpp"

#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::assemble {
namespace {

const InputIndex::Indexes none;

template <class Key> const InputIndex::Indexes& at(const std::map<Key, InputIndex::Indexes>& lists, Key key) {
    auto found = lists.find(key);
    return found == lists.end() ? none : found->second;
}

} // namespace

InputIndex::InputIndex(const std::vector<LinkInput>& inputs) : inputs_(inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const LinkInput& input = inputs[i];
        if (input.bytecode_of) {
            bytecode_[*input.bytecode_of].push_back(i);
            continue;
        }
        if (input.info_of) {
            infos_.push_back(i);
            continue;
        }
        const parcel::ArtifactKind kind = input.parcel.kind();
        if (kind == parcel::ArtifactKind::wheel) wheels_.push_back(i);
        if (kind == parcel::ArtifactKind::conda) conda_packages_[input.root].push_back(i);
        if (kind == parcel::ArtifactKind::base && !base_files_) base_files_ = i;
    }
}

const InputIndex::Indexes& InputIndex::conda_packages(format::Root root) const { return at(conda_packages_, root); }

const InputIndex::Indexes& InputIndex::bytecode_of(std::size_t index) const { return at(bytecode_, index); }

std::string display_name(const LinkInput& input) {
    if (input.artifact) return input.artifact->file_name;
    const nlohmann::json& metadata = input.parcel.metadata;
    return format::text_field(metadata, "kind") + " " + format::text_field(metadata, "name");
}

} // namespace tinderbox::assemble
