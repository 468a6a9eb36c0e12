// Conda match specs in a request: the words that inspect shows and the lock keeps. generator/conda/match_spec.hpp reads
// them and decides what they mean.
#include "generator/conda/match_spec.hpp"
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/spec/reader.hpp"

namespace tinderbox::spec {

Result<CondaSpec> read_match_spec(std::string_view text, const pip::SourceLine& line) {
    TRY(refuse_no_break_space(text, line));
    auto understood = conda::MatchSpec::parse(text);
    if (!understood.ok())
        if (auto extras = pip::Requirement::parse(text); extras.ok() && !extras->extras.empty())
            return line_error(line, "'{}' has extras, which only pip has; write it below 'pip:' (or with --pip)", text);
    if (!understood.ok()) return std::move(understood).error().in(line.str());
    // In a channel's own metadata a name may be a pattern; a request is for packages.
    if (understood->name.find('*') != std::string::npos)
        return line_error(line, "'{}' names no single package; write NAME, NAME=VERSION or NAME=VERSION=BUILD",
                          understood->text);
    CondaSpec out;
    out.line = line;
    out.text = understood->text;
    out.name = understood->name;
    // "=1.2" and "1.2" are shown alike: the operator is in `text`.
    out.version = understood->version_written;
    if (out.version.starts_with('=') && !out.version.starts_with("==")) out.version.erase(0, 1);
    out.build = understood->build_text;
    out.channel = understood->channel;
    if (!out.channel.empty() && !understood->subdir.empty()) out.channel += "/" + understood->subdir;
    out.url = understood->url;
    out.md5 = understood->md5;
    out.sha256 = understood->sha256;
    return out;
}

} // namespace tinderbox::spec
