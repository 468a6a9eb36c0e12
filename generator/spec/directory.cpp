#include "generator/spec/directory.hpp"

#include "common/base/file.hpp"
#include "common/base/input_file.hpp"
#include "common/base/shell_quote.hpp"
#include "generator/spec/request.hpp"
#include "generator/spec/spec_text.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace tinderbox::spec {
namespace {

// The names that tools write. A lock covers the files that it answers, because it is their newer form.
struct Known {
    std::string_view name;
    SpecKind kind;
    std::array<std::string_view, 2> covers;
};
constexpr Known known[] = {
    {"uv.lock", SpecKind::uv_lock, {"pyproject.toml"}},
    {"pixi.lock", SpecKind::pixi_lock, {"pyproject.toml"}},
    {"pylock.toml", SpecKind::pylock, {"pyproject.toml", "requirements.txt"}},
    {"conda-lock.yml", SpecKind::conda_lock, {"environment.yml", "environment.yaml"}},
    {"pyproject.toml", SpecKind::pyproject, {}},
    {"environment.yml", SpecKind::environment, {}},
    {"environment.yaml", SpecKind::environment, {}},
    {"construct.yaml", SpecKind::construct, {}},
    {"requirements.txt", SpecKind::requirements, {}},
};

// What the file holds; nullopt: no regular file, or one that cannot be read as text. A pyproject.toml with the tables
// of a formatter alone counts as requirements.txt, and so as no request.
std::optional<SpecKind> kind_of(const fs::path& path) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) return std::nullopt;
    auto text = read_spec_text(path.string());
    if (!text.ok()) return std::nullopt;
    auto decoded = decode_spec(std::move(*text), path.string());
    if (!decoded.ok()) return std::nullopt;
    return recognise_spec(*decoded);
}

std::vector<std::string> own_locks(const fs::path& directory) {
    std::vector<std::string> out;
    std::error_code ec;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec))
        if (it->path().extension() == ".lock" && kind_of(it->path()) == SpecKind::tinderbox_lock)
            out.push_back(it->path().filename().string());
    std::ranges::sort(out);
    return out;
}

std::vector<std::string> known_files(const fs::path& directory) {
    std::vector<std::string> out;
    std::vector<std::string_view> covered;
    for (const Known& one : known) {
        if (std::ranges::find(covered, one.name) != covered.end() || kind_of(directory / one.name) != one.kind)
            continue;
        out.emplace_back(one.name);
        covered.insert(covered.end(), one.covers.begin(), one.covers.end());
    }
    return out;
}

Error nothing_in(const std::string& path) {
    std::error_code ignored;
    for (const char* environment : {"conda-meta", "pyvenv.cfg"})
        if (fs::exists(fs::path(path) / environment, ignored))
            return make_error(ErrorKind::usage,
                              "{}: it is an environment, not a SPEC; write --from-prefix {} to capture it", path,
                              shell_quote(path));
    return make_error(ErrorKind::usage,
                      "{}: the directory holds no SPEC (a lock, pyproject.toml, environment.yml, construct.yaml or "
                      "requirements.txt); name a file",
                      path);
}

} // namespace

Result<std::string> file_of_directory(const std::string& argument, OwnLocks locks) {
    const std::string path = split_argument(argument).path;
    std::error_code ignored;
    if (is_stream(path) || !fs::is_directory(path, ignored)) return argument;
    std::vector<std::string> found;
    if (locks == OwnLocks::taken) found = own_locks(path);
    if (found.empty()) found = known_files(path);
    if (found.empty()) return nothing_in(path);
    if (found.size() > 1)
        return make_error(ErrorKind::usage,
                          "{}: the directory holds several SPECs: {}; name the one that counts, or all that belong "
                          "together",
                          path, fmt::join(found, ", "));
    return (fs::path(path) / found.front()).string() + argument.substr(path.size());
}

} // namespace tinderbox::spec
