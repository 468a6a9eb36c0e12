#include "generator/conda/solve.hpp"

#include <catch2/catch_test_macros.hpp>

#include <random>
#include <set>

using namespace tinderbox;
using namespace tinderbox::conda;

namespace {

// One row of a channel in memory.
struct Row {
    std::string name, version = "1", build = "0";
    std::vector<std::string> depends, constrains, features;
    std::uint64_t number = 0, time = 0;
    bool bz2 = false;
};

class MemorySubdir final : public Subdir {
  public:
    MemorySubdir(Channel channel, std::vector<Row> rows)
        : Subdir(std::move(channel), "linux-64"), rows_(std::move(rows)) {
        for (const Row& row : rows_)
            files_.push_back(row.name + "-" + row.version + "-" + row.build + (row.bz2 ? ".tar.bz2" : ".conda"));
    }
    Result<std::vector<NamedRecords>> find(const std::vector<std::string>& names) override {
        std::vector<NamedRecords> out(names.size());
        for (std::size_t i = 0; i < names.size(); ++i)
            for (std::size_t r = 0; r < rows_.size(); ++r)
                if (const Row& row = rows_[r]; row.name == names[i]) {
                    PackageRecord record;
                    record.file_name = files_[r];
                    record.name = row.name;
                    record.version = row.version;
                    record.build = row.build;
                    record.build_number = row.number;
                    record.timestamp = row.time;
                    record.depends.assign(row.depends.begin(), row.depends.end());
                    record.constrains.assign(row.constrains.begin(), row.constrains.end());
                    record.track_features.assign(row.features.begin(), row.features.end());
                    out[i].records.push_back(std::move(record));
                }
        return out;
    }
    std::vector<std::string> similar_names(std::string_view) const override { return {}; }

  private:
    std::vector<Row> rows_;
    std::vector<std::string> files_;
};

struct World {
    std::vector<std::vector<Row>> channels;
    ChannelPriority priority = ChannelPriority::flexible;
    std::vector<VirtualPackage> virtuals = {{"__glibc", "2.28"}, {"__unix", "0"}};
    std::vector<std::string> constraints;
    std::chrono::milliseconds time_limit = std::chrono::minutes(5);

    Result<Solution> solve(const std::vector<std::string>& specs) const {
        std::vector<ChannelSource> sources;
        for (std::size_t i = 0; i < channels.size(); ++i) {
            Channel channel{fmt::format("c{}", i), fmt::format("https://c{}", i), fmt::format("https://c{}", i), ""};
            ChannelSource source{channel, {}};
            source.subdirs.push_back(std::make_unique<MemorySubdir>(channel, channels[i]));
            sources.push_back(std::move(source));
        }
        SolveRequest request;
        int line = 1;
        auto add = [&](const std::string& text, std::vector<SolveSpec>& to) {
            auto spec = MatchSpec::parse(text);
            if (!spec.ok()) FAIL(spec.error().message);
            SolveSpec one{*spec, fmt::format("e.yml:{}", line++), {}};
            if (!spec->channel.empty()) one.channels = {"https://" + spec->channel};
            to.push_back(std::move(one));
        };
        for (const std::string& text : specs) add(text, request.specs);
        for (const std::string& text : constraints) add(text, request.constraints);
        request.virtuals = virtuals;
        request.priority = priority;
        request.time_limit = time_limit;
        return conda::solve(sources, request);
    }
    // "a 1 0, b 2 0"
    std::string answer(const std::vector<std::string>& specs) const {
        auto solution = solve(specs);
        if (!solution.ok()) return solution.error().message;
        std::string out;
        for (const SolvedPackage& p : solution->packages)
            out += fmt::format("{}{} {} {}", out.empty() ? "" : ", ", p.name, p.version, p.build);
        return out;
    }
};

Row row(std::string name, std::string version, std::vector<std::string> depends = {}, std::string build = "0") {
    Row out;
    out.name = std::move(name);
    out.version = std::move(version);
    out.depends = std::move(depends);
    out.build = std::move(build);
    return out;
}

} // namespace

