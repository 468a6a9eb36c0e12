#include "generator/report/sbom.hpp"

#include "common/base/hash.hpp"
#include "common/base/text.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/report/licenses.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace tinderbox::report {
namespace {

using nlohmann::json;

// Percent-encoding of a purl's parts: everything but unreserved characters and ":".
std::string purl_encoded(std::string_view text) {
    std::string out;
    for (char c : text) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                     c == '-' || c == '_' || c == '~' || c == ':';
        if (plain) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string last_but_one_element(std::string_view url) {
    auto file = url.rfind('/');
    if (file == std::string_view::npos || file == 0) return "";
    auto subdir = url.rfind('/', file - 1);
    return subdir == std::string_view::npos ? "" : std::string(url.substr(subdir + 1, file - subdir - 1));
}

// "conda-forge" of ".../conda-forge/linux-64/FILE".
std::string conda_channel(std::string_view url) {
    auto file = url.rfind('/');
    return file == std::string_view::npos ? "" : last_but_one_element(url.substr(0, file));
}

// One inventory, one name: the same content always has the same identifier.
std::string uuid_of(const Inventory& inventory, const std::string& salt) {
    std::string text = salt + "\n" + inventory.name + "\n" + inventory.platform + "\n";
    for (const format::PackageInfo& p : inventory.packages)
        text += fmt::format("{} {} {} {} {}\n", to_string(p.prefix), p.kind, p.name, p.version, p.sha256);
    std::string hex = to_hex(sha256(as_bytes(text))).substr(0, 32);
    hex[12] = '8'; // RFC 9562, version 8: its maker chooses the other bits
    hex[16] = "89ab"[hex[16] % 4];
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                       hex.substr(20));
}

std::string component_name(const format::PackageInfo& p) {
    bool path = (p.kind == "python" || p.kind == "prefix") && p.name.find('/') != std::string::npos;
    return path ? "captured-" + p.kind : p.name;
}

json cyclonedx_licenses(const std::string& words) {
    std::string expression = spdx_expression(words);
    bool single = !spdx_identifier(expression).empty();
    if (single) return json::array({{{"license", {{"id", expression}}}}});
    if (!expression.empty()) return json::array({{{"expression", expression}}});
    if (words.empty()) return json::array();
    return json::array({{{"license", {{"name", words.size() > 200 ? words.substr(0, 200) : words}}}}});
}

json property(const char* name, std::string value) {
    return {{"name", std::string("tinderbox:") + name}, {"value", std::move(value)}};
}

json cyclonedx_component(const format::PackageInfo& p, const std::string& platform, const std::string& reference) {
    json out = {{"type", p.kind == "base" || p.kind == "python" ? "platform" : "library"},
                {"bom-ref", reference},
                {"name", component_name(p)}};
    if (!p.version.empty()) out["version"] = p.version;
    out["purl"] = package_url(p, platform);
    json hashes = json::array();
    if (!p.sha256.empty()) hashes.push_back({{"alg", "SHA-256"}, {"content", p.sha256}});
    if (!p.md5.empty()) hashes.push_back({{"alg", "MD5"}, {"content", p.md5}});
    if (!hashes.empty()) out["hashes"] = hashes;
    if (json licenses = cyclonedx_licenses(p.license); !licenses.empty()) out["licenses"] = licenses;
    if (p.url.starts_with("http"))
        out["externalReferences"] = json::array({{{"type", "distribution"}, {"url", p.url}}});
    json properties = json::array({property("kind", p.kind), property("prefix", to_string(p.prefix))});
    if (!p.build.empty()) properties.push_back(property("build", p.build));
    if (!p.file_name.empty()) properties.push_back(property("file_name", p.file_name));
    if (!p.requirement.empty()) properties.push_back(property("why", p.requirement));
    if (p.redistribution != "unknown") properties.push_back(property("redistribution", p.redistribution));
    out["properties"] = std::move(properties);
    return out;
}

// References have to be unique; a package may lie in the base and in the environment.
std::vector<std::string> references(const Inventory& inventory) {
    std::vector<std::string> out;
    std::map<std::string, int> seen;
    for (const format::PackageInfo& p : inventory.packages) {
        std::string reference =
            package_url(p, inventory.platform) + (p.prefix.is_env() ? "" : "#" + to_string(p.prefix));
        int count = seen[reference]++;
        out.push_back(count == 0 ? reference : fmt::format("{}#{}", reference, count + 1));
    }
    return out;
}

// SPDX identifiers are made of letters, digits, "." and "-".
std::string spdx_id(std::size_t index, const format::PackageInfo& p) {
    std::string name = fmt::format("SPDXRef-{}-{}-", index + 1, p.kind);
    for (char c : component_name(p))
        name += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'
                    ? c
                    : '-';
    return name;
}

json spdx_package(const format::PackageInfo& p, const std::string& platform, const std::string& id) {
    std::string license = spdx_expression(p.license);
    json out = {{"SPDXID", id},
                {"name", component_name(p)},
                {"downloadLocation", p.url.starts_with("http") ? p.url : "NOASSERTION"},
                {"filesAnalyzed", false},
                {"licenseConcluded", "NOASSERTION"},
                {"licenseDeclared", license.empty() ? "NOASSERTION" : license},
                {"copyrightText", "NOASSERTION"},
                {"supplier", "NOASSERTION"},
                {"primaryPackagePurpose", p.kind == "base" ? "INSTALL" : "LIBRARY"},
                {"externalRefs", json::array({{{"referenceCategory", "PACKAGE-MANAGER"},
                                               {"referenceType", "purl"},
                                               {"referenceLocator", package_url(p, platform)}}})}};
    if (!p.version.empty()) out["versionInfo"] = p.version;
    if (!p.file_name.empty()) out["packageFileName"] = p.file_name;
    if (license.empty() && !p.license.empty()) out["licenseComments"] = "the package says: " + p.license;
    json checksums = json::array();
    if (!p.sha256.empty()) checksums.push_back({{"algorithm", "SHA256"}, {"checksumValue", p.sha256}});
    if (!p.md5.empty()) checksums.push_back({{"algorithm", "MD5"}, {"checksumValue", p.md5}});
    if (!checksums.empty()) out["checksums"] = std::move(checksums);
    if (!p.requirement.empty()) out["comment"] = (p.requested ? "asked for: " : "") + p.requirement;
    return out;
}

} // namespace

