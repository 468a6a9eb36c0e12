#include "runtime/install/registry.hpp"

#include "common/base/output_file.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "runtime/install/as_owner.hpp"

namespace tinderbox::install {
namespace {

constexpr std::uint64_t list_limit = 16u << 20;

fs::path environments_file() {
    const std::string home = environment_variable("HOME");
    return home.empty() ? fs::path() : fs::path(home) / ".conda" / "environments.txt";
}

} // namespace

Result<bool> register_environment(const fs::path& prefix) {
    fs::path file = environments_file();
    std::error_code ec;
    if (file.empty() || !fs::is_directory(prefix / "conda-meta", ec)) return false;
    TRY_ASSIGN(const AsOwner as_owner, AsOwner::of(file));
    std::string text;
    if (fs::exists(file, ec)) {
        TRY_ASSIGN(text, read_text(file, list_limit));
    }
    for (std::string_view line : split_lines(text))
        if (line == prefix.string()) return false;
    TRY(make_directories(file.parent_path()));
    TRY_ASSIGN(Fd out, open_for_appending(file, 0644));
    std::string line = (text.empty() || text.ends_with('\n') ? "" : "\n") + prefix.string() + "\n";
    TRY(write_exact(out.get(), as_bytes(line), file.string()));
    return true;
}

std::vector<fs::path> prefixes_to_register(const format::Manifest& manifest, const place::Layout& layout) {
    std::vector<fs::path> out;
    if (layout.parts.base && manifest.base_installer->registers) {
        out = layout.further;
        out.insert(out.begin(), layout.root);
    }
    out.push_back(layout.environment);
    return out;
}

Status unregister_environment(const fs::path& prefix) {
    fs::path file = environments_file();
    std::error_code ec;
    TRY_ASSIGN(const AsOwner as_owner, AsOwner::of(file));
    if (file.empty() || !fs::exists(file, ec)) return {};
    TRY_ASSIGN(std::string text, read_text(file, list_limit));
    std::string kept;
    bool found = false;
    for (std::string_view line : split_lines(text)) {
        if (line == prefix.string()) found = true;
        else if (!line.empty()) kept += std::string(line) + "\n";
    }
    return found ? write_output_file(file, kept) : Status();
}

} // namespace tinderbox::install
