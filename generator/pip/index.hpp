// Package indexes: PEP 503 pages (HTML), PEP 691 (JSON), PEP 592 (yanked), PEP 658/714 (metadata beside the wheel),
// PEP 629 (versions of the interface), and find-links (directories and pages of links).
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/pip/options.hpp"

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

// The index that pip uses without configuration, read from pip itself when Tinderbox is built (cmake/PipDefault.cmake).
// "": the build had no pip; then an index must be configured or named.
std::string_view default_index_url();

// One file a page offers.
struct IndexFile {
    std::string file_name;
    std::string url;         // absolute, with the index's credentials when it is on the same host; or a local path
    std::string sha256, md5; // hex, "" unknown
    // Others that the page gives, "sha512:HEX" (generator/fetch/hashes.hpp). They may be malformed: the error is that
    // of the file when it is chosen, not of the page.
    std::vector<std::string> hashes;
    std::string requires_python;
    bool yanked = false;
    std::string yanked_reason;
    bool has_metadata = false; // URL + ".metadata" is the wheel's METADATA
    std::string metadata_sha256;
    std::uint64_t size = 0; // bytes, 0 = unknown
    bool local = false;     // `url` is a path on this machine
};

fetch::Download to_download(const IndexFile& file);

// The files of a page by its content type (or by its content when there is none). Errors are of kind network: a page
// that is no index, such as a login form, or an unknown version of the interface.
Result<std::vector<IndexFile>> parse_index_page(const fetch::Document& document);

enum class IndexStrategy {
    first_index,        // the first index that knows the project, as uv does: a project of your own index cannot be
                        // replaced by one of the same name on a public index
    unsafe_first_match, // the first index that has a file that fits
    unsafe_best_match,  // all indexes are one, as for pip
};
Result<IndexStrategy> parse_index_strategy(std::string_view text); // "first-index", … Error: kind usage

// The files of one project at an index or a find-links location.
struct ProjectSource {
    std::string location; // its URL or path, without credentials
    bool find_links = false;
    bool known = false; // an index: it has the project
    std::vector<IndexFile> files;
};

// All indexes and find-links locations of a request. Extra indexes come before the index itself, as with uv, because
// the user added them on purpose. Every page is asked for once. project() is thread-safe after the first prefetch(),
// which reads the find-links locations.
class PackageIndex {
  public:
    PackageIndex(fetch::Fetcher& fetcher, Options options, IndexStrategy strategy = IndexStrategy::first_index);

    // Everything offered for a project (normalised name): find-links first, then indexes. With first_index, no index
    // after the first that has the project. Errors: kind network.
    Result<std::vector<ProjectSource>> project(const std::string& name);

    // Asks for many projects at once; afterwards project() answers without waiting. Returns the first error. After an
    // error stop asking, because each further request would be retried as often.
    Status prefetch(const std::vector<std::string>& names);

    fetch::Fetcher& fetcher() { return fetcher_; }
    const Options& options() const { return options_; }
    IndexStrategy strategy() const { return strategy_; }
    // Index URLs with credentials, in the order they are asked.
    const std::vector<std::string>& indexes() const { return indexes_; }
    // Messages for the user: find-links locations that do not exist.
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    struct FindLinks {
        std::string location; // URL or path, without credentials
        std::vector<IndexFile> files;
    };
    Status load_find_links();
    Result<std::vector<ProjectSource>> look_up(const std::string& name);
    Result<ProjectSource> ask(const std::string& index, const std::string& name);

    fetch::Fetcher& fetcher_;
    Options options_;
    IndexStrategy strategy_;
    std::vector<std::string> indexes_, warnings_;
    bool find_links_loaded_ = false;
    std::vector<FindLinks> find_links_;
    std::mutex mutex_; // of projects_
    std::map<std::string, std::vector<ProjectSource>> projects_;
};

} // namespace tinderbox::pip
