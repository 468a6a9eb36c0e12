#include "generator/capture/select.hpp"

#include "common/base/last_component.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/format/entry.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace tinderbox::capture {

using nlohmann::json;

namespace {

// Test suites inside the standard library: a quarter of its size, and nobody imports them in an environment.
constexpr std::array test_directories{"test",          "tests",        "idlelib/idle_test",
                                      "lib2to3/tests", "ctypes/test",  "distutils/tests",
                                      "sqlite3/test",  "tkinter/test", "unittest/test"};
constexpr std::array test_modules{"_test", "_ctypes_test", "_xxtestfuzz", "xxlimited", "xxsubtype"};

bool skip_in_stdlib(const std::string& relative, bool is_directory) {
    if (is_directory) {
        if (relative == "site-packages" || relative == "dist-packages" || relative.ends_with("__pycache__"))
            return true;
        return std::ranges::find(test_directories, relative) != test_directories.end();
    }
    if (relative.ends_with(".pyc") || relative.ends_with(".pyo")) return true;
    // PEP 668: the mark belongs to the distribution's Python, not to our copy.
    if (relative == "EXTERNALLY-MANAGED") return true;
    // Debian's: changes where setuptools installs to.
    if (relative == "_distutils_system_mod.py") return true;
    std::string_view name = last_component(relative);
    if (relative.starts_with("lib-dynload/"))
        return std::ranges::any_of(test_modules, [&](std::string_view stem) { return name.starts_with(stem); });
    // libpython.a and its objects: 50 MB that only an embedding program's linker reads.
    if (relative.starts_with("config-"))
        return name.ends_with(".a") || name.ends_with(".o") || name.find(".so") != name.npos;
    return false;
}

bool is_build_config(const std::string& path, const std::string& stdlib) {
    std::string_view name = last_component(path);
    if (path.starts_with("lib/pkgconfig/") || path.ends_with("-config")) return true;
    if (!path.starts_with(stdlib + "/")) return false;
    std::string_view inside = std::string_view(path).substr(stdlib.size() + 1);
    return inside.starts_with("config-") || inside.starts_with("_sysconfigdata") ||
           inside.starts_with("_sysconfig_vars") || name == "build-details.json";
}

// Adds one file of the prefix, and where it is a symlink the file behind it, both inside the prefix.
Status add_with_target(const fs::path& prefix, const std::string& path, FileSelection& selection, int depth = 0) {
    if (selection.items.contains(path) || depth > 8) return {};
    TRY_ASSIGN(Item item, item_from(prefix / path, path));
    if (item.kind == format::EntryKind::symlink) {
        fs::path target =
            fs::path(item.link).is_absolute() ? fs::path(item.link) : (prefix / path).parent_path() / item.link;
        std::string relative = target.lexically_normal().lexically_relative(prefix).string();
        std::error_code ec;
        if (relative.starts_with("..") || !fs::exists(target, ec)) return {};
        item.link = relative_between(fs::path(path).parent_path().string(), relative);
        selection.add(std::move(item));
        return add_with_target(prefix, relative, selection, depth + 1);
    }
    if (item.kind == format::EntryKind::file) selection.add(std::move(item));
    return {};
}

// Libraries in the prefix that the captured ELF files load, through their own RPATH or, in a prefix of its own,
// from its lib (conda's and standalone builds' may rely on an executable's RPATH).
class Libraries {
  public:
    Libraries(const fs::path& prefix, FileSelection& selection) : prefix_(prefix), selection_(selection) {}

    Status add_all() {
        std::vector<std::string> queue;
        for (const auto& [path, item] : selection_.items)
            if (item.kind == format::EntryKind::file &&
                (item.role == Role::interpreter || path.find("/lib-dynload/") != std::string::npos))
                queue.push_back(path);
        std::set<std::string> seen(queue.begin(), queue.end());
        while (!queue.empty()) {
            std::string path = std::move(queue.back());
            queue.pop_back();
            TRY_ASSIGN(auto found, needed_by(path));
            for (const std::string& library : found)
                if (seen.insert(library).second) {
                    TRY(add_with_target(prefix_, library, selection_));
                    queue.push_back(library);
                }
        }
        return {};
    }

