#include "generator/pip/index.hpp"

#include "common/base/last_component.hpp"
#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/archive/endings.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/html.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"
#include "pip_default.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace tinderbox::pip {
namespace {

using nlohmann::json;

// pip asks for the same: JSON first, HTML where a server has nothing else.
constexpr const char* accept_header =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, "
    "text/html; q=0.01";

constexpr std::uint64_t page_limit = 64u << 20; // bytes of a page on this machine

template <class... Args> Error page_error(const std::string& url, fmt::format_string<Args...> format, Args&&... args) {
    return make_error(ErrorKind::network, format, std::forward<Args>(args)...).in(without_credentials(url));
}

std::string last_element(std::string_view path) { return percent_decode(last_component(path)); }

// PEP 691 leaves it open which of several hashes a client checks. One of an algorithm that cannot be computed here is
// left out where a SHA-256 proves the file.
void drop_unknown_hashes(IndexFile& file) {
    if (file.sha256.empty()) return;
    std::erase_if(file.hashes,
                  [](const std::string& hash) { return fetch::hash_digits(hash.substr(0, hash.find(':'))) == 0; });
}

void read_fragment(std::string_view fragment, IndexFile& file) {
    for (const auto& [algorithm, digest] : fetch::fragment_hashes(fragment)) fetch::keep_hash(file, algorithm, digest);
    drop_unknown_hashes(file);
}

// What a page says of the metadata beside a wheel: "true", or its hash.
struct AnnouncedMetadata {
    bool here = false, yes = false;
    std::string sha256, md5;
    std::vector<std::string> hashes;
    // Metadata with a hash that is not compared are not taken: the wheel has its own.
    bool usable() const { return yes && md5.empty() && hashes.empty(); }
};

// A version 2 of the interface may mean anything: PEP 629 tells clients to stop.
Status check_interface(const std::string& url, std::string_view version) {
    auto major = version.substr(0, version.find('.'));
    if (version.empty() || major == "1") return {};
    return page_error(url,
                      "the index speaks version {} of the simple interface, and only version 1 is understood; "
                      "update Tinderbox",
                      version);
}

// Files that the page of a server may not name are passed over, as links that lead nowhere are. Where no other is left,
// the first one is the error.
class Refused {
  public:
    explicit Refused(const std::string& page) : page_(page) {}
    bool operator()(const std::string& url) {
        Status good = fetch::check_reference(page_, url);
        if (good.ok()) return false;
        if (!first_) first_ = std::move(good).error();
        return true;
    }
    Status check(const std::vector<IndexFile>& files) const {
        if (!first_ || !files.empty()) return {};
        return Error(*first_).in(without_credentials(page_));
    }

  private:
    const std::string& page_;
    std::optional<Error> first_;
};

Result<std::vector<IndexFile>> parse_html(const fetch::Document& document) {
    Refused refused(document.url);
    std::vector<IndexFile> out;
    std::string base = document.url;
    bool form = false, base_seen = false;
    std::size_t anchors = 0;
    TRY_ASSIGN(const std::vector<HtmlTag> tags, html_tags(document.body, without_credentials(document.url)));
    for (const HtmlTag& tag : tags) {
        if (tag.name == "form" || (tag.name == "input" && tag.find("type") && *tag.find("type") == "password"))
            form = true;
        if (tag.name == "meta" && tag.find("name") && *tag.find("name") == "pypi:repository-version" &&
            tag.find("content"))
            TRY(check_interface(document.url, *tag.find("content")));
        const std::string* href = tag.find("href");
        if (tag.name == "base" && href && !std::exchange(base_seen, true))
            if (auto joined = fetch::join_url(document.url, trim(*href)); joined.ok()) base = std::move(*joined);
        if (tag.name != "a" || !href) continue;
        ++anchors;
        IndexFile file;
        auto joined = fetch::join_url(base, trim(*href));
        if (!joined.ok()) continue; // "javascript:…", "mailto:…"
        fetch::Url url = fetch::Url::parse(*joined);
        read_fragment(url.fragment, file);
        url.fragment.clear();
        file.file_name = last_element(url.path);
        if (!archive::is_distribution(file.file_name)) continue;
        file.url = url.str();
        if (refused(file.url)) continue;
        if (auto value = tag.find("data-requires-python")) file.requires_python = *value;
        if (auto value = tag.find("data-yanked")) {
            file.yanked = true;
            file.yanked_reason = *value;
        }
        // PEP 714: the new name wins over the old one, which some servers fill wrongly.
        const std::string* metadata = tag.find("data-core-metadata");
        if (!metadata) metadata = tag.find("data-dist-info-metadata");
        if (metadata && *metadata != "false") {
            AnnouncedMetadata announced{.here = true, .yes = true};
            for (const auto& [algorithm, digest] : fetch::fragment_hashes(*metadata))
                fetch::keep_hash(announced, algorithm, digest);
            file.has_metadata = announced.usable();
            file.metadata_sha256 = announced.sha256;
        }
        out.push_back(std::move(file));
    }
    TRY(refused.check(out));
    if (out.empty() && form)
        return page_error(document.url,
                          "the server answered with a page that has a form and no packages (a login page?) "
                          "instead of a package index; log in, or give credentials in the URL or in netrc");
    if (out.empty() && anchors == 0 && tags.empty() && !trim(document.body).empty())
        return page_error(document.url,
                          "the server answered with text that is no package index; check the index's URL");
    return out;
}

// A page as it is read: an index page has megabytes, and only a few of its fields count, so no tree is built of it.
class PageReader final : public nlohmann::json_sax<json> {
  public:
    explicit PageReader(const std::string& url)
        : refused(url), url_(url), spending_(page_files, without_credentials(url), ErrorKind::network) {}

