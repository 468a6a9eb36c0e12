#include "generator/lock/conda_lookup.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace tinderbox {
namespace {

using nlohmann::json;

struct Wanted {
    CondaSpec* spec = nullptr;
    std::string stem; // NAME-VERSION-BUILD
    std::vector<std::string> channels;
    bool found = false;
};

std::string plain_version(const CondaSpec& spec) {
    return spec.version.starts_with("==") ? spec.version.substr(2) : spec.version;
}

// The records of the wanted files alone: a channel's index has hundreds of thousands.
Result<json> wanted_records(const Document& page, const std::set<std::string>& file_names) {
    auto keep = [&](int depth, json::parse_event_t event, json& parsed) {
        if (event != json::parse_event_t::key) return true;
        const auto& key = parsed.get_ref<const std::string&>();
        if (depth == 1) return key == "packages" || key == "packages.conda";
        return depth != 2 || file_names.contains(key);
    };
    json out = json::parse(page.body, keep, false);
    if (!out.is_object())
        return make_error(ErrorKind::network, "{}: the server answered with something that is no repodata.json; check the "
                                              "channel's URL",
                          without_credentials(page.url));
    return out;
}

void take_record(const json& record, const std::string& base, const std::string& channel, const std::string& file,
                 Wanted& wanted) {
    auto text = [&](const char* key) {
        auto found = record.find(key);
        return found != record.end() && found->is_string() ? to_lower(found->get<std::string>()) : std::string();
    };
    wanted.spec->url = base + file;
    wanted.spec->sha256 = text("sha256");
    wanted.spec->md5 = text("md5");
    wanted.spec->channel = channel;
    wanted.found = true;
}

// Takes what one subdirectory of a channel has of the wanted packages; .conda before .tar.bz2, as conda does.
Status search(const std::string& channel, const std::string& subdir, std::vector<Wanted>& wanted, Fetcher& fetcher) {
    std::set<std::string> names;
    for (const Wanted& one : wanted)
        if (!one.found && std::ranges::find(one.channels, channel) != one.channels.end())
            for (const char* ending : {".conda", ".tar.bz2"}) names.insert(one.stem + ending);
    if (names.empty()) return {};
    std::string base = channel + "/" + subdir + "/";
    TRY_ASSIGN(Document page, fetcher.get(base + "repodata.json", "application/json"));
    if (page.status == 404) return {};
    if (page.status != 200 && page.status != 0)
        return make_error(ErrorKind::network, "{}: the channel answered with status {}; check its name",
                          without_credentials(base), page.status);
    TRY_ASSIGN(json records, wanted_records(page, names));
    for (Wanted& one : wanted)
        for (auto [section, ending] : {std::pair{"packages.conda", ".conda"}, std::pair{"packages", ".tar.bz2"}}) {
            if (one.found || std::ranges::find(one.channels, channel) == one.channels.end()) continue;
            auto list = records.find(section);
            if (list == records.end() || !list->is_object()) continue;
            auto record = list->find(one.stem + ending);
            if (record != list->end() && record->is_object()) take_record(*record, base, channel, one.stem + ending, one);
        }
    return {};
}

} // namespace

bool is_exact(const CondaSpec& spec) {
    std::string version = plain_version(spec);
    auto plain = [](const std::string& text) { return !text.empty() && text.find_first_of("*<>=!~,|^$ ") == std::string::npos; };
    return !spec.name.empty() && plain(version) && plain(spec.build);
}

std::vector<std::string> channel_urls(const std::string& channel, const std::string& alias) {
    std::string name = channel;
    while (name.ends_with('/')) name.pop_back();
    auto slash = name.rfind('/');
    std::string last = slash == std::string::npos ? "" : name.substr(slash + 1);
    if (last == "noarch" || last.starts_with("linux-")) name.resize(slash);
    if (is_url(name)) return {name};
    if (name.starts_with('/')) return {"file://" + percent_encode_path(name)};
    if (name == "defaults")
        return {"https://repo.anaconda.com/pkgs/main", "https://repo.anaconda.com/pkgs/r"};
    const char* variable = std::getenv("CONDA_CHANNEL_ALIAS");
    std::string base = !alias.empty() ? alias : variable && *variable ? variable : "https://conda.anaconda.org";
    while (base.ends_with('/')) base.pop_back();
    return {base + "/" + name};
}

Status find_conda_packages(std::vector<CondaSpec>& specs, const std::vector<std::string>& channels,
                           const std::string& platform, Fetcher& fetcher) {
    std::string problems;
    auto add = [&](const CondaSpec& spec, const std::string& text) {
        problems += fmt::format("{}{}: {}", problems.empty() ? "" : "\n", spec.line.str(), text);
    };
    std::vector<Wanted> wanted;
    std::vector<std::string> order;
    for (CondaSpec& spec : specs) {
        if (!spec.url.empty()) continue;
        if (!is_exact(spec)) {
            add(spec, fmt::format("'{}' is not exact; write {}=VERSION=BUILD, or give an @EXPLICIT list, such as 'conda list "
                                  "--explicit' prints",
                                  printable(spec.text), spec.name));
            continue;
        }
        Wanted one{&spec, spec.name + "-" + plain_version(spec) + "-" + spec.build, {}, false};
        std::vector<std::string> names = spec.channel.empty() ? channels : std::vector<std::string>{spec.channel};
        for (const std::string& name : names)
            for (std::string& url : channel_urls(name)) one.channels.push_back(std::move(url));
        if (one.channels.empty())
            add(spec, fmt::format("'{}' has no channel to come from; add one to 'channels:', or --channel", printable(spec.text)));
        for (const std::string& url : one.channels)
            if (std::ranges::find(order, url) == order.end()) order.push_back(url);
        wanted.push_back(std::move(one));
    }
    if (!problems.empty()) return Error{ErrorKind::usage, problems};
    for (const std::string& channel : order)
        for (const std::string& subdir : {platform, std::string("noarch")}) TRY(search(channel, subdir, wanted, fetcher));
    for (const Wanted& one : wanted) {
        if (one.found) continue;
        std::string places;
        for (const std::string& url : one.channels) places += (places.empty() ? "" : ", ") + without_credentials(url);
        add(*one.spec, fmt::format("there is no {} in {} for {} or noarch; check its version and build", one.stem, places, platform));
    }
    if (!problems.empty()) return Error{ErrorKind::unsatisfiable, problems};
    return {};
}

} // namespace tinderbox
