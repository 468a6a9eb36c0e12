// --describe: one JSON document about this machine, and about what a prefix holds. It is carried to the machine that
// builds (docs/inside/machine.md).
#include "common/base/process.hpp"
#include "common/machine/description.hpp"
#include "runtime/install/installed_list.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/session/session.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::session {
namespace {

using nlohmann::json;

// The list of files is read as it lies there: its hash tells two states of an installation apart.
Result<json> describe_installed(const place::InstalledEnvironment& installed, const std::string& prefix,
                                const place::Trust& trust, bool with_files) {
    machine::InstalledDescription out{installed.manifest,
                                      installed.state.manifest_sha256,
                                      std::string(place::to_string(installed.state.stage)),
                                      {},
                                      0,
                                      {}};
    TRY_ASSIGN(place::OpenTree tree, place::open_tree(prefix, trust, place::Access::read));
    TRY_ASSIGN(const std::string text, tree.control.read_text(place::control::installed));
    out.list_sha256 = to_hex(sha256(as_bytes(text)));
    TRY_ASSIGN(const auto rows, install::parse_installed(text).in(tree.control.shown(place::control::installed)));
    for (const install::InstalledRow& row : rows) {
        if (row.kind == 'd') continue;
        ++out.files;
        if (with_files) out.list.push_back({row.path, row.kind, to_hex(row.sha256), row.size});
    }
    return machine::to_json(out);
}

} // namespace

Result<int> Session::describe() const {
    const machine::SystemRoot root = machine::SystemRoot::from_environment();
    machine::Description machine = machine::describe_machine(root, machine::user_environment());
    if (options_.with_host) machine.host.name = machine::read_host_facts(root).name;
    std::string prefix;
    // Without a home there is no default place: the machine is described all the same.
    if (!options_.prefix.empty() || !environment_variable("HOME").empty()) {
        TRY_ASSIGN(prefix, prefix_from(options_.prefix));
        machine.place = machine::read_file_system(machine::nearest_directory(prefix));
    }
    json document = machine::to_json(machine);
    std::optional<place::InstalledEnvironment> there = installed_;
    if (!there && !options_.prefix.empty()) {
        TRY_ASSIGN(there, place::read_installed(prefix));
    }
    if (there) {
        TRY_ASSIGN(document["installed"], describe_installed(*there, prefix, trust(), options_.list_files));
    } else if (options_.list_files) {
        return make_error(ErrorKind::usage, "--files: {}; name the prefix of an installation with -p",
                          options_.prefix.empty() ? "no prefix is named"
                                                  : fmt::format("'{}' holds no environment of Tinderbox", prefix));
    }
    write_output(machine::description_text(document));
    return 0;
}

} // namespace tinderbox::session
