// Files that people name instead of a SPEC.
#include "common/base/last_component.hpp"
#include "common/base/shell_quote.hpp"
#include "common/format/run_file.hpp"
#include "generator/archive/endings.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/conda/names.hpp"
#include "generator/pip/tags.hpp"
#include "generator/spec/reader.hpp"

namespace tinderbox::spec {
namespace {

constexpr std::string_view zip_magic = "PK\x03\x04", bzip2_magic = "BZh", gzip_magic = "\x1f\x8b";

// "a wheel (numpy 2.2.6)" and the option that takes it; the name decides between archives of one format.
std::pair<std::string, std::string> describe_archive(std::string_view head, const std::string& path) {
    const std::string_view file = last_component(path);
    if (archive::is_wheel(file)) {
        const auto wheel = pip::parse_wheel_name(file);
        return {wheel ? fmt::format("a wheel ({} {})", wheel->name, wheel->version_text) : "a wheel",
                "write --pip " + shell_quote(path)};
    }
    const auto package = conda::parse_file_name(file);
    if (package.ok() && (head.starts_with(zip_magic) || head.starts_with(bzip2_magic)))
        return {fmt::format("a conda package ({} {} {})", package->name, package->version, package->build),
                "write --conda " + shell_quote(path)};
    if (archive::is_sdist(file))
        return {"an archive",
                fmt::format("where it is a package's source, write --pip {} --allow-sdist", shell_quote(path))};
    return {"an archive", "unpack it, and name a file of it"};
}

std::pair<std::string, std::string> describe_script(std::string_view head, const std::string& path) {
    if (conda::is_constructor_installer(head))
        return {"an installer of a conda",
                fmt::format("'tinderbox inspect {0}' shows it, and --base {0} puts it around an environment",
                            shell_quote(path))};
    if (format::looks_like_run_head(head))
        return {"an installer that Tinderbox made",
                fmt::format("'tinderbox inspect {0}' shows it, and 'sh {0}' installs it", shell_quote(path))};
    return {"a script", "name the requirements.txt or environment.yml of what it needs"};
}

} // namespace

Status refuse_other_files(std::string_view head, const std::string& path) {
    std::pair<std::string, std::string> found;
    if (head.starts_with("\x7f"
                         "ELF"))
        found = {"a program", "name an environment.yml, a requirements.txt or a lock"};
    else if (head.starts_with("#!")) found = describe_script(head, path);
    else if (head.starts_with(zip_magic) || head.starts_with(bzip2_magic) || head.starts_with(gzip_magic) ||
             head.starts_with("\xfd"
                              "7zXZ") ||
             head.starts_with("\x28\xb5\x2f\xfd"))
        found = describe_archive(head, path);
    else return {};
    return make_error(ErrorKind::usage, "{}: it is {}, not a SPEC; {}", path, found.first, found.second);
}

} // namespace tinderbox::spec