  private:
    Result<std::vector<std::string>> needed_by(const std::string& path) {
        std::vector<std::string> out;
        const Item& item = selection_.items.at(path);
        if (item.kind != format::EntryKind::file) {
            out.push_back((fs::path(path).parent_path() / item.link).lexically_normal().string());
            return out;
        }
        TRY_ASSIGN(Bytes bytes, read_bytes(item.source, 1ull << 30));
        auto elf = elf::elf_facts(bytes);
        if (!elf) return out;
        std::vector<fs::path> directories;
        for (const elf::ElfRunpath& runpath : elf->runpaths)
            for (std::string_view element : split(runpath.value, ':')) {
                std::string directory = replace_all(element, "$ORIGIN", item.source.parent_path().string());
                directory = replace_all(directory, "${ORIGIN}", item.source.parent_path().string());
                if (directory.starts_with('/')) directories.emplace_back(directory);
            }
        if (!is_shared_prefix(prefix_.string())) directories.push_back(prefix_ / "lib");
        for (const elf::ElfString& soname : elf->info.needed)
            for (const fs::path& directory : directories)
                if (auto relative = inside(directory / soname.value)) {
                    out.push_back(*relative);
                    break;
                }
        return out;
    }

    std::optional<std::string> inside(const fs::path& file) const {
        std::error_code ec;
        if (!fs::exists(file, ec)) return std::nullopt;
        for (const fs::path& root : {prefix_, fs::canonical(prefix_, ec)}) {
            fs::path normal = file.lexically_normal();
            std::string relative = normal.lexically_relative(root).string();
            if (!relative.empty() && !relative.starts_with("..")) return relative;
        }
        return std::nullopt;
    }

    const fs::path& prefix_;
    FileSelection& selection_;
};

// Data that a library reads at run time from its own prefix.
struct LibraryData {
    std::string_view library; // stem of a captured file's name in lib/
    std::array<std::string_view, 4> directories;
};
constexpr std::array library_data{
    LibraryData{"libcrypto", {"ssl", "openssl/ssl", "", ""}},
    LibraryData{"libtinfo", {"share/terminfo", "", "", ""}},
    LibraryData{"libncurses", {"share/terminfo", "", "", ""}},
    LibraryData{"libtcl8.6", {"lib/tcl8.6", "lib/tcl8", "", ""}},
    LibraryData{"libtk8.6", {"lib/tk8.6", "", "", ""}},
    LibraryData{"libtcl9", {"lib/tcl9.0", "lib/tcl9", "", ""}},
};

Status add_library_data(const fs::path& prefix, FileSelection& selection) {
    if (is_shared_prefix(prefix.string())) return {};
    std::set<std::string> wanted;
    for (const auto& [path, item] : selection.items) {
        std::string_view name = last_component(path);
        for (const LibraryData& data : library_data)
            if (path.starts_with("lib/") && name.starts_with(data.library))
                for (std::string_view directory : data.directories)
                    if (!directory.empty()) wanted.emplace(directory);
    }
    std::error_code ec;
    for (const std::string& directory : wanted)
        if (fs::is_directory(prefix / directory, ec))
            TRY(add_tree({prefix / directory, directory, prefix, true,
                          [](const std::string& relative, bool) {
                              return relative == "private"; // openssl's keys
                          }},
                         selection));
    return {};
}

// Debian's Python looks for packages in dist-packages, unless it runs in a virtual environment. `site` is compiled into
// the executable (since 3.11), so its places stay: the one beside the standard library leads to site-packages. Where
// sysconfig (hence pip) installs to is decided by an expression that our copy, a prefix of its own, answers with yes.
Status undo_dist_packages(const Interpreter& python, FileSelection& selection) {
    constexpr std::string_view test = "sys.base_prefix != sys.prefix or hasattr(sys, \"real_prefix\")";
    if (!python.site_alias.empty()) {
        Item link;
        link.path = python.site_alias;
        link.kind = format::EntryKind::symlink;
        link.mode = 0777;
        link.link = relative_between(fs::path(link.path).parent_path().string(), python.info.site_packages);
        selection.add(std::move(link));
    }
    if (python.default_scheme_is_prefix) return {};
    // Replaces a text that occurs exactly once; else false.
    auto edit = [&](const std::string& file, std::string_view what, std::string_view with) -> Result<bool> {
        auto found = selection.items.find(python.info.stdlib + "/" + file);
        if (found == selection.items.end()) return false;
        TRY_ASSIGN(std::string text, read_text(found->second.source));
        auto at = text.find(what);
        if (at == std::string::npos || text.find(what, at + 1) != std::string::npos) return false;
        found->second.content = text.replace(at, what.size(), with);
        return true;
    };
    TRY_ASSIGN(bool edited, edit("sysconfig.py", test, "True"));
    if (!edited) {
        TRY_ASSIGN(edited, edit("sysconfig/__init__.py", test, "True"));
    }
    TRY(edit("distutils/sysconfig.py", test, "True"));
    // ensurepip refuses to touch the distribution's own Python, which the copy is not.
    constexpr std::string_view refusal = "def _ensurepip_is_disabled_in_debian_for_system():\n";
    TRY(edit("ensurepip/__init__.py", refusal, std::string(refusal) + "    return\n"));
    if (edited) return {};
    return make_error(
        ErrorKind::usage,
        "the Python in '{}' has another layout than CPython's (sysconfig does not install to {}) and its sysconfig is "
        "not one that is known: use a Python from python.org's sources, pyenv, conda or python-build-standalone",
        python.prefix, python.info.site_packages);
}

// libpython must be found by the copy: an executable that relies on the system's linker cache would load another one.
Status check_libpython(const Interpreter& python, const FileSelection& selection) {
    TRY_ASSIGN(Bytes bytes, read_bytes(python.executable, 1ull << 30));
    auto elf = elf::elf_facts(bytes);
    if (!elf)
        return make_error(ErrorKind::usage,
                          "'{}' is not a 64-bit little-endian ELF program: only such a Python can be captured",
                          python.executable.string());
    for (const auto& [soname, offset] : elf->info.needed) {
        if (!soname.starts_with("libpython")) continue;
        for (const elf::ElfRunpath& runpath : elf->runpaths)
            for (std::string_view element : split(runpath.value, ':'))
                for (const auto& [path, item] : selection.items)
                    if (path.ends_with("/" + soname) &&
                        (element.starts_with("$ORIGIN") || element.starts_with("${ORIGIN}") ||
                         std::ranges::any_of(selection.rules.spellings,
                                             [&](const Spelling& s) { return element.starts_with(s.text); })))
                        return {};
        return make_error(
            ErrorKind::usage,
            "'{}' finds its {} through this system's linker cache, not through an RPATH of its own: a copy would not "
            "find it; use a Python built with an RPATH or without --enable-shared",
            python.executable.string(), soname);
    }
    return {};
}

} // namespace

