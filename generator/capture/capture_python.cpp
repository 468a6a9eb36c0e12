#include "generator/capture/capture.hpp"
#include "generator/capture/select.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::capture {

using namespace capture;
using nlohmann::json;

Result<std::unique_ptr<CapturedArtifact>> capture_python(const fs::path& executable_or_directory,
                                                         const CaptureOptions& options) {
    TRY_ASSIGN(Interpreter python, find_interpreter(executable_or_directory));
    FileSelection selection;
    selection.display_name = "Python " + python.info.version;
    selection.source = python.executable.string();
    add_spellings(python.prefix, selection.rules);
    if (std::ranges::find(selection.rules.spellings, python.build_prefix, &Spelling::text) ==
        selection.rules.spellings.end())
        selection.rules.build_prefix = python.build_prefix;
    TRY(select_interpreter(python, selection));
    json& m = selection.metadata;
    m["kind"] = "python";
    m["name"] = "python";
    m["version"] = python.info.version;
    m["build"] = "";
    m["license"] = "PSF-2.0";
    m["python"] = python_json(python.info);
    m["licenses"] = json::array();
    if (auto text = read_text(fs::path(python.prefix) / python.info.stdlib / "LICENSE.txt", 1 << 20); text.ok())
        m["licenses"].push_back({{"name", "LICENSE.txt"}, {"text", *text}});
    return make_artifact(std::move(selection), options);
}

} // namespace tinderbox::capture
