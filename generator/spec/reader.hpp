// Shared by the readers of generator/spec. Not for use outside it.
#pragma once

#include "common/base/budget.hpp"
#include "generator/spec/request.hpp"

#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace tinderbox::spec {

// "FILE:LINE: …" of kind usage.
template <class... Args>
Error line_error(const pip::SourceLine& line, fmt::format_string<Args...> format, Args&&... args) {
    return make_error(ErrorKind::usage, format, std::forward<Args>(args)...).in(line.str());
}

// An absolute, normal path. A relative path starts in the working directory, as for pip and conda. If it does not exist
// there, it starts in `directory` (that of the file that names it), because a list travels with its wheels.
std::string locate_path(std::string_view path, const std::string& directory);
// "reqs/base.txt" for "base.txt" named in "reqs/all.txt". URLs and absolute paths stay as they are.
std::string beside(const std::string& file, std::string_view other);
std::string directory_of(const std::string& file);

// Of a requirements.txt and all that it includes: bytes, lines that say something, files inside files, included files.
inline constexpr Budget requirements_budget{.bytes = 256u << 20, .nodes = 1'000'000, .depth = 20, .files = 10'000};
inline constexpr std::uint64_t requirement_line_bytes = 1u << 20; // of one logical line

// What one request's requirements files have cost so far. Belongs to one reading.
struct RequirementsReading {
    explicit RequirementsReading(const std::string& path, const Budget& budget = requirements_budget)
        : spending(budget, path) {}
    Spending spending;
    std::set<std::pair<std::string, bool>> included; // normal path, as constraints: each is read once
};

// The key that `word` was meant to be (nearest_word).
std::string_view meant_key(std::string_view word, std::initializer_list<std::string_view> known);
// The same as an error of kind usage.
Status refuse_misspelt(std::string_view key, std::initializer_list<std::string_view> known,
                       const pip::SourceLine& line);

// requirements.txt
Status read_requirements(std::string_view text, const std::string& path, Request& request);
// One logical line: a requirement or pip options. `file` is the file that relative -r, -c and -f start from.
Status read_requirement_line(std::string_view text, const pip::SourceLine& line, const std::string& file,
                             Request& request, RequirementsReading& reading);

// A no-break space (U+00A0) came from a web page or a word processor. `line`'s column: of the character before `text`.
Status refuse_no_break_space(std::string_view text, pip::SourceLine line);

// Files that are named instead of a SPEC: a wheel, a conda package, an installer, an archive, a program. `head`: the
// first refused_by bytes, or all. The error (usage) says what the file is, and which option or command reads it.
inline constexpr std::size_t refused_by = 4096;
Status refuse_other_files(std::string_view head, const std::string& path);

// "git+https://…" and the other version control systems of pip, in either case.
bool is_vcs_url(std::string_view text);

// A requirement only: no options, paths or comments (pyproject.toml).
Status read_pep508(std::string_view text, const pip::SourceLine& line, Request& request);

// @EXPLICIT
Status read_explicit(std::string_view text, const std::string& path, Request& request);
// "https://c.example/CHANNEL" of "https://c.example/CHANNEL/SUBDIR/FILE", without credentials; "" for a path.
std::string channel_of_url(std::string_view url);
// A URL or path of a conda package, perhaps with "#md5".
Result<CondaSpec> read_conda_url(std::string_view text, const pip::SourceLine& line, const std::string& directory);
// "channel::name=version=build", "name >=1,<2", "name[version='1']".
Result<CondaSpec> read_match_spec(std::string_view text, const pip::SourceLine& line);

// pyproject.toml: [project] and [dependency-groups]
Status read_pyproject(std::string_view text, const std::string& path, const LockChoice& choice, Request& request);

// construct.yaml
Status read_construct(std::string_view text, const std::string& path, const LockChoice& choice, Request& request);

// environment.yml. mamba's selectors "sel(linux): SPEC" are decided for the choice's platform.
Status read_environment(std::string_view text, const std::string& path, const LockChoice& choice, Request& request);

// The mistakes of one file, which are said together.
class Faults {
  public:
    // `line`: the place that the error's text begins with. False: enough is enough, stop reading.
    bool add(const pip::SourceLine& line, Status status);
    // All of them, one a line, of the first one's kind. The same mistake in line after line is said once.
    Status result();

  private:
    struct Fault {
        Error error;
        std::string what; // the text without its place
        std::size_t repeated = 0;
    };
    static constexpr std::size_t limit = 20;
    std::vector<Fault> faults_;
    std::size_t count_ = 0;
};

} // namespace tinderbox::spec