bool is_shared_prefix(const std::string& prefix) {
    static constexpr std::array shared{"/", "/usr", "/usr/local", "/opt", "/opt/local", "/home", "/root"};
    if (std::ranges::find(shared, prefix) != shared.end()) return true;
    const char* home = std::getenv("HOME");
    return home && *home && (prefix == home || prefix == std::string(home) + "/.local");
}

void add_spellings(const std::string& directory, PrefixRules& rules) {
    std::error_code ec;
    const fs::path real = fs::canonical(directory, ec);
    const bool shared = is_shared_prefix(directory) || (!ec && is_shared_prefix(real.string()));
    for (std::string spelling :
         {directory, fs::path(directory).lexically_normal().string(), ec ? std::string() : real.string()}) {
        while (spelling.size() > 1 && spelling.ends_with('/')) spelling.pop_back();
        bool known = std::ranges::find(rules.spellings, spelling, &Spelling::text) != rules.spellings.end();
        if (spelling.starts_with('/') && spelling != "/" && !known) rules.spellings.push_back({spelling, shared});
    }
    std::ranges::stable_sort(rules.spellings,
                             [](const Spelling& a, const Spelling& b) { return a.text.size() > b.text.size(); });
}

void assign_roles(const format::PythonInfo& info, FileSelection& selection) {
    for (auto& [path, item] : selection.items) {
        if (is_build_config(path, info.stdlib)) item.role = Role::build_config;
        else if (path.starts_with("lib/libpython") || path.starts_with("bin/python")) item.role = Role::interpreter;
    }
}

