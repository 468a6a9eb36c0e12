// Checks that a list of wheels is complete: each Requires-Dist of each wheel is on it.
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/pip/metadata.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/select.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace tinderbox::pip {
namespace {

constexpr std::uint64_t largest_suggestion = 20u << 20; // bytes

// One package of the environment while its requirements are followed.
struct Package {
    std::string name, version;
    std::string where;                // "requirements.txt:3", "" for one that is missing from the list
    std::optional<Metadata> metadata; // none: provided from elsewhere, or unknown
    std::set<std::string> extras;
    bool suggested = false;
};

// The requirements of all packages on one name.
struct Demand {
    std::vector<std::string> askers; // "torch 2.9.1 requires filelock>=3"
    std::string specifier;           // all clauses joined
};

class Closure {
  public:
    Closure(const SelectOptions& options, PackageIndex* index)
        : options_(options), index_(index), environment_(marker_environment(options.target)) {}

    Status run(const WheelSelection& selection) {
        for (const ChosenWheel& wheel : selection.wheels) {
            Package package{wheel.name, wheel.version, wheel.line.str(), parse_metadata(wheel.metadata), {}, false};
            package.extras.insert(wheel.extras.begin(), wheel.extras.end());
            TRY(judge(package, wheel.direct));
            packages_.emplace(wheel.name, std::move(package));
        }
        for (const auto& [name, version] : options_.provided)
            packages_.emplace(name, Package{name, version, "", std::nullopt, {}, false});
        for (const auto& [name, package] : packages_) open_.push_back(name);
        // Extras found on the way put a package back into the queue; each can do so only once per extra.
        while (!open_.empty()) {
            std::string name = open_.front();
            open_.pop_front();
            TRY(follow(name));
        }
        return verdict();
    }

  private:
    // An index's file that cannot be used is no answer; a file that the user names is an input with a mistake.
    Status judge(const Package& package, bool direct) {
        const Metadata& metadata = *package.metadata;
        const std::string why =
            why_unusable(metadata, package.name, *Version::parse(package.version),
                         *Version::parse(environment_["python_full_version"]), options_.target.python);
        if (why.empty()) return {};
        const bool mistake = direct && why == metadata.unreadable;
        return make_error(mistake ? ErrorKind::usage : ErrorKind::unsatisfiable, "{}: {} {} {}", package.where,
                          package.name, package.version, why);
    }

    Status follow(const std::string& name) {
        // A copy: following may add packages.
        Package package = packages_.at(name);
        if (!package.metadata) return {};
        std::vector<std::string> extras(package.extras.begin(), package.extras.end());
        for (const Requirement& requirement : package.metadata->requires_dist) {
            // The requirements without extra hold as well when extras are asked for.
            if (!requirement.applies(environment_) && !requirement.applies(environment_, extras)) continue;
            TRY(ask(package, requirement));
        }
        return {};
    }

    Status ask(const Package& asker, const Requirement& requirement) {
        const std::string& name = requirement.name;
        std::string who =
            fmt::format("{} {} requires {}", asker.name, asker.version, name + requirement.specifier.str());
        auto found = packages_.find(name);
        bool listed = found != packages_.end() && !found->second.suggested;
        auto version = found == packages_.end() ? std::nullopt : Version::parse(found->second.version);
        bool fits = version && (!requirement.url.empty() || requirement.specifier.matches(*version));
        if (listed && !fits && version) {
            add_demand(wrong_[name], who, requirement);
        } else if (!listed) {
            Demand& demand = missing_[name];
            add_demand(demand, who, requirement);
            if (!fits && (found == packages_.end() || version)) TRY(suggest(name, demand));
        }
        Package& package = packages_.at(name);
        bool more = false;
        for (const std::string& extra : requirement.extras) more = package.extras.insert(extra).second || more;
        if (more) open_.push_back(name);
        return {};
    }

    static void add_demand(Demand& demand, const std::string& who, const Requirement& requirement) {
        if (std::ranges::find(demand.askers, who) != demand.askers.end()) return; // it is asked again for an extra
        demand.askers.push_back(who);
        if (requirement.specifier.empty()) return;
        demand.specifier += (demand.specifier.empty() ? "" : ",") + requirement.specifier.str();
    }

    // The file is only suggested, so a failure here must not hide the message itself. A small wheel is downloaded for
    // its metadata, because the user will need it anyway.
    std::optional<Metadata> metadata_of(const IndexFile& file) {
        if (file.local) {
            auto text = read_wheel_metadata(file.url);
            return text ? std::optional(parse_metadata(*text)) : std::nullopt;
        }
        if (!file.has_metadata && (file.size == 0 || file.size > largest_suggestion)) return std::nullopt;
        std::string ending = file.has_metadata ? ".metadata" : "";
        auto fetched = index_->fetcher().fetch({{file.url + ending, file.file_name + ending,
                                                 file.has_metadata ? file.metadata_sha256 : file.sha256, "", 0}});
        if (!fetched) return std::nullopt;
        const fs::path& path = fetched->front().path;
        auto text = file.has_metadata ? read_text(path, largest_metadata) : read_wheel_metadata(path);
        return text ? std::optional(parse_metadata(*text)) : std::nullopt;
    }

    // The newest version of a missing package that fits every requirement on it. Where the index offers its metadata
    // apart, its own requirements are followed too: one run then lists every missing line.
    Status suggest(const std::string& name, const Demand& demand) {
        Package& package = packages_[name];
        package.name = name;
        package.suggested = true;
        package.version.clear();
        package.metadata.reset();
        if (!index_) return {};
        auto versions = SpecifierSet::parse(demand.specifier);
        auto files = files_of(*index_, name, options_.target);
        if (!versions || !files) return {};
        const ProjectWheels::Wheel* best = best_file(*files, *versions, false, {}, index_->options().pre);
        if (!best) return {};
        package.version = best->name.version.str();
        package.metadata = metadata_of(best->file);
        open_.push_back(name);
        return {};
    }

    static std::string reasons(const Demand& demand) { return some_of(demand.askers, 3, "; "); }

    Status verdict() const {
        std::string text;
        auto add = [&](const std::string& line) { text += (text.empty() ? "" : "\n") + line; };
        for (const auto& [name, demand] : wrong_) {
            const Package& package = packages_.at(name);
            std::string where = package.where.empty() ? "" : package.where + ": ";
            add(fmt::format("{}{} {} is listed, but {}{}", where, name, package.version, reasons(demand),
                            better(name, demand)));
        }
        std::string file = list_name();
        for (const auto& [name, demand] : missing_) {
            const Package& package = packages_.at(name);
            std::string extras;
            for (const std::string& extra : package.extras) extras += (extras.empty() ? "" : ",") + extra;
            std::string line = name + (extras.empty() ? "" : "[" + extras + "]") +
                               "==" + (package.version.empty() ? "VERSION" : package.version);
            add(fmt::format("add to {}: '{}' ({})", file, line, reasons(demand)));
        }
        if (text.empty()) return {};
        return Error{wrong_.empty() ? ErrorKind::usage : ErrorKind::unsatisfiable, text};
    }

    std::string better(const std::string& name, const Demand& demand) const {
        if (!index_) return "";
        auto versions = SpecifierSet::parse(demand.specifier);
        auto files = files_of(*index_, name, options_.target);
        const ProjectWheels::Wheel* best = versions && files ? best_file(*files, *versions, false) : nullptr;
        return best ? fmt::format("; write '{}=={}'", name, best->name.version.str()) : "";
    }

    // A new line belongs into the file that most lines come from.
    std::string list_name() const {
        std::map<std::string, int> count;
        for (const auto& [name, package] : packages_)
            if (!package.where.empty()) ++count[package.where.substr(0, package.where.rfind(':'))];
        std::string best = "the list";
        int most = 0;
        for (const auto& [file, lines] : count)
            if (lines > most) {
                most = lines;
                best = file == "command line" ? "--pip" : file;
            }
        return best;
    }

    const SelectOptions& options_;
    PackageIndex* index_;
    MarkerEnvironment environment_;
    std::map<std::string, Package> packages_;
    std::map<std::string, Demand> missing_, wrong_;
    std::deque<std::string> open_;
};

// The file against the --hash values of its line: one is enough, as for pip.
Status check_allowed(const ChosenWheel& wheel, const fetch::Fetched& file) {
    if (wheel.hashes.empty()) return {};
    std::string found;
    for (const std::string& hash : wheel.hashes) {
        const std::string algorithm(fetch::split_hash(hash).first);
        std::string digest = file.sha256;
        if (algorithm != "sha256") {
            TRY_ASSIGN(digest, fetch::hash_of_file(file.path, algorithm));
        }
        found = algorithm + ":" + digest;
        if (found == hash) return {};
    }
    return make_error(ErrorKind::usage, "{}: {} has the hash {}, which is none of the line's --hash values",
                      wheel.line.str(), wheel.file.file_name, found);
}

} // namespace

Status fetch_metadata(WheelSelection& selection, fetch::Fetcher& fetcher) {
    std::vector<fetch::Download> downloads;
    std::vector<ChosenWheel*> wanted, whole;
    for (ChosenWheel& wheel : selection.wheels) {
        if (!wheel.metadata.empty()) continue;
        // A file whose --hash only its bytes can answer is here in any case.
        const bool proven = judge_hash(wheel.file, wheel.hashes) == HashVerdict::right;
        if (!wheel.file.has_metadata || wheel.file.local || !proven) {
            whole.push_back(&wheel);
            continue;
        }
        fetch::Download one;
        one.url = wheel.file.url + ".metadata";
        one.name = wheel.file.file_name + ".metadata";
        one.sha256 = wheel.file.metadata_sha256;
        downloads.push_back(std::move(one));
        wanted.push_back(&wheel);
    }
    auto fetched = downloads.empty() ? Result<std::vector<fetch::Fetched>>(std::vector<fetch::Fetched>{})
                                     : fetcher.fetch(downloads);
    if (fetched) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            TRY_ASSIGN(wanted[i]->metadata, read_text((*fetched)[i].path, largest_metadata));
        }
    } else {
        // Some mirrors announce metadata files and do not have them; every wheel has its METADATA inside.
        whole.insert(whole.end(), wanted.begin(), wanted.end());
    }
    downloads.clear();
    for (ChosenWheel* wheel : whole) downloads.push_back(to_download(*wheel));
    if (downloads.empty()) return {};
    TRY_ASSIGN(auto wheels, fetcher.fetch(downloads));
    for (std::size_t i = 0; i < whole.size(); ++i) {
        TRY(check_allowed(*whole[i], wheels[i]));
        whole[i]->file.sha256 = wheels[i].sha256;
        whole[i]->file.size = wheels[i].size;
        auto text = read_wheel_metadata(wheels[i].path);
        if (!text) return std::move(text).error();
        whole[i]->metadata = std::move(*text);
    }
    return {};
}

Status check_closure(const WheelSelection& selection, const SelectOptions& options, PackageIndex* index) {
    return Closure(options, index).run(selection);
}

} // namespace tinderbox::pip