std::string package_url(const format::PackageInfo& p, const std::string& platform) {
    std::vector<std::pair<std::string, std::string>> qualifiers; // sorted by name
    std::string type = "generic", name = component_name(p);
    if (p.kind == "wheel" || (p.kind == "captured" && p.build.empty())) {
        type = "pypi";
        name = pip::normalize_name(p.name);
        if (!p.file_name.empty()) qualifiers.emplace_back("file_name", p.file_name);
    } else if (p.kind == "conda" || p.kind == "captured") {
        type = "conda";
        if (!p.build.empty()) qualifiers.emplace_back("build", p.build);
        if (std::string channel = conda_channel(p.url); !channel.empty()) qualifiers.emplace_back("channel", channel);
        std::string subdir = last_but_one_element(p.url);
        if (!subdir.empty()) qualifiers.emplace_back("subdir", subdir);
        if (p.file_name.ends_with(".conda")) qualifiers.emplace_back("type", "conda");
        if (p.file_name.ends_with(".tar.bz2")) qualifiers.emplace_back("type", "tar.bz2");
    } else {
        if (!platform.empty()) qualifiers.emplace_back("arch", platform);
        if (p.url.starts_with("http")) qualifiers.emplace_back("download_url", p.url);
    }
    std::string out = "pkg:" + type + "/" + purl_encoded(name);
    if (!p.version.empty()) out += "@" + purl_encoded(p.version);
    for (std::size_t i = 0; i < qualifiers.size(); ++i)
        out += (i == 0 ? "?" : "&") + qualifiers[i].first + "=" + purl_encoded(qualifiers[i].second);
    return out;
}

json cyclonedx(const Inventory& inventory, const SbomOptions& options) {
    const std::string root = "environment";
    json components = json::array(), depends = json::array();
    std::vector<std::string> names = references(inventory);
    for (std::size_t i = 0; i < inventory.packages.size(); ++i) {
        components.push_back(cyclonedx_component(inventory.packages[i], inventory.platform, names[i]));
        depends.push_back(names[i]);
    }
    return {
        {"$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json"},
        {"bomFormat", "CycloneDX"},
        {"specVersion", "1.6"},
        {"serialNumber", "urn:uuid:" + uuid_of(inventory, "cyclonedx")},
        {"version", 1},
        {"metadata",
         {{"timestamp", options.created},
          {"tools",
           {{"components",
             json::array({{{"type", "application"}, {"name", "tinderbox"}, {"version", options.tinderbox_version}}})}}},
          {"component",
           {{"type", "application"},
            {"bom-ref", root},
            {"name", inventory.name.empty() ? "environment" : inventory.name}}},
          {"properties", json::array({property("source", inventory.kind), property("platform", inventory.platform)})}}},
        {"components", std::move(components)},
        // The environment's packages. "compositions" says that the list of their dependencies is incomplete.
        {"dependencies", json::array({{{"ref", root}, {"dependsOn", std::move(depends)}}})},
        {"compositions", json::array({{{"aggregate", inventory.kind == "request" ? "incomplete" : "complete"},
                                       {"assemblies", json::array({root})}},
                                      {{"aggregate", "incomplete"}, {"dependencies", json::array({root})}}})}};
}

json spdx(const Inventory& inventory, const SbomOptions& options) {
    const std::string root = "SPDXRef-environment", name = inventory.name.empty() ? "environment" : inventory.name;
    json packages = json::array(), relationships = json::array();
    packages.push_back({{"SPDXID", root},
                        {"name", name},
                        {"downloadLocation", "NOASSERTION"},
                        {"filesAnalyzed", false},
                        {"licenseConcluded", "NOASSERTION"},
                        {"licenseDeclared", "NOASSERTION"},
                        {"copyrightText", "NOASSERTION"},
                        {"primaryPackagePurpose", inventory.kind == "run" ? "INSTALL" : "APPLICATION"}});
    relationships.push_back(
        {{"spdxElementId", "SPDXRef-DOCUMENT"}, {"relationshipType", "DESCRIBES"}, {"relatedSpdxElement", root}});
    for (std::size_t i = 0; i < inventory.packages.size(); ++i) {
        std::string id = spdx_id(i, inventory.packages[i]);
        packages.push_back(spdx_package(inventory.packages[i], inventory.platform, id));
        relationships.push_back(
            {{"spdxElementId", root}, {"relationshipType", "CONTAINS"}, {"relatedSpdxElement", id}});
    }
    return {
        {"spdxVersion", "SPDX-2.3"},
        {"dataLicense", "CC0-1.0"},
        {"SPDXID", "SPDXRef-DOCUMENT"},
        {"name", name},
        {"documentNamespace", "urn:uuid:" + uuid_of(inventory, "spdx")},
        {"creationInfo",
         {{"created", options.created}, {"creators", json::array({"Tool: tinderbox-" + options.tinderbox_version})}}},
        {"packages", std::move(packages)},
        {"relationships", std::move(relationships)}};
}

} // namespace tinderbox::report