Status add_tree(const Walk& walk, FileSelection& selection) {
    std::error_code ec;
    fs::path root = fs::canonical(walk.root, ec);
    fs::recursive_directory_iterator it(walk.source, ec), end;
    if (ec) return errno_error(fmt::format("cannot read the directory '{}'", walk.source.string()), ec.value());
    const std::string base = walk.source.string();
    while (it != end) {
        const fs::path& file = it->path();
        std::string relative = file.string().substr(base.size() + 1);
        std::string path = walk.path.empty() ? relative : walk.path + "/" + relative;
        bool is_link = it->is_symlink(ec), is_directory = !is_link && it->is_directory(ec);
        if (walk.skip && walk.skip(relative, is_directory)) {
            if (is_directory) it.disable_recursion_pending();
        } else if (Status good = format::check_path(format::Root::env, path); !good.ok()) {
            selection.left_out.push_back({path, good.error().message});
            if (is_directory) it.disable_recursion_pending();
        } else if (!is_link && !is_directory && !it->is_regular_file(ec)) {
            selection.left_out.push_back({path, "a socket, pipe or device"});
        } else {
            TRY_ASSIGN(Item item, item_from(file, path));
            bool keep = true;
            if (is_link) {
                fs::path real = fs::canonical(file, ec);
                bool inside = !ec && real.string().starts_with(root.string() + "/");
                if (ec) {
                    selection.left_out.push_back({path, "a symlink that leads nowhere"});
                    keep = false;
                } else if (inside && check_link_target(path, item.link).ok()) {
                    // as it is
                } else if (inside) {
                    item.link =
                        relative_between(fs::path(path).parent_path().string(), real.lexically_relative(root).string());
                } else if (walk.follow_out && fs::is_regular_file(real, ec)) {
                    TRY_ASSIGN(item, item_from(real, path));
                } else {
                    selection.left_out.push_back({path, "a symlink that leads out of the prefix"});
                    keep = false;
                }
            }
            if (keep) selection.add(std::move(item));
        }
        it.increment(ec);
        if (ec) return errno_error(fmt::format("cannot read a directory below '{}'", base), ec.value());
    }
    return {};
}

Status select_interpreter(const Interpreter& python, FileSelection& selection) {
    const fs::path prefix = python.prefix;
    const format::PythonInfo& info = python.info;
    std::error_code ec;
    TRY_ASSIGN(Item executable, item_from(python.executable, info.executable));
    executable.role = Role::interpreter;
    selection.add(std::move(executable));
    const std::string_view name = last_component(info.executable);
    for (std::string alias : {"python" + python.short_version, std::string("python3"), std::string("python")})
        if (alias != name) {
            Item link;
            link.path = "bin/" + alias;
            link.kind = format::EntryKind::symlink;
            link.mode = 0777;
            link.link = name;
            selection.add(std::move(link));
        }
    TRY(add_tree({prefix / info.stdlib, info.stdlib, prefix, false, skip_in_stdlib}, selection));
    auto directory = [&](const std::string& path) {
        Item item;
        item.path = path;
        item.kind = format::EntryKind::directory;
        item.mode = 0755;
        selection.add(std::move(item));
    };
    directory(info.stdlib);
    directory(info.site_packages);
    if (!python.include.empty()) {
        const std::string directory_name(last_component(python.include));
        for (const std::string& include : {python.include, "include/" + python.multiarch + "/" + directory_name})
            if (fs::is_directory(prefix / include, ec))
                TRY(add_tree({prefix / include, include, prefix, false, {}}, selection));
    }
    if (!python.wheel_directory.empty() && fs::is_directory(prefix / python.wheel_directory, ec))
        TRY(add_tree({prefix / python.wheel_directory, python.wheel_directory, prefix, true, {}}, selection));
    const std::string version = python.short_version, tagged = version + python.abiflags;
    for (const std::string& path :
         {"lib/pkgconfig/python-" + tagged + ".pc", "lib/pkgconfig/python-" + tagged + "-embed.pc",
          "lib/pkgconfig/python-" + version + ".pc", "lib/pkgconfig/python-" + version + "-embed.pc",
          std::string("lib/pkgconfig/python3.pc"), std::string("lib/pkgconfig/python3-embed.pc"),
          "bin/python" + tagged + "-config", "bin/python" + version + "-config", std::string("bin/python3-config")})
        if (fs::exists(prefix / path, ec)) TRY(add_with_target(prefix, path, selection));
    TRY(Libraries(prefix, selection).add_all());
    TRY(check_libpython(python, selection));
    // The names an extension module's linker uses.
    bool shared =
        std::ranges::any_of(selection.items, [](const auto& i) { return i.first.starts_with("lib/libpython"); });
    for (const std::string& path : {"lib/libpython" + tagged + ".so", std::string("lib/libpython3.so")})
        if (shared && fs::exists(prefix / path, ec)) TRY(add_with_target(prefix, path, selection));
    TRY(add_library_data(prefix, selection));
    assign_roles(info, selection);
    return undo_dist_packages(python, selection);
}

json python_json(const format::PythonInfo& info) {
    return {{"version", info.version},
            {"implementation", info.implementation},
            {"executable", info.executable},
            {"site_packages", info.site_packages},
            {"stdlib", info.stdlib},
            {"cache_tag", info.cache_tag},
            {"gil", info.gil}};
}

} // namespace tinderbox::capture
