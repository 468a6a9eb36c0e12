#include "common/format/manifest.hpp"

#include "common/base/text.hpp"
#include "common/format/json_fields.hpp"

#include <nlohmann/json.hpp>

#include <concepts>

namespace tinderbox::format {

using nlohmann::json;

namespace {

// Each struct's fields stand in one list, which Writer and Reader both visit: no field can be written and not read.
template <class T, class Struct>
concept Is = std::same_as<std::remove_const_t<T>, Struct>;

template <class Io> void fields(Io& io, Is<PackageInfo> auto& p) {
    io.field("kind", p.kind);
    io.field("name", p.name);
    io.field("version", p.version);
    io.field("build", p.build);
    io.field("url", p.url);
    io.field("file_name", p.file_name);
    io.field("sha256", p.sha256);
    io.field("md5", p.md5);
    io.field("size", p.size);
    io.field("license", p.license);
    io.field("redistribution", p.redistribution);
    io.field("installed_size", p.installed_size);
    io.field("files", p.files);
    io.field("requested", p.requested);
    io.field("requirement", p.requirement);
    io.field("prefix", p.prefix);
    io.field("imports", p.imports);
}

template <class Io> void fields(Io& io, Is<PythonInfo> auto& p) {
    io.field("version", p.version);
    io.field("implementation", p.implementation);
    io.field("executable", p.executable);
    io.field("site_packages", p.site_packages);
    io.field("stdlib", p.stdlib);
    io.field("cache_tag", p.cache_tag);
    io.field("gil", p.gil);
}

template <class Io> void fields(Io& io, Is<GpuLibrary> auto& l) {
    io.field("path", l.path);
    io.field("package", l.package);
    io.field("role", l.role);
    io.field("sass", l.sass);
    io.field("ptx", l.ptx);
    io.field("partial", l.partial);
    io.field("ptx_isa", l.ptx_isa);
}

template <class Io> void fields(Io& io, Is<CudaEvidence> auto& e) {
    io.field("major", e.major);
    io.field("version", e.version);
    io.field("because", e.because);
}

template <class Io> void fields(Io& io, Is<GlibcNeed> auto& n) {
    io.field("version", n.version);
    io.field("because", n.because);
}

template <class Io> void fields(Io& io, Is<Requirements> auto& r) {
    io.field("glibc", r.glibc);
    io.field("glibc_because", r.glibc_because);
    io.field_if_any("partial_glibc", r.partial_glibc);
    io.field("libraries", r.libraries);
    io.field("cuda_major", r.cuda_major);
    io.field("cuda_runtime", r.cuda_runtime);
    io.field("cuda_evidence", r.cuda_evidence);
    io.field("driver_floor", r.driver_floor);
    io.field("ptx_cuda", r.ptx_cuda);
    io.field("ptx_driver_floor", r.ptx_driver_floor);
    io.field("gpu_libraries", r.gpu_libraries);
    io.field("gpu_weakest", r.gpu_weakest);
    io.field("frameworks", r.frameworks);
}

template <class Io> void fields(Io& io, Is<InstallInfo> auto& i) {
    io.field("bytes", i.bytes);
    io.field("apparent_bytes", i.apparent_bytes);
    io.field("inodes", i.inodes);
    io.field("longest_prefix", i.longest_prefix);
    io.field("longest_prefix_because", i.longest_prefix_because);
}

template <class Io> void fields(Io& io, Is<InstallParts> auto& p) {
    io.field("env", p.env);
    io.field("base", p.base);
    io.field("packages", p.packages);
}

template <class Io> void fields(Io& io, Is<ScriptInfo> auto& s) {
    io.field("package", s.package);
    io.field("version", s.version);
    io.field("build_number", s.build_number);
    io.field("path", s.path);
    io.field("prefix", s.prefix);
    io.field("action", s.action);
}

template <class Io> void fields(Io& io, Is<FurtherEnvironment> auto& e) {
    io.required("name", e.name);
    io.field("python", e.python);
}

template <class Io> void fields(Io& io, Is<BaseInfo> auto& b) {
    io.field("kind", b.kind);
    io.field("name", b.name);
    io.field("version", b.version);
    io.field("url", b.url);
    io.field("file_name", b.file_name);
    io.field("sha256", b.sha256);
    io.field("size", b.size);
    io.field("license", b.license);
    io.field("keeps_packages", b.keeps_packages);
    io.field("initialises", b.initialises);
    io.field("registers", b.registers);
    io.field("pre_install", b.pre_install);
    io.field("post_install", b.post_install);
    io.field("variables", b.variables);
    io.field("environments", b.environments);
    io.field("python", b.python);
}

template <class Io> void fields(Io& io, Is<InstallerInfo> auto& i) {
    io.field("version", i.version);
    io.field("license", i.license);
    io.field("pre_install", i.pre_install);
    io.field("post_install", i.post_install);
    io.field("variables", i.variables);
}

template <class Io> void fields(Io& io, Is<EarlierInstaller> auto& e) {
    io.required("name", e.name);
    io.required("manifest_sha256", e.manifest_sha256);
}

template <class Io> void fields(Io& io, Is<UpdateInfo> auto& u) {
    io.required("onto", u.onto);
    io.required("bytes", u.bytes);
    io.required("inherited_files", u.inherited_files);
    io.required("inherited_bytes", u.inherited_bytes);
}

// Without "parts": to_json() says when they are written.
template <class Io> void fields(Io& io, Is<Manifest> auto& m) {
    io.required("name", m.name);
    io.required("env_name", m.env_name);
    io.required("platform", m.platform);
    io.field("base", m.base);
    io.field("tinderbox_version", m.tinderbox_version);
    io.field("source_mtime", m.source_mtime);
    io.field("bytecode", m.bytecode);
    io.field("level", m.level);
    io.required("packages", m.packages);
    io.field("request", m.request);
    io.field("notices", m.notices);
    io.field("variables", m.variables);
    io.field("scripts", m.scripts);
    io.field("requires", m.requires_);
    io.required("install", m.install);
    io.field("probes", m.probes);
    io.field("python", m.python);
    io.field_if_any("installer", m.installer);
    io.field_if_any("base_installer", m.base_installer);
    io.field_if_any("update", m.update);
}

template <class T, class Io>
concept HasFields = requires(Io& io, T& value) {
    fields(io, value);
};

class Writer {
  public:
    template <class T> void field(const char* key, const T& value) { out_[key] = json_of(value); }
    template <class T> void required(const char* key, const T& value) { field(key, value); }
    // Absent, not null, when there is nothing.
    template <class T> void field_if_any(const char* key, const std::optional<T>& value) {
        if (value) field(key, *value);
    }
    json take() { return std::move(out_); }