    Refused refused;
    std::vector<IndexFile> files;
    Status problem; // over the budget
    std::string api_version;
    bool has_files = false; // a root object with the list "files"

    bool null() override { return true; }
    bool boolean(bool value) override {
        if (!in_file()) return true;
        if (key(3) == "yanked") file_.yanked = value;
        if (AnnouncedMetadata* metadata = announced()) {
            metadata->here = true;
            metadata->yes = value;
        }
        return true;
    }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t value) override {
        if (in_file() && key(3) == "size") file_.size = value;
        return true;
    }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool string(string_t& value) override {
        if (depth_ == 2 && !in_list_ && key(1) == "meta" && key(2) == "api-version") api_version = std::move(value);
        else if (in_file()) set_field(value);
        else if (in_list_ && depth_ == 4) read_digest(value);
        return true;
    }
    bool start_object(std::size_t) override {
        enter();
        if (in_list_ && depth_ == 3) {
            file_ = IndexFile();
            announced_ = {};
        }
        if (AnnouncedMetadata* metadata = in_list_ && depth_ == 4 ? announced() : nullptr) {
            metadata->here = true;
            metadata->yes = true;
        }
        return true;
    }
    bool key(string_t& text) override {
        if (depth_ < keys_.size()) keys_[depth_].assign(text);
        return true;
    }
    bool end_object() override {
        if (in_list_ && depth_ == 3) finish();
        --depth_;
        return problem.ok();
    }
    bool start_array(std::size_t) override {
        if (depth_ == 1 && key(1) == "files") {
            in_list_ = true;
            has_files = true;
        }
        enter();
        return true;
    }
    bool end_array() override {
        --depth_;
        if (depth_ == 1) in_list_ = false;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

  private:
    void enter() {
        if (++depth_ < keys_.size()) keys_[depth_].clear();
    }
    const std::string& key(std::size_t depth) const { return keys_[depth]; }
    bool in_file() const { return in_list_ && depth_ == 3; }
    // One of the names under which a page says that a wheel's metadata lies beside it.
    AnnouncedMetadata* announced() {
        static constexpr std::string_view names[] = {"core-metadata", "data-dist-info-metadata", "dist-info-metadata"};
        for (std::size_t i = 0; i < announced_.size(); ++i)
            if (key(3) == names[i]) return &announced_[i];
        return nullptr;
    }
    void set_field(std::string& value) {
        if (key(3) == "url") file_.url = std::move(value);
        else if (key(3) == "filename") file_.file_name = std::move(value);
        else if (key(3) == "requires-python") file_.requires_python = std::move(value);
        else if (AnnouncedMetadata* metadata = announced()) metadata->here = true;
        if (key(3) != "yanked") return;
        file_.yanked = true;
        file_.yanked_reason = std::move(value);
    }
    void read_digest(const std::string& value) {
        if (key(3) == "hashes") fetch::keep_hash(file_, key(4), value);
        if (AnnouncedMetadata* metadata = announced()) fetch::keep_hash(*metadata, key(4), value);
    }
    void finish() {
        auto joined = fetch::join_url(url_, file_.url);
        if (!joined.ok()) return;
        fetch::Url url = fetch::Url::parse(*joined);
        url.fragment.clear();
        file_.url = url.str();
        if (file_.file_name.empty()) file_.file_name = last_element(url.path);
        if (!archive::is_distribution(file_.file_name) || refused(file_.url)) return;
        drop_unknown_hashes(file_);
        for (const AnnouncedMetadata& metadata : announced_) { // PEP 714: the first of the names that is there counts
            if (!metadata.here) continue;
            file_.has_metadata = metadata.usable();
            if (metadata.yes) file_.metadata_sha256 = metadata.sha256;
            break;
        }
        if (problem = spending_.nodes(); !problem.ok()) return;
        files.push_back(std::move(file_));
        file_ = IndexFile();
    }

    static constexpr Budget page_files{.nodes = 500'000};
    const std::string& url_;
    Spending spending_;
    std::size_t depth_ = 0;
    bool in_list_ = false;            // inside "files"
    std::array<std::string, 5> keys_; // by depth: the key whose value is read
    IndexFile file_;
    std::array<AnnouncedMetadata, 3> announced_;
};

Result<std::vector<IndexFile>> parse_json(const fetch::Document& document) {
    PageReader reader(document.url);
    const bool read = json::sax_parse(document.body, &reader);
    TRY(reader.problem);
    if (!read || !reader.has_files)
        return page_error(document.url,
                          "the server answered with JSON that is no package index (no list 'files'); check "
                          "the index's URL");
    TRY(check_interface(document.url, reader.api_version));
    TRY(reader.refused.check(reader.files));
    return std::move(reader.files);
}

// pip authenticates for a file with the credentials of its index when both are on one host; the links on a page carry
// none.
void add_index_credentials(const std::string& index, std::vector<IndexFile>& files) {
    fetch::Url from = fetch::Url::parse(index);
    if (from.userinfo.empty()) return;
    for (IndexFile& file : files) {
        fetch::Url url = fetch::Url::parse(file.url);
        if (!url.userinfo.empty() || url.origin() != from.origin()) continue;
        url.userinfo = from.userinfo;
        file.url = url.str();
    }
}

bool belongs_to(const IndexFile& file, const std::string& name) {
    if (auto wheel = parse_wheel_name(file.file_name)) return wheel->name == name;
    return parse_sdist_name(file.file_name, name).has_value();
}

IndexFile local_file(const fs::path& path) {
    IndexFile file;
    file.file_name = path.filename().string();
    file.url = fs::absolute(path).lexically_normal().string();
    file.local = true;
    std::error_code error;
    auto size = fs::file_size(path, error);
    file.size = error ? 0 : size;
    return file;
}

std::vector<IndexFile> files_of_directory(const fs::path& directory) {
    std::vector<IndexFile> out;
    std::error_code ec;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec))
        if (archive::is_distribution(it->path().filename().string())) out.push_back(local_file(it->path()));
    std::ranges::sort(out, {}, &IndexFile::file_name); // a directory's own order differs from machine to machine
    return out;
}

