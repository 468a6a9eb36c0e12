#include "generator/conda/universe.hpp"

#include "common/base/hash.hpp"
#include "common/base/optional_reporter.hpp"
#include "generator/archive/endings.hpp"
#include "generator/conda/names.hpp"

#include <algorithm>

namespace tinderbox::conda {

std::string Universe::Entry::text() const {
    if (virtual_package) return virtual_package->name + " " + virtual_package->version;
    return fmt::format("{} {} {}", record->name, record->version, record->build);
}

NameId Universe::name_of(std::string_view text) {
    std::string key(text);
    auto [found, added] = name_ids_.emplace(key, static_cast<NameId>(names_.size()));
    if (added) {
        // A missing virtual package never appears later, so prune by it as by the request itself.
        const bool absent = prune_ && key.starts_with("__") &&
                            std::ranges::find(request_.virtuals, key, &VirtualPackage::name) == request_.virtuals.end();
        names_.push_back({std::move(key), {}, false, {}});
        restricted_.push_back(absent);
    }
    return found->second;
}

DependencyId Universe::add_dependency(std::string_view text, MatchSpec spec, std::vector<std::string> channels) {
    Dependency out;
    out.text = std::string(text);
    out.name = name_of(spec.name);
    out.spec = std::move(spec);
    out.channels = std::move(channels);
    dependencies_.push_back(std::move(out));
    return static_cast<DependencyId>(dependencies_.size() - 1);
}

Result<DependencyId> Universe::dependency_of(std::string_view text) {
    if (auto found = dependency_ids_.find(text); found != dependency_ids_.end()) return found->second;
    // conda 26 writes conditions ("foo if python <3.9") that other solvers have to ignore.
    std::string_view unconditional = text.substr(0, std::min(text.find("; if "), text.find(" if ")));
    auto spec = MatchSpec::parse(unconditional);
    DependencyId id = 0;
    if (spec.ok()) {
        std::vector<std::string> channels;
        if (!spec->channel.empty() && request_.channel_keys) {
            auto keys = request_.channel_keys(spec->channel);
            if (keys.ok()) channels = std::move(keys).value();
        }
        id = add_dependency(text, std::move(spec).value(), std::move(channels));
    } else {
        // A package with a malformed dependency must not stop a solve that does not need it.
        MatchSpec broken;
        broken.text = std::string(text);
        broken.name = "(not understood)";
        id = add_dependency(text, std::move(broken), {});
        dependencies_[id].problem = spec.error().message;
        dependencies_[id].matched = true;
    }
    dependency_ids_.emplace(dependencies_[id].text, id);
    return id;
}

const VersionOrder* Universe::version_of(std::string_view text) {
    auto found = versions_.find(std::string(text));
    if (found == versions_.end()) {
        auto parsed = VersionOrder::parse(text);
        found = versions_
                    .emplace(std::string(text),
                             parsed.ok() ? std::make_unique<VersionOrder>(std::move(parsed).value()) : nullptr)
                    .first;
    }
    return found->second.get();
}

RecordView Universe::view(const Entry& entry) const {
    RecordView out;
    out.version = entry.version;
    if (entry.virtual_package) {
        out.name = entry.virtual_package->name;
        out.build = entry.virtual_package->build;
        return out;
    }
    const PackageRecord& record = *entry.record;
    out.name = record.name;
    out.build = record.build;
    out.build_number = record.build_number;
    out.channel = entry.subdir->channel().key;
    out.subdir = entry.subdir->subdir();
    out.file_name = record.file_name;
    out.license = record.license;
    out.track_features = record.track_features;
    return out;
}

const std::vector<CandidateId>& Universe::matches(DependencyId id) {
    Dependency& dependency = dependencies_[id];
    if (dependency.matched) return dependency.matches;
    dependency.matched = true;
    const VersionOrder* last = nullptr;
    bool last_fits = false;
    const bool hashes = !dependency.spec.md5.empty() || !dependency.spec.sha256.empty();
    for (CandidateId candidate : names_[dependency.name].candidates) {
        const Entry& entry = entries_[candidate];
        if (dependency.spec.version) {
            // Candidates of a version stand together.
            if (entry.version != last) {
                last = entry.version;
                last_fits = dependency.spec.version->matches(*last);
            }
            if (!last_fits) continue;
        }
        if (dependency.spec.build || !dependency.spec.plain()) {
            RecordView seen = view(entry);
            std::string md5, sha256;
            if (hashes && entry.record) {
                seen.md5 = md5 = to_hex(as_bytes(entry.record->md5));
                seen.sha256 = sha256 = to_hex(as_bytes(entry.record->sha256));
            }
            if (!dependency.spec.matches(seen, dependency.channels)) continue;
        }
        dependency.matches.push_back(candidate);
    }
    return dependency.matches;
}

// ---- order ----------------------------------------------------------------------------------------------

// Negative: `left` is preferred. Packages with track_features last, then (with flexible priority) the channel, the
// version, (without priority) the channel, the build number.
int Universe::compare_simple(const Entry& left, const Entry& right) const {
    const bool left_features = left.record && !left.record->track_features.empty();
    const bool right_features = right.record && !right.record->track_features.empty();
    if (left_features != right_features) return left_features ? 1 : -1;
    auto by_channel = [&] { return left.channel == right.channel ? 0 : left.channel < right.channel ? -1 : 1; };
    if (request_.priority != ChannelPriority::disabled)
        if (int order = by_channel()) return order;
    if (auto order = *left.version <=> *right.version; order != 0) return order > 0 ? -1 : 1;
    if (request_.priority == ChannelPriority::disabled)
        if (int order = by_channel()) return order;
    const std::uint64_t a = left.record ? left.record->build_number : 0,
                        b = right.record ? right.record->build_number : 0;
    return a == b ? 0 : a > b ? -1 : 1;
}

// The candidate of the highest version that a dependency allows.
const Universe::Entry* Universe::highest(DependencyId id) {
    auto [found, added] = highest_.emplace(id, nullptr);
    if (!added) return found->second;
    const Entry* best = nullptr;
    for (CandidateId candidate : matches(id))
        if (const Entry& entry = entries_[candidate]; !best || *entry.version > *best->version) best = &entry;
    highest_[id] = best;
    return best;
}

// Builds that are alike so far: the one whose dependencies reach higher versions, then the newer one. The names that
// all of the builds depend on are compared in alphabetical order, as rattler does.
void Universe::order(Name& name) {
    auto& ids = name.candidates;
    for (std::size_t begin = 0; begin < ids.size();) {
        std::size_t end = begin + 1;
        while (end < ids.size() && compare_simple(entries_[ids[begin]], entries_[ids[end]]) == 0) ++end;
        const auto count = end - begin;
        if (count > 1) {
            std::map<std::string_view, std::size_t> shared;
            std::unordered_map<CandidateId, std::map<std::string_view, const Entry*>> reach;
            for (std::size_t i = begin; i < end; ++i) {
                auto& mine = reach[ids[i]];
                for (DependencyId id : entries_[ids[i]].depends) {
                    const Entry* best = highest(id);
                    auto [place, added] = mine.emplace(names_[dependencies_[id].name].text, best);
                    // Asked for twice: the stricter one decides.
                    if (!added && best && place->second && *best->version < *place->second->version)
                        place->second = best;
                }
                for (const auto& [text, best] : mine) ++shared[text];
            }
            std::erase_if(shared, [&](const auto& one) { return one.second != count; });
            auto has_features = [](const Entry* entry) {
                return entry->record && !entry->record->track_features.empty();
            };
            auto preferred = [&](CandidateId a, CandidateId b) {
                const auto &left = reach[a], &right = reach[b];
                for (const auto& [text, times] : shared) {
                    const Entry *l = left.at(text), *r = right.at(text);
                    if (l == r) continue;
                    if (!l || !r) return l != nullptr;
                    if (has_features(l) != has_features(r)) return has_features(r);
                    if (auto compared = *l->version <=> *r->version; compared != 0) return compared > 0;
                }
                auto time = [&](CandidateId id) { return entries_[id].record ? entries_[id].record->timestamp : 0; };
                return time(a) > time(b);
            };
            std::stable_sort(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                             ids.begin() + static_cast<std::ptrdiff_t>(end), preferred);
        }
        begin = end;
    }
}

// ---- loading --------------------------------------------------------------------------------------------

Status Universe::add_records(NameId name, NamedRecords found, const Subdir& subdir, std::uint32_t channel) {
    storage_.push_back(std::move(found.storage));
    // NAME.conda and NAME.tar.bz2 are one package, and .conda is the better one.
    std::unordered_set<std::string_view> modern;
    auto stem = [](std::string_view file) { return *archive::without_ending(file, archive::conda_endings); };
    for (const PackageRecord& record : found.records)
        if (record.file_name.ends_with(".conda")) modern.insert(stem(record.file_name));
    std::erase_if(found.records, [&](const PackageRecord& record) {
        // The name becomes part of URLs and of names in the cache.
        if (!is_package_file_name(record.file_name) || record.file_name.find('/') != std::string_view::npos ||
            record.file_name.starts_with('.'))
            return true;
        if (!is_identifier(record.name) || !is_identifier(record.version) ||
            (!record.build.empty() && !is_identifier(record.build)))
            return true;
        if (!version_of(record.version)) return true;
        return record.file_name.ends_with(".tar.bz2") && modern.contains(stem(record.file_name));
    });
    records_.push_back(std::move(found.records));
    for (const PackageRecord& record : records_.back()) {
        Entry entry;
        entry.record = &record;
        entry.version = version_of(record.version);
        entry.subdir = &subdir;
        entry.channel = channel;
        entry.name = name;
        names_[name].candidates.push_back(static_cast<CandidateId>(entries_.size()));
        entries_.push_back(std::move(entry));
    }
    return {};
}

Status Universe::load_names(const std::vector<NameId>& ids) {
    // "channel::name" in the request: the name comes from that channel alone.
    std::unordered_map<NameId, std::vector<std::string>> only;
    for (const SolveSpec& spec : request_.specs)
        if (!spec.channels.empty()) only.emplace(name_of(spec.spec.name), spec.channels);
    for (std::uint32_t channel = 0; channel < sources_.size(); ++channel) {
        std::vector<NameId> wanted;
        std::vector<std::string> texts;
        for (NameId id : ids) {
            const Name& name = names_[id];
            if (name.text.starts_with("__")) continue;
            auto limited = only.find(id);
            if (limited != only.end() &&
                std::ranges::find(limited->second, sources_[channel].channel.key) == limited->second.end())
                continue;
            if (request_.priority == ChannelPriority::strict && !name.candidates.empty()) continue;
            wanted.push_back(id);
            texts.push_back(name.text);
        }
        if (wanted.empty()) continue;
        for (const auto& subdir : sources_[channel].subdirs) {
            TRY_ASSIGN(auto found, subdir->find(texts));
            for (std::size_t i = 0; i < wanted.size(); ++i)
                TRY(add_records(wanted[i], std::move(found[i]), *subdir, channel));
        }
    }
    for (NameId id : ids) {
        Name& name = names_[id];
        for (const VirtualPackage& one : request_.virtuals) {
            if (one.name != name.text) continue;
            Entry entry;
            entry.virtual_package = &one;
            entry.version = version_of(one.version);
            entry.name = id;
            name.candidates.push_back(static_cast<CandidateId>(entries_.size()));
            entries_.push_back(std::move(entry));
        }
        std::ranges::stable_sort(name.candidates, [&](CandidateId a, CandidateId b) {
            return compare_simple(entries_[a], entries_[b]) < 0;
        });
        if (name.candidates.empty() && !name.text.starts_with("__"))
            for (const auto& source : sources_)
                for (const auto& subdir : source.subdirs)
                    for (std::string& similar : subdir->similar_names(name.text))
                        if (name.similar.size() < 3 && std::ranges::find(name.similar, similar) == name.similar.end())
                            name.similar.push_back(std::move(similar));
    }
    return {};
}

// Leaves of a name of the request the candidates that all its specs allow: no other can be in a solution.
void Universe::restrict(NameId id) {
    Name& name = names_[id];
    std::vector<bool> fits(name.candidates.size(), true);
    auto apply = [&](DependencyId spec) {
        if (dependencies_[spec].name != id) return;
        const auto& allowed = matches(spec);
        for (std::size_t i = 0; i < name.candidates.size(); ++i)
            fits[i] = fits[i] && std::ranges::find(allowed, name.candidates[i]) != allowed.end();
    };
    for (DependencyId spec : specs_) apply(spec);
    for (DependencyId spec : constraints_) apply(spec);
    std::vector<CandidateId> left;
    for (std::size_t i = 0; i < name.candidates.size(); ++i) {
        if (fits[i]) left.push_back(name.candidates[i]);
        else entries_[name.candidates[i]].usable = false;
    }
    name.candidates = std::move(left);
    for (Dependency& dependency : dependencies_)
        if (dependency.name == id && dependency.problem.empty()) {
            dependency.matched = false;
            dependency.matches.clear();
        }
    restricted_[id] = true;
}

// False: the dependency names something whose candidates are final, and none of them fits.
bool Universe::satisfiable(DependencyId id) {
    const Dependency& dependency = dependencies_[id];
    if (!dependency.problem.empty()) return false;
    if (!restricted_[dependency.name]) return true;
    return !matches(id).empty();
}

// Reads the dependencies of a name's candidates and collects the names that are new.
Status Universe::expand(NameId id, std::vector<NameId>& next) {
    auto want = [&](NameId name) {
        if (!std::exchange(names_[name].queued, true)) next.push_back(name);
    };
    std::vector<CandidateId> left;
    for (CandidateId candidate : std::vector<CandidateId>(names_[id].candidates)) {
        const PackageRecord* record = entries_[candidate].record;
        bool usable = true;
        if (record) {
            std::vector<DependencyId> depends, constrains;
            for (std::string_view text : record->depends) {
                TRY_ASSIGN(DependencyId dependency, dependency_of(text));
                depends.push_back(dependency);
                usable = usable && (!prune_ || satisfiable(dependency));
            }
            for (std::string_view text : record->constrains) {
                TRY_ASSIGN(DependencyId dependency, dependency_of(text));
                constrains.push_back(dependency);
            }
            if (usable)
                for (DependencyId dependency : depends)
                    if (dependencies_[dependency].problem.empty()) want(dependencies_[dependency].name);
            entries_[candidate].depends = std::move(depends);
            entries_[candidate].constrains = std::move(constrains);
        }
        entries_[candidate].usable = usable;
        if (usable) left.push_back(candidate);
    }
    if (prune_ && left.size() != names_[id].candidates.size()) names_[id].candidates = std::move(left);
    return {};
}

Result<std::unique_ptr<Universe>> Universe::load(std::vector<ChannelSource>& sources, const SolveRequest& request,
                                                 bool prune) {
    std::unique_ptr<Universe> out(new Universe(sources, request, prune));
    std::vector<NameId> round;
    auto want = [&](NameId name) {
        if (!std::exchange(out->names_[name].queued, true)) round.push_back(name);
    };
    for (const SolveSpec& spec : request.specs) {
        out->specs_.push_back(out->add_dependency(spec.spec.text, spec.spec, spec.channels));
        want(out->dependencies_.back().name);
    }
    for (const SolveSpec& spec : request.constraints) {
        out->constraints_.push_back(out->add_dependency(spec.spec.text, spec.spec, spec.channels));
        want(out->dependencies_.back().name);
    }
    for (const VirtualPackage& one : request.virtuals) want(out->name_of(one.name));
    TRY(out->load_names(round));
    if (prune)
        for (NameId name : round) out->restrict(name);
    while (!round.empty()) {
        std::vector<NameId> next;
        for (NameId name : round) TRY(out->expand(name, next));
        TRY(out->load_names(next));
        round = std::move(next);
        reporter_or_silent(request.reporter).progress("reading packages", out->entries_.size(), 0, "package");
    }
    // Matches that were made while candidates were cut away are made again, in their final order.
    for (Dependency& dependency : out->dependencies_)
        if (dependency.problem.empty()) {
            dependency.matched = false;
            dependency.matches.clear();
        }
    for (Name& name : out->names_) out->order(name);
    for (Dependency& dependency : out->dependencies_)
        if (dependency.problem.empty()) {
            dependency.matched = false;
            dependency.matches.clear();
        }
    return out;
}

std::size_t Universe::usable() const {
    return static_cast<std::size_t>(std::ranges::count_if(entries_, &Entry::usable));
}

} // namespace tinderbox::conda