  private:
    static json json_of(const PrefixName& name) { return to_string(name); }
    template <class T> static json json_of(const T& value) {
        if constexpr (HasFields<const T, Writer>) {
            Writer inner;
            fields(inner, value);
            return inner.take();
        } else {
            return value;
        }
    }
    template <class T> static json json_of(const std::optional<T>& value) { return value ? json_of(*value) : json(); }
    template <class T> static json json_of(const std::vector<T>& list) {
        json out = json::array();
        for (const T& one : list) out.push_back(json_of(one));
        return out;
    }

    json out_ = json::object();
};

class Reader {
  public:
    Reader(const json& object, std::string where)
        : where_(where), in_(object, std::move(where), "get the installer again", ErrorKind::damaged) {}

    void field(const char* key, std::string& out) { in_.text(key, out); }
    void field(const char* key, bool& out) { in_.flag(key, out); }
    void field(const char* key, std::integral auto& out) { in_.integer(key, out); }
    void field(const char* key, std::vector<std::string>& out) { in_.texts(key, out); }
    void field(const char* key, std::map<std::string, std::string>& out) { in_.text_map(key, key, out); }
    void field(const char* key, PrefixName& out) {
        std::string text = to_string(out);
        in_.text(key, text);
        if (auto name = prefix_named(text)) out = *std::move(name);
        else in_.fail(fmt::format("there is no prefix '{}'", text));
    }
    template <class T> void field(const char* key, std::optional<T>& out) {
        if (in_.value(key)) field(key, out.emplace());
    }
    template <HasFields<Reader> T> void field(const char* key, T& out) {
        if (const json* value = in_.value(key)) read(*value, key, out);
    }
    template <HasFields<Reader> T> void field(const char* key, std::vector<T>& out) {
        const json* list = in_.value(key);
        if (!list) return;
        if (!list->is_array()) return in_.fail(fmt::format("'{}' is not a list", key));
        for (const json& one : *list) read(one, key, out.emplace_back());
    }
    template <class T> void field_if_any(const char* key, std::optional<T>& out) { field(key, out); }
    template <class T> void required(const char* key, T& out) {
        if (in_.value(key, true)) field(key, out);
    }
    Status status() const { return in_.status(); }

  private:
    template <class T> void read(const json& value, const char* key, T& out) {
        Reader inner(value, fmt::format("{}: {}", where_, key));
        fields(inner, out);
        in_.keep(inner.status());
    }

    std::string where_;
    JsonFields in_;
};

} // namespace

json to_json(const Manifest& m) {
    Writer out;
    fields(out, m);
    if (m.base_installer) out.field("parts", m.parts);
    return out.take();
}

Result<Manifest> manifest_from_json(const json& j) {
    Manifest m;
    m.bytecode = "none";
    m.level = "default";
    Reader in(j, "the manifest");
    fields(in, m);
    m.parts.env = m.install;
    in.field("parts", m.parts);
    TRY(in.status());
    if (Status good = check_names(m); !good.ok())
        return make_error(ErrorKind::damaged, "the manifest is damaged: {}", good.error().message);
    return m;
}

std::string canonical_json(const json& j) {
    // nlohmann::json keeps object keys sorted; strings that are not UTF-8 (file names) are replaced, not thrown at.
    return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace tinderbox::format