TEST_CASE("the newest versions that go together", "[solve]") {
    World w{{{row("a", "1", {"b"}), row("a", "2", {"b <2"}), row("b", "1"), row("b", "2"), row("b", "10")}}};
    CHECK(w.answer({"a"}) == "a 2 0, b 1 0");
    CHECK(w.answer({"a", "b"}) == "a 2 0, b 1 0");
    CHECK(w.answer({"b", "a"}) == "a 1 0, b 10 0"); // a request's first spec has priority
    CHECK(w.answer({"a=1"}) == "a 1 0, b 10 0");
    w.constraints = {"b <10"};
    CHECK(w.answer({"a=1"}) == "a 1 0, b 2 0");
    auto solution = w.solve({"a"});
    CHECK(solution->packages[0].requested);
    CHECK(solution->packages[0].because == "a");
    CHECK(!solution->packages[1].requested);
    CHECK(solution->packages[1].because == "a 2 requires b <2");
    CHECK(solution->packages[1].url == "https://c0/linux-64/b-1-0.conda");
}

TEST_CASE("which build of a version", "[solve]") {
    Row low = row("a", "1", {}, "low"), high = row("a", "1", {}, "high"), tracked = row("a", "2", {}, "tracked");
    high.number = 3;
    tracked.features = {"debug"};
    World w{{{low, high, tracked}}};
    CHECK(w.answer({"a"}) == "a 1 high"); // track_features lose, even against an older version
    CHECK(w.answer({"a=2"}) == "a 2 tracked");
    CHECK(w.answer({"a[build_number='<2',version='1']"}) == "a 1 low");
    // With equal build numbers: the build with newer dependencies wins, then the later one.
    Row old = row("n", "1", {"py 1.*"}, "py1"), fresh = row("n", "1", {"py 2.*"}, "py2");
    World p{{{old, fresh, row("py", "1"), row("py", "2")}}};
    CHECK(p.answer({"n"}) == "n 1 py2, py 2 0");
    Row early = row("t", "1", {}, "early"), late = row("t", "1", {}, "late");
    late.time = 5;
    World t{{{early, late}}};
    CHECK(t.answer({"t"}) == "t 1 late");
    // Of one package, .conda wins over .tar.bz2.
    Row bz2 = row("z", "1");
    bz2.bz2 = true;
    World z{{{bz2, row("z", "1")}}};
    CHECK(z.solve({"z"})->packages[0].file_name == "z-1-0.conda");
}

TEST_CASE("constrains bind what is there and ask for nothing", "[solve]") {
    Row a = row("a", "2");
    a.constrains = {"b >=2", "c"};
    World w{{{row("a", "1"), a, row("b", "1"), row("b", "2"), row("c", "1")}}};
    CHECK(w.answer({"a"}) == "a 2 0");
    CHECK(w.answer({"a", "b"}) == "a 2 0, b 2 0");
    CHECK(w.answer({"a", "b=1"}) == "a 1 0, b 1 0");
    CHECK(w.answer({"a=2", "c"}) == "a 2 0, c 1 0");
    CHECK(w.answer({"a=2", "b=1"}).find("a 2 works only with b >=2") != std::string::npos);
}

TEST_CASE("channel priority", "[solve]") {
    World w{{{row("a", "1"), row("x", "1", {"a >=2"})}, {row("a", "2"), row("a", "3"), row("y", "1")}}};
    w.priority = ChannelPriority::flexible;
    CHECK(w.answer({"a"}) == "a 1 0");
    CHECK(w.answer({"a>=2"}) == "a 3 0");
    CHECK(w.answer({"x"}) == "a 3 0, x 1 0");
    CHECK(w.answer({"c1::a", "y"}) == "a 3 0, y 1 0");
    w.priority = ChannelPriority::strict;
    CHECK(w.answer({"a"}) == "a 1 0");
    CHECK(w.answer({"a>=2"}).find("asks for a>=2, and there is 1") != std::string::npos);
    CHECK(w.answer({"c1::a"}) == "a 3 0");
    w.priority = ChannelPriority::disabled;
    CHECK(w.answer({"a"}) == "a 3 0");
    World same{{{row("a", "1", {}, "first")}, {row("a", "1", {}, "second")}}};
    same.priority = ChannelPriority::disabled;
    same.channels[1][0].number = 9;
    CHECK(same.answer({"a"}) == "a 1 first");
}

