// An environment of one directory of modules, with the Python of this machine.
#pragma once

#include "common/base/file.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "runtime/verify/imports.hpp"

#include <catch2/catch_test_macros.hpp>

namespace tinderbox::verify {

inline std::string system_python() {
    for (const char* path : {"/usr/bin/python3", "/usr/local/bin/python3"})
        if (fs::exists(path)) return path;
    return {};
}

// An environment: a prefix with a python and one directory of modules.
class FakeEnvironment {
  public:
    explicit FakeEnvironment(std::string python = system_python())
        : directory_(TemporaryDirectory::make().value()), python_(std::move(python)) {
        if (python_.empty()) {
            ProcessSpec which;
            which.argv = {"sh", "-c", "command -v python3"};
            auto found = run_process(which);
            if (found.ok()) python_ = trim(found->output);
        }
        fs::create_directories(at("bin"));
        fs::create_directories(at("site"));
        // As in a real one, the modules of this prefix come after those of PYTHONPATH and of the user site.
        write("bin/python",
              "#!/bin/sh\nexec '" + python_ + "' " + "-c 'import sys\nsys.prefix = \"" + at("").string() +
                  "\"\nsys.path.append(\"" + at("site").string() +
                  "\")\nscript = sys.argv[2]\nsys.argv = [\"-c\"] + sys.argv[3:]\nexec(script)' \"$@\"\n");
        fs::permissions(at("bin/python"), fs::perms::owner_all);
        manifest.python = format::PythonInfo{};
        manifest.python->executable = "bin/python";
    }
    bool usable() const { return !python_.empty(); }
    fs::path at(const std::string& path) const { return path.empty() ? directory_.path() : directory_.path() / path; }
    void write(const std::string& path, const std::string& text) {
        fs::create_directories(at(path).parent_path());
        REQUIRE(write_atomically(at(path), text).ok());
    }
    void package(const std::string& name, const std::string& code) {
        write("site/" + name + "/__init__.py", code);
        write("site/" + name + "-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n");
        write("site/" + name + "-1.0.dist-info/RECORD",
              name + "/__init__.py,,\n" + name + "-1.0.dist-info/METADATA,,\n");
        format::PackageInfo p;
        p.kind = "wheel";
        p.name = name;
        p.version = "1.0";
        p.requested = true;
        manifest.packages.push_back(p);
    }
    std::vector<ImportCheck> check(std::map<std::string, std::string> user = {}, bool expect_gpu = false,
                                   double seconds = 20) {
        ImportOptions options;
        options.prefix = directory_.path().string();
        options.expect_gpu = expect_gpu;
        user.emplace("PATH", "/usr/bin:/bin");
        user.emplace("HOME", at("home").string());
        options.user = std::move(user);
        options.timeout_seconds = seconds;
        return check_imports(manifest, options).checks;
    }
    format::Manifest manifest;

  private:
    TemporaryDirectory directory_;
    std::string python_;
};

// The user site of this Python below this base.
inline std::string user_site(const FakeEnvironment& e, const std::string& base) {
    ProcessSpec site;
    site.argv = {e.at("bin/python").string(), "-c", "import site; print(site.getusersitepackages())"};
    site.set = {{"PYTHONUSERBASE", base}};
    auto where = run_process(site);
    REQUIRE(where.ok());
    return std::string(trim(where->output));
}

inline const ImportCheck* find(const std::vector<ImportCheck>& checks, std::string_view name,
                               std::string_view environment) {
    for (const ImportCheck& c : checks)
        if (c.name == name && c.environment == environment) return &c;
    return nullptr;
}

} // namespace tinderbox::verify
