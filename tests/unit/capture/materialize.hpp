// Writes a captured artifact under a prefix with the simplest code, independently of the packer and of the runtime's
// relocations.
#pragma once

#include "common/base/text.hpp"
#include "common/format/script_header.hpp"
#include "generator/capture/capture.hpp"

#include <sys/stat.h>

#include <fstream>

namespace tinderbox {

// nullptr: it has no such entry.
inline const parcel::Entry* entry(const parcel::Artifact& artifact, const std::string& path) {
    for (const parcel::Entry& e : artifact.entries())
        if (e.path == path) return &e;
    return nullptr;
}

inline std::string content_of(const parcel::Artifact& artifact, std::size_t entry) {
    auto source = artifact.open(entry);
    if (!source.ok()) throw std::runtime_error(source.error().message);
    std::string out;
    Bytes buffer(100'003); // odd on purpose: reads end at any byte
    for (;;) {
        auto n = (*source)->read(buffer);
        if (!n.ok()) throw std::runtime_error(n.error().message);
        out.append(reinterpret_cast<const char*>(buffer.data()), *n);
        if (*n < buffer.size()) return out;
    }
}

inline std::string relocated(const parcel::Entry& e, std::string text, const std::string& prefix) {
    if (e.prefix_mode == parcel::PrefixMode::text) text = replace_all(text, e.placeholder, prefix);
    if (e.prefix_mode == parcel::PrefixMode::binary)
        for (std::size_t at = 0; (at = text.find(e.placeholder, at)) != std::string::npos;) {
            std::size_t end = std::min(text.find('\0', at), text.size());
            std::string value = replace_all(text.substr(at, end - at), e.placeholder, prefix);
            if (value.size() > end - at)
                throw std::runtime_error("the prefix is longer than the placeholder of " + e.path);
            value.resize(end - at, '\0');
            text.replace(at, end - at, value);
            at = end;
        }
    if (!e.shebang.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        text.replace(0, end, format::script_header(e.shebang, prefix, text.substr(end)));
    }
    return text;
}

inline void materialize(const parcel::Artifact& artifact, const fs::path& prefix) {
    fs::create_directories(prefix);
    auto entries = artifact.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const parcel::Entry& e = entries[i];
        fs::path path = prefix / e.path;
        fs::create_directories(path.parent_path());
        if (e.kind == format::EntryKind::directory) {
            fs::create_directories(path);
        } else if (e.kind == format::EntryKind::symlink) {
            fs::create_symlink(e.link, path);
        } else {
            std::string text = relocated(e, content_of(artifact, i), prefix.string());
            std::ofstream(path, std::ios::binary) << text;
            ::chmod(path.c_str(), e.mode);
        }
    }
}

} // namespace tinderbox
