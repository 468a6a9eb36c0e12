// An index in memory: pages and files by URL, and wheels made on demand.
#pragma once

#include "common/base/hash.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/fetch.hpp"

#include <zlib.h>

#include <array>
#include <map>
#include <mutex>

namespace tinderbox {

class FakeFetcher : public fetch::Fetcher {
  public:
    std::map<std::string, fetch::Document> pages; // by URL
    std::map<std::string, std::string> files;     // by URL
    std::vector<std::string> asked;

    Result<std::vector<fetch::Fetched>> fetch(const std::vector<fetch::Download>& downloads) override {
        std::vector<fetch::Fetched> out;
        for (const fetch::Download& one : downloads) {
            asked.push_back(one.url);
            std::string body;
            fetch::Fetched fetched;
            if (one.url.starts_with("/")) {
                TRY_ASSIGN(body, read_text(one.url));
                fetched.path = one.url;
            } else {
                auto found = files.find(one.url);
                if (found == files.end()) return make_error(ErrorKind::network, "{}: 404 Not Found", one.url);
                body = found->second;
                fetched.path = directory_.path() / std::to_string(count_++) / one.name;
                fs::create_directories(fetched.path.parent_path());
                TRY(write_atomically(fetched.path, body));
            }
            fetched.sha256 = to_hex(sha256(as_bytes(body)));
            fetched.size = body.size();
            if (!one.sha256.empty() && one.sha256 != fetched.sha256)
                return make_error(ErrorKind::network, "{}: its SHA-256 is {}, not {}", one.url, fetched.sha256,
                                  one.sha256);
            out.push_back(std::move(fetched));
        }
        return out;
    }

    fs::path cache_root() const override { return directory_.path(); }

    Result<fetch::Document> get(const std::string& url, const std::string&) override {
        {
            std::lock_guard guard(mutex_); // PackageIndex::prefetch calls this from several threads
            asked.push_back(url);
        }
        auto found = pages.find(url);
        if (found == pages.end()) return fetch::Document{"", url, "text/html", 404};
        fetch::Document page = found->second;
        if (page.url.empty()) page.url = url;
        if (!page.status) page.status = 200;
        return page;
    }

    void page(const std::string& url, std::string body, std::string type = "text/html") {
        pages[url] = fetch::Document{std::move(body), url, std::move(type), 200};
    }

  private:
    TemporaryDirectory directory_ = std::move(TemporaryDirectory::make()).value();
    int count_ = 0;
    std::mutex mutex_;
};

// A zip archive of stored members, enough to read a wheel's metadata.
inline std::string make_zip(const std::vector<std::pair<std::string, std::string>>& members) {
    ByteWriter out, central;
    auto fields = [](ByteWriter& w, const std::string& name, const std::string& data) {
        w.u16(20), w.u16(0), w.u16(0), w.u16(0), w.u16(0x21);
        w.u32(static_cast<std::uint32_t>(
            ::crc32(0, reinterpret_cast<const unsigned char*>(data.data()), static_cast<unsigned>(data.size()))));
        w.u32(static_cast<std::uint32_t>(data.size())), w.u32(static_cast<std::uint32_t>(data.size()));
        w.u16(static_cast<std::uint16_t>(name.size())), w.u16(0);
    };
    for (const auto& [name, data] : members) {
        auto offset = static_cast<std::uint32_t>(out.size());
        out.u32(0x04034b50);
        fields(out, name, data);
        out.bytes(as_bytes(name)), out.bytes(as_bytes(data));
        central.u32(0x02014b50), central.u16(20 | 3 << 8);
        fields(central, name, data);
        central.u16(0), central.u16(0), central.u16(0), central.u32(0100644u << 16), central.u32(offset);
        central.bytes(as_bytes(name));
    }
    auto start = static_cast<std::uint32_t>(out.size());
    out.bytes(central.data());
    auto count = static_cast<std::uint16_t>(members.size());
    out.u32(0x06054b50), out.u16(0), out.u16(0), out.u16(count), out.u16(count);
    out.u32(static_cast<std::uint32_t>(central.size())), out.u32(start), out.u16(0);
    return std::string(as_text(out.data()));
}

inline std::string metadata_text(const std::string& name, const std::string& version,
                                 const std::vector<std::string>& requires_dist = {}, const std::string& python = "") {
    std::string text = "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n";
    if (!python.empty()) text += "Requires-Python: " + python + "\n";
    for (const std::string& one : requires_dist) text += "Requires-Dist: " + one + "\n";
    return text + "\nRequires-Dist: not-a-header\n";
}

inline std::string make_wheel(const std::string& name, const std::string& version,
                              const std::vector<std::string>& requires_dist = {}) {
    return make_zip({{name + "/__init__.py", ""},
                     {name + "-" + version + ".dist-info/METADATA", metadata_text(name, version, requires_dist)}});
}

} // namespace tinderbox