TEST_CASE("virtual packages decide, and a GPU that is missed is named", "[solve]") {
    Row gpu = row("torch", "1", {"__cuda >=11", "__glibc >=2.17"}, "cuda"), cpu = row("torch", "1", {}, "cpu");
    gpu.number = 200;
    World w{{{gpu, cpu, row("new", "1", {"__glibc >=2.34"}), row("win", "1", {"__win"})}}};
    CHECK(w.answer({"torch"}) == "torch 1 cpu");
    CHECK(w.solve({"torch"})->needs_cuda == std::vector<std::string>{"torch"});
    CHECK(w.answer({"torch=1=cuda"}).find("the target has no GPU; --cuda VERSION") != std::string::npos);
    w.virtuals.push_back({"__cuda", "12.4"});
    CHECK(w.answer({"torch"}) == "torch 1 cuda");
    CHECK(w.solve({"torch"})->needs_cuda.empty());
    CHECK(w.answer({"new"}).find("new 1 requires __glibc >=2.34, and there is 2.28") != std::string::npos);
    Row bound = row("toolkit", "11.3");
    bound.constrains = {"__cuda >=13"};
    w.channels[0].push_back(bound);
    CHECK(w.answer({"toolkit"}).find("toolkit 11.3 works only with __cuda >=13, and the target has 12.4") !=
          std::string::npos);
    CHECK(w.answer({"win"}).find("the target has no __win") != std::string::npos);
}

TEST_CASE("why there is no answer", "[solve]") {
    World w{{{row("python", "3.8"), row("python", "3.9"), row("numpy", "1.0", {"python 3.8.*"}),
              row("numpy", "1.1", {"python 3.8.*"}), row("broken", "1", {"python >>1"})}}};
    CHECK(w.answer({"python=3.9", "numpy"}) == "no set of conda packages satisfies the request:\n"
                                               "  e.yml:1 asks for python=3.9\n"
                                               "  e.yml:2 asks for numpy\n"
                                               "  numpy 1.1 and 1.0 require python 3.8.*");
    CHECK(w.answer({"nothing"}) == "no set of conda packages satisfies the request:\n  e.yml:1 asks for nothing, and "
                                   "no channel has a package of that name");
    CHECK(w.answer({"numpy=1.0=cuda*"}).find("; of this version the builds 0") != std::string::npos);
    CHECK(w.answer({"broken"}).find("broken 1 requires 'python >>1', which cannot be understood") != std::string::npos);
    CHECK(w.solve({"python=3.9", "numpy"}).error().kind == ErrorKind::unsatisfiable);
}

// `pigeons` names, each in `holes` versions, exclude each other: a solver that learns little never ends.
TEST_CASE("a puzzle ends in a verdict, or with the time", "[solve]") {
    auto pigeons_in = [](int pigeons, int holes) {
        World w{{{}}};
        for (int p = 0; p < pigeons; ++p)
            for (int h = 1; h <= holes; ++h) {
                Row one = row(fmt::format("p{}", p), std::to_string(h));
                for (int q = 0; q < pigeons; ++q)
                    if (q != p) one.depends.push_back(fmt::format("p{} !={}", q, h));
                w.channels[0].push_back(std::move(one));
            }
        return w;
    };
    CHECK(pigeons_in(7, 7).solve({"p0"}).ok());
    CHECK(pigeons_in(7, 6).answer({"p0"}).starts_with(
        "no set of conda packages satisfies the request:\n  e.yml:1 asks for p0\n  p0 "));
    // libsolv gets != as a list of exceptions; the explanation shows the spec as written.
    World told{{{row("a", "1", {"b !=3"}), row("b", "1", {"c"}), row("b", "2", {"c"}), row("b", "3")}}};
    CHECK(told.answer({"a", "b=3"}) == "no set of conda packages satisfies the request:\n  e.yml:1 asks for a\n  "
                                       "e.yml:2 asks for b=3\n  a 1 requires b !=3");
    CHECK(told.answer({"a"}) ==
          "no set of conda packages satisfies the request:\n  e.yml:1 asks for a\n  a 1 requires b !=3\n"
          "  b 2 and 1 require c, and no channel has a package of that name");
    World hopeless = pigeons_in(30, 29);
    hopeless.time_limit = std::chrono::milliseconds(200);
    CHECK(hopeless.answer({"p0"}).starts_with(
        "neither a set of conda packages that satisfies the request nor a contradiction was found"));
    CHECK(hopeless.solve({"p0"}).error().kind == ErrorKind::unsatisfiable);
}

