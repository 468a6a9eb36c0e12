#include "runtime/preflight/target.hpp"

#include "common/base/file.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace tinderbox::preflight {
namespace {

class Judge {
  public:
    Judge(const TargetFacts& facts, const place::Decision& decision, const format::Manifest& manifest,
          const NamesCollide& names_collide)
        : facts_(facts), decision_(decision), limits_(decision.limits(manifest)), manifest_(manifest),
          names_collide_(names_collide) {}

    std::vector<machine::Finding> run() {
        judge_name();
        judge_existing();
        judge_file_system();
        return std::move(out_);
    }

  private:
    void add(machine::Severity severity, std::string id, std::string sentence, std::string advice = {},
             ErrorKind kind = ErrorKind::storage) {
        out_.push_back({std::move(id), severity, kind, std::move(sentence), std::move(advice)});
    }
    void error(std::string id, std::string sentence, std::string advice, ErrorKind kind = ErrorKind::storage) {
        add(machine::Severity::error, std::move(id), std::move(sentence), std::move(advice), kind);
    }

    void refuse(place::Refusal refusal) { out_.push_back(finding_of(std::move(refusal))); }

    void judge_name() {
        const std::string& prefix = facts_.prefix;
        for (const place::PrefixLimit& limit : limits_)
            if (auto refusal = place::refuse_length(limit, prefix)) refuse(*std::move(refusal));
        if (prefix.find(':') != std::string::npos)
            add(machine::Severity::warning, "prefix-colon",
                fmt::format("the prefix '{}' holds a ':', which PATH cannot express", prefix),
                "choose one without ':' with -p");
        if (prefix.find(' ') != std::string::npos)
            add(machine::Severity::note, "prefix-space",
                fmt::format("the prefix '{}' holds a space; this is supported", prefix));
    }

    void judge_existing() {
        const std::string& prefix = facts_.prefix;
        if (!facts_.not_a_directory.empty())
            return error("prefix-parent", fmt::format("'{}' is not a directory", facts_.not_a_directory),
                         "choose another prefix with -p");
        if (decision_.refusal) refuse(*decision_.refusal);
        else if (decision_.staging == place::StagingKind::replace)
            add(machine::Severity::note, "replaces",
                fmt::format("'{}' is replaced when the new environment is complete", prefix));
        if (!facts_.writable && !facts_.read_only)
            error("not-writable",
                  errno_error(fmt::format("'{}' may not be written to", facts_.existing), facts_.write_errno).message,
                  "choose another prefix with -p, or run as a user who may write there");
    }

    // The files that an interrupted run has staged need no room a second time.
    void judge_file_system() {
        auto less = [](std::uint64_t need, std::uint64_t there) { return need > there ? need - there : 0; };
        format::InstallInfo needs = decision_.needs(manifest_);
        needs.bytes = less(needs.bytes, facts_.staged_bytes);
        needs.inodes = less(needs.inodes, facts_.staged_inodes);
        std::ranges::move(
            machine::judge_file_system(facts_, fmt::format("'{}'", facts_.existing), needs, names_collide_),
            std::back_inserter(out_));
    }

    const TargetFacts& facts_;
    const place::Decision& decision_;
    const std::vector<place::PrefixLimit> limits_;
    const format::Manifest& manifest_;
    const NamesCollide& names_collide_;
    std::vector<machine::Finding> out_;
};

// One directory's size on the disk; links are not followed.
void add_tree(const fs::path& directory, TargetFacts& facts) {
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error)) {
        struct stat info {};
        if (::lstat(it->path().c_str(), &info) != 0) continue;
        facts.staged_bytes += static_cast<std::uint64_t>(info.st_blocks) * 512;
        ++facts.staged_inodes;
    }
}

// Somebody else's tree under that name is refused later, so it gives no room back.
void read_staged(const fs::path& stage, TargetFacts& facts) {
    struct stat info {};
    if (::lstat(stage.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid())
        add_tree(stage, facts);
}

} // namespace

TargetFacts read_target_facts(const place::Decision& decision) {
    TargetFacts facts;
    facts.prefix = decision.layout.root.string();
    fs::path nearest = decision.layout.root;
    if (decision.found == place::Found::file) nearest = nearest.parent_path();
    std::error_code error;
    for (;; nearest = nearest.parent_path()) {
        auto status = fs::status(nearest, error);
        if (fs::is_directory(status) || nearest == nearest.root_path()) break;
        if (fs::exists(status)) facts.not_a_directory = nearest.string();
    }
    facts.existing = nearest.string();
    static_cast<machine::FileSystemFacts&>(facts) = machine::read_file_system(facts.existing);
    // access() and not a trial file: nothing is written before everything was checked.
    if (::faccessat(AT_FDCWD, facts.existing.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        facts.writable = false;
        facts.write_errno = errno;
        if (errno == EROFS) facts.read_only = true;
    }
    read_staged(decision.stage, facts);
    return facts;
}

std::vector<machine::Finding> judge_target(const TargetFacts& facts, const place::Decision& decision,
                                           const format::Manifest& manifest, const NamesCollide& names_collide) {
    return Judge(facts, decision, manifest, names_collide).run();
}

machine::Finding finding_of(place::Refusal refusal) {
    return {std::move(refusal.id), machine::Severity::error, refusal.kind, std::move(refusal.sentence),
            std::move(refusal.advice)};
}

nlohmann::json to_json(const TargetFacts& facts, place::Found found) {
    nlohmann::json out = {{"prefix", facts.prefix},
                          {"found", place::to_string(found)},
                          {"free_bytes", facts.free_bytes},
                          {"file_system", facts.file_system}};
    if (facts.free_inodes) out["free_inodes"] = *facts.free_inodes;
    if (facts.quota_bytes) out["quota_bytes"] = *facts.quota_bytes;
    return out;
}

} // namespace tinderbox::preflight
