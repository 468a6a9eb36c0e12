#include "common/format/manifest.hpp"

#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::format {

using nlohmann::json;

// Each list of fields is used for writing and for reading, so that no field can be added to one side only.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PackageInfo, kind, name, version, build, url, file_name, sha256, md5,
                                                size, license, redistribution, installed_size, files, requested,
                                                requirement, prefix, imports)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PythonInfo, version, implementation, executable, site_packages, stdlib,
                                                cache_tag, gil)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GpuLibrary, path, package, role, sass, ptx, partial, ptx_isa)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CudaEvidence, major, version, because)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstallInfo, bytes, apparent_bytes, inodes, longest_prefix,
                                                longest_prefix_because)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstallParts, env, base, packages)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ScriptInfo, package, version, build_number, path, prefix, action)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InstallerInfo, version, license, pre_install, post_install, variables)

namespace {

json requirements_json(const Requirements& r) {
    json out = {{"glibc", r.glibc},
                {"glibc_because", r.glibc_because},
                {"libraries", r.libraries},
                {"cuda_major", nullptr},
                {"cuda_runtime", r.cuda_runtime},
                {"cuda_evidence", r.cuda_evidence},
                {"driver_floor", r.driver_floor},
                {"ptx_cuda", r.ptx_cuda},
                {"ptx_driver_floor", r.ptx_driver_floor},
                {"gpu_libraries", r.gpu_libraries},
                {"gpu_weakest", r.gpu_weakest},
                {"frameworks", r.frameworks}};
    if (r.cuda_major) out["cuda_major"] = *r.cuda_major;
    return out;
}

Requirements requirements_from(const json& j) {
    Requirements r;
    r.glibc = j.value("glibc", "");
    r.glibc_because = j.value("glibc_because", "");
    r.libraries = j.value("libraries", std::vector<std::string>());
    if (j.contains("cuda_major") && j["cuda_major"].is_number_integer()) r.cuda_major = j["cuda_major"].get<int>();
    r.cuda_runtime = j.value("cuda_runtime", "");
    r.cuda_evidence = j.value("cuda_evidence", std::vector<CudaEvidence>());
    r.driver_floor = j.value("driver_floor", "");
    r.ptx_cuda = j.value("ptx_cuda", "");
    r.ptx_driver_floor = j.value("ptx_driver_floor", "");
    r.gpu_libraries = j.value("gpu_libraries", std::vector<GpuLibrary>());
    r.gpu_weakest = j.value("gpu_weakest", "");
    r.frameworks = j.value("frameworks", std::vector<std::string>());
    return r;
}

json environments_json(const std::vector<FurtherEnvironment>& environments) {
    json out = json::array();
    for (const FurtherEnvironment& one : environments) {
        out.push_back({{"name", one.name}, {"python", nullptr}});
        if (one.python) out.back()["python"] = *one.python;
    }
    return out;
}

std::vector<FurtherEnvironment> environments_from(const json& j) {
    std::vector<FurtherEnvironment> out;
    for (const json& one : j.value("environments", json::array())) {
        FurtherEnvironment environment;
        environment.name = one.at("name").get<std::string>();
        if (one.contains("python") && !one["python"].is_null()) environment.python = one["python"].get<PythonInfo>();
        out.push_back(std::move(environment));
    }
    return out;
}

json base_json(const BaseInfo& b) {
    json out = {{"kind", b.kind},
                {"name", b.name},
                {"version", b.version},
                {"url", b.url},
                {"file_name", b.file_name},
                {"sha256", b.sha256},
                {"size", b.size},
                {"license", b.license},
                {"keeps_packages", b.keeps_packages},
                {"initialises", b.initialises},
                {"registers", b.registers},
                {"pre_install", b.pre_install},
                {"post_install", b.post_install},
                {"variables", b.variables},
                {"environments", environments_json(b.environments)},
                {"python", nullptr}};
    if (b.python) out["python"] = *b.python;
    return out;
}

BaseInfo base_from(const json& j) {
    BaseInfo b;
    b.kind = j.value("kind", "");
    b.name = j.value("name", "");
    b.version = j.value("version", "");
    b.url = j.value("url", "");
    b.file_name = j.value("file_name", "");
    b.sha256 = j.value("sha256", "");
    b.size = j.value("size", std::uint64_t{0});
    b.license = j.value("license", "");
    b.keeps_packages = j.value("keeps_packages", false);
    b.initialises = j.value("initialises", false);
    b.registers = j.value("registers", true);
    b.pre_install = j.value("pre_install", "");
    b.post_install = j.value("post_install", "");
    b.variables = j.value("variables", std::map<std::string, std::string>());
    b.environments = environments_from(j);
    if (j.contains("python") && !j["python"].is_null()) b.python = j["python"].get<PythonInfo>();
    return b;
}

} // namespace

json to_json(const Manifest& m) {
    json out = {{"name", m.name},
                {"env_name", m.env_name},
                {"platform", m.platform},
                {"base", m.base},
                {"tinderbox_version", m.tinderbox_version},
                {"source_mtime", m.source_mtime},
                {"bytecode", m.bytecode},
                {"level", m.level},
                {"packages", m.packages},
                {"request", m.request},
                {"notices", m.notices},
                {"variables", m.variables},
                {"scripts", m.scripts},
                {"requires", requirements_json(m.requires_)},
                {"install", m.install},
                {"probes", m.probes},
                {"python", nullptr}};
    if (m.python) out["python"] = *m.python;
    if (m.installer) out["installer"] = *m.installer;
    if (m.base_installer) {
        out["base_installer"] = base_json(*m.base_installer);
        out["parts"] = m.parts;
    }
    return out;
}

Result<Manifest> manifest_from_json(const json& j) {
    try {
        Manifest m;
        m.name = j.at("name").get<std::string>();
        m.env_name = j.at("env_name").get<std::string>();
        m.platform = j.at("platform").get<std::string>();
        m.base = j.value("base", "none");
        m.tinderbox_version = j.value("tinderbox_version", "");
        m.source_mtime = j.value("source_mtime", std::int64_t{0});
        m.bytecode = j.value("bytecode", "none");
        m.level = j.value("level", "default");
        m.packages = j.at("packages").get<std::vector<PackageInfo>>();
        m.request = j.value("request", std::vector<std::string>());
        m.notices = j.value("notices", std::vector<std::string>());
        m.variables = j.value("variables", std::map<std::string, std::string>());
        m.scripts = j.value("scripts", std::vector<ScriptInfo>());
        if (j.contains("requires")) m.requires_ = requirements_from(j["requires"]);
        m.install = j.at("install").get<InstallInfo>();
        m.probes = j.value("probes", std::vector<std::string>());
        if (j.contains("python") && !j["python"].is_null()) m.python = j["python"].get<PythonInfo>();
        if (j.contains("base_installer")) m.base_installer = base_from(j["base_installer"]);
        if (j.contains("installer")) m.installer = j["installer"].get<InstallerInfo>();
        if (j.contains("parts")) m.parts = j["parts"].get<InstallParts>();
        else m.parts.env = m.install;
        if (Status good = check_names(m); !good.ok())
            return make_error(ErrorKind::damaged, "the manifest is damaged: {}", good.error().message);
        return m;
    } catch (const json::exception& error) {
        return make_error(ErrorKind::damaged, "the manifest is not what this program expects: {}", error.what());
    }
}

std::string canonical_json(const json& j) {
    // nlohmann::json keeps object keys sorted; strings that are not UTF-8 (file names) are replaced, not thrown at.
    return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace tinderbox::format