// Many small worlds against trying every choice: is there an answer, and is our answer valid?
TEST_CASE("the verdict is that of trying everything", "[solve][property]") {
    std::mt19937 random(20);
    std::size_t satisfiable = 0;
    for (int world = 0; world < 400; ++world) {
        const int names = 4 + static_cast<int>(random() % 2), versions = 3;
        auto name = [](int i) { return std::string(1, static_cast<char>('a' + i)); };
        auto relation = [&] {
            static const char* signs[] = {"", " >=2", " <3", " ==2", " !=2", " <2", " 1|3"};
            return std::string(signs[random() % std::size(signs)]);
        };
        World w;
        w.channels.emplace_back();
        for (int n = 0; n < names; ++n)
            for (int v = 1; v <= versions; ++v) {
                Row one = row(name(n), std::to_string(v));
                for (auto d = random() % 3; d > 0; --d)
                    one.depends.push_back(name(static_cast<int>(random() % static_cast<unsigned>(names))) + relation());
                if (random() % 4 == 0)
                    one.constrains.push_back(name(static_cast<int>(random() % static_cast<unsigned>(names))) +
                                             relation());
                w.channels[0].push_back(std::move(one));
            }
        std::vector<std::string> specs = {"a" + relation(), "b" + relation()};
        auto fits = [&](const std::string& text, const std::vector<int>& chosen, bool needed) {
            auto spec = MatchSpec::parse(text);
            const int v = chosen[static_cast<std::size_t>(spec->name[0] - 'a')];
            if (v == 0) return !needed;
            auto version = VersionOrder::parse(std::to_string(v));
            RecordView candidate;
            candidate.version = &*version;
            return spec->matches(candidate);
        };
        auto valid = [&](const std::vector<int>& chosen) {
            for (const std::string& spec : specs)
                if (!fits(spec, chosen, true)) return false;
            for (const Row& one : w.channels[0]) {
                if (chosen[static_cast<std::size_t>(one.name[0] - 'a')] != std::stoi(one.version)) continue;
                for (const std::string& d : one.depends)
                    if (!fits(d, chosen, true)) return false;
                for (const std::string& c : one.constrains)
                    if (!fits(c, chosen, false)) return false;
            }
            return true;
        };
        bool any = false;
        std::vector<int> chosen(static_cast<std::size_t>(names), 0);
        for (std::size_t at = 0; at < chosen.size() && !any;) {
            any = valid(chosen);
            for (at = 0; at < chosen.size() && ++chosen[at] > versions; ++at) chosen[at] = 0;
        }
        auto solution = w.solve(specs);
        INFO(specs[0] << " " << specs[1]);
        CHECK(solution.ok() == any);
        if (!solution.ok()) continue;
        ++satisfiable;
        std::ranges::fill(chosen, 0);
        for (const SolvedPackage& p : solution->packages)
            chosen[static_cast<std::size_t>(p.name[0] - 'a')] = std::stoi(p.version);
        CHECK(valid(chosen));
    }
    CHECK(satisfiable > 100);
    CHECK(satisfiable < 390);
}