// A page of links lying on this machine: its relative links are files beside it.
void make_local(std::vector<IndexFile>& files) {
    for (IndexFile& file : files) {
        if (!file.url.starts_with("file:")) continue;
        file.url = file_url_to_path(file.url);
        file.local = true;
    }
}

} // namespace

fetch::Download to_download(const IndexFile& file) {
    return {file.url, file.file_name, file.sha256, file.md5, file.size, file.hashes};
}

Result<std::vector<IndexFile>> parse_index_page(const fetch::Document& document) {
    std::string type =
        to_lower(trim(std::string_view(document.content_type).substr(0, document.content_type.find(';'))));
    if (type == "application/vnd.pypi.simple.v1+json" || type == "application/json") return parse_json(document);
    if (type == "application/vnd.pypi.simple.v1+html" || type == "text/html" || type == "application/xhtml+xml")
        return parse_html(document);
    if (type.empty() || type == "text/plain" || type == "application/octet-stream")
        return trim(document.body).starts_with('{') ? parse_json(document) : parse_html(document);
    return page_error(document.url, "the server answered with {} instead of an index page; check the index's URL",
                      type);
}

Result<IndexStrategy> parse_index_strategy(std::string_view text) {
    if (text == "first-index") return IndexStrategy::first_index;
    if (text == "unsafe-first-match") return IndexStrategy::unsafe_first_match;
    if (text == "unsafe-best-match") return IndexStrategy::unsafe_best_match;
    return make_error(ErrorKind::usage,
                      "'{}' is no index strategy; write first-index, unsafe-first-match or "
                      "unsafe-best-match",
                      text);
}

std::string_view default_index_url() { return configured_default_index; }

PackageIndex::PackageIndex(fetch::Fetcher& fetcher, Options options, IndexStrategy strategy)
    : fetcher_(fetcher), options_(std::move(options)), strategy_(strategy) {
    if (options_.no_index) return;
    std::vector<std::string> all = options_.extra_index_urls;
    all.push_back(options_.index_url.value_or(std::string(default_index_url())));
    for (std::string& url : all) {
        while (url.ends_with('/')) url.pop_back();
        if (!url.empty() && std::ranges::find(indexes_, url) == indexes_.end()) indexes_.push_back(std::move(url));
    }
}

