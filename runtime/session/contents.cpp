// The commands that show the contents of the file: --list, --info, --license, --verify-file.
#include "common/base/budget.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/wrap.hpp"
#include "common/format/update.hpp"
#include "common/machine/gpu_code.hpp"
#include "runtime/session/session.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

namespace tinderbox::session {

using nlohmann::json;

Result<int> Session::list() const {
    if (options_.json) {
        write_output(format::canonical_json(format::to_json(manifest_)["packages"]));
        return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const format::PackageInfo& p : manifest_.packages)
        if (p.kind != "generated")
            rows.push_back({p.name, p.version, p.build, p.kind, format_bytes(p.installed_size), p.license});
    write_output(ui::render_columns(rows));
    return 0;
}

Result<int> Session::info() const {
    if (options_.json) {
        write_output(run().manifest_text());
        return 0;
    }
    const format::Requirements& needs = manifest_.requires_;
    std::vector<std::pair<std::string, std::string>> rows = {
        {"environment", manifest_.env_name.empty() ? "no name" : manifest_.env_name},
        {"platform", manifest_.platform},
        {"Python", manifest_.python ? manifest_.python->version : "none"},
        {"packages", package_summary()},
        {"installed size", fmt::format("{} in {} files and directories", format_bytes(manifest_.install.bytes),
                                       manifest_.install.inodes)},
        {"this file", format_bytes(run().total_size())},
    };
    for (auto& [label, text] : format::update_lines(manifest_)) rows.push_back({std::move(label), std::move(text)});
    if (!needs.glibc.empty()) rows.push_back({"needs glibc", needs.glibc});
    if (const auto& partial = needs.partial_glibc)
        rows.push_back({"in part", fmt::format("glibc {} ({})", partial->version, partial->because)});
    for (auto& [label, text] : machine::gpu_lines(needs)) rows.push_back({std::move(label), std::move(text)});
    if (!needs.libraries.empty())
        rows.push_back({"needs libraries", fmt::format("{}", fmt::join(needs.libraries, ", "))});
    if (manifest_.install.longest_prefix)
        rows.push_back({"longest prefix", fmt::format("{} bytes", manifest_.install.longest_prefix)});
    if (const auto& installer = manifest_.installer) {
        rows.push_back({"version", installer->version});
        for (const auto& [name, text] :
             {std::pair("pre_install", &installer->pre_install), std::pair("post_install", &installer->post_install)})
            if (!text->empty()) rows.push_back({"runs", fmt::format("{} (-s leaves it out)", name)});
    }
    for (const std::string& word : manifest_.request) rows.push_back({"asked for", word});
    for (const std::string& notice : manifest_.notices) rows.push_back({"notice", notice});
    rows.push_back({"made by", "Tinderbox " + manifest_.tinderbox_version});
    rows.push_back({"manifest SHA-256", to_hex(run().manifest_sha256())});
    write_output(ui::render_facts(rows, terminal_width(1)), ui::render_facts(rows));
    return 0;
}

Result<std::string> Session::license_texts() const {
    const format::Section* section = run().section("licenses");
    if (!section || section->size == 0) return std::string();
    TRY_ASSIGN(Bytes packed, run().read_section(*section));
    unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return make_error(ErrorKind::damaged, "{}: the licence texts are not a zstd frame; copy the file again",
                          run().path().string());
    constexpr Budget budget{.bytes = 1ull << 30};
    const std::string where = run().path().string() + ": the licence texts";
    TRY(Spending(for_packed(budget, packed.size()), where, ErrorKind::damaged).bytes(size));
    std::string text(size, '\0');
    if (ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size()) != size)
        return make_error(ErrorKind::damaged, "{}: the licence texts cannot be decompressed; copy the file again",
                          run().path().string());
    return text;
}

Result<int> Session::license() const {
    TRY_ASSIGN(std::string text, license_texts());
    std::vector<std::vector<std::string>> rows;
    for (const format::PackageInfo& p : manifest_.packages)
        if (p.kind != "generated") rows.push_back({p.name, p.version, ui::licence_name(p.license)});
    write_output(text.empty() ? "The packages in this file and their licences; they carry no licence texts:\n\n"
                              : "The packages in this file and their licences; the texts stand below:\n\n");
    write_output(ui::render_columns(rows));
    if (!text.empty()) write_output("\n" + text);
    return 0;
}

Result<int> Session::verify_file() const {
    TRY(run().verify_all(options_.jobs,
                         [&](std::uint64_t done) { terminal().progress("checking", done, run().total_size()); }));
    terminal().end_progress();
    if (options_.json)
        write_output(
            json({{"ok", true}, {"size", run().total_size()}, {"manifest_sha256", to_hex(run().manifest_sha256())}})
                .dump() +
            "\n");
    else
        say(fmt::format("{}: all {} bytes are as they were made", run().path().filename().string(),
                        run().total_size()));
    return 0;
}

std::string Session::package_summary() const {
    std::string asked;
    std::size_t count = 0, named = 0;
    for (const format::PackageInfo& p : manifest_.packages) {
        if (p.kind == "generated" || !p.prefix.is_env()) continue;
        ++count;
        if (!p.requested || named >= 4) continue;
        asked += fmt::format("{}{} {}", named ? ", " : "", p.name, p.version);
        ++named;
    }
    if (named == 0) return counted(count, "package");
    return count > named ? fmt::format("{} and {}", asked, counted(count - named, "more package")) : asked;
}

} // namespace tinderbox::session