Status PackageIndex::load_find_links() {
    if (find_links_loaded_) return {};
    find_links_.clear();
    warnings_.clear();
    for (const std::string& location : options_.find_links) {
        FindLinks loaded{without_credentials(location), {}};
        std::string path = location.starts_with("file:") ? file_url_to_path(location)
                           : is_url(location)            ? ""
                                                         : location;
        std::error_code ignored;
        if (!path.empty() && fs::is_directory(path, ignored)) {
            loaded.files = files_of_directory(path);
        } else if (!path.empty() && archive::is_distribution(path)) {
            loaded.files.push_back(local_file(path));
        } else if (!path.empty()) {
            // pip only warns too: a shared configuration may name a directory that this machine does not have.
            auto text = fs::is_regular_file(path, ignored) ? read_text(path, page_limit) : Result<std::string>(Error{});
            if (!text) {
                warnings_.push_back(fmt::format("the find-links place '{}' does not exist and is ignored", path));
                continue;
            }
            TRY_ASSIGN(loaded.files,
                       parse_index_page(
                           {*text, "file://" + percent_encode_path(fs::absolute(path).string()), "text/html", 200}));
            make_local(loaded.files);
        } else if (archive::is_distribution(last_element(fetch::Url::parse(location).path))) {
            IndexFile file;
            fetch::Url url = fetch::Url::parse(location);
            read_fragment(url.fragment, file);
            url.fragment.clear();
            file.file_name = last_element(url.path);
            file.url = url.str();
            loaded.files.push_back(std::move(file));
        } else {
            TRY_ASSIGN(fetch::Document page, fetcher_.get(location, "text/html"));
            if (page.status != 200)
                return page_error(location, "the find-links page answered with status {}; check its URL", page.status);
            TRY_ASSIGN(loaded.files, parse_index_page(page));
            add_index_credentials(location, loaded.files);
        }
        find_links_.push_back(std::move(loaded));
    }
    find_links_loaded_ = true;
    return {};
}

Result<ProjectSource> PackageIndex::ask(const std::string& index, const std::string& name) {
    ProjectSource out;
    out.location = without_credentials(index);
    // A local index: a directory with a directory for each project.
    std::string url = index + "/" + name + "/";
    if (index.starts_with("file:")) {
        fs::path directory = file_url_to_path(url);
        std::error_code ignored;
        out.known = fs::is_directory(directory, ignored);
        if (!fs::exists(directory / "index.html", ignored)) {
            out.files = files_of_directory(directory);
            return out;
        }
        TRY_ASSIGN(std::string text, read_text(directory / "index.html", page_limit));
        TRY_ASSIGN(out.files, parse_index_page({text, url, "text/html", 200}));
        make_local(out.files);
        return out;
    }
    TRY_ASSIGN(fetch::Document page, fetcher_.get(url, accept_header));
    if (page.status == 404) return out;
    if (page.status != 200 && page.status != 0)
        return page_error(url, "the index answered with status {}; try again, or check the index's URL", page.status);
    TRY_ASSIGN(out.files, parse_index_page(page));
    add_index_credentials(index, out.files);
    out.known = true;
    return out;
}

Result<std::vector<ProjectSource>> PackageIndex::look_up(const std::string& name) {
    std::vector<ProjectSource> out;
    for (const FindLinks& links : find_links_) {
        ProjectSource source{links.location, true, false, {}};
        std::ranges::copy_if(links.files, std::back_inserter(source.files),
                             [&](const IndexFile& file) { return belongs_to(file, name); });
        source.known = !source.files.empty();
        out.push_back(std::move(source));
    }
    for (const std::string& index : indexes_) {
        TRY_ASSIGN(ProjectSource source, ask(index, name));
        // A page may carry files of other projects (find-links pages do); they must not be taken for this one's.
        std::erase_if(source.files, [&](const IndexFile& file) { return !belongs_to(file, name); });
        out.push_back(std::move(source));
        if (out.back().known && strategy_ == IndexStrategy::first_index) break;
    }
    return out;
}

Result<std::vector<ProjectSource>> PackageIndex::project(const std::string& name) {
    {
        std::lock_guard lock(mutex_);
        if (auto found = projects_.find(name); found != projects_.end()) return found->second;
    }
    TRY(load_find_links());
    TRY_ASSIGN(auto sources, look_up(name));
    std::lock_guard lock(mutex_);
    return projects_.emplace(name, std::move(sources)).first->second;
}

Status PackageIndex::prefetch(const std::vector<std::string>& names) {
    TRY(load_find_links());
    std::vector<std::optional<std::vector<ProjectSource>>> found(names.size());
    Status status = parallel_for(names.size(), 8, [&](std::size_t i) -> Status {
        TRY_ASSIGN(found[i], look_up(names[i]));
        return {};
    });
    for (std::size_t i = 0; i < names.size(); ++i)
        if (found[i]) projects_.emplace(names[i], std::move(*found[i]));
    return status;
}

} // namespace tinderbox::pip
