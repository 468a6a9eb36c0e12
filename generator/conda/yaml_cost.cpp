#include "generator/conda/yaml_cost.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace tinderbox::conda {
namespace {

struct Stop {};

// What a value is when its aliases are followed.
struct Size {
    std::uint64_t bytes = 0, nodes = 1, height = 1;
    bool open = true; // it has not ended yet
};

class Counter : public YAML::EventHandler {
  public:
    Counter(const Budget& budget, const std::string& input) : spending_(budget, input), input_(input) {}

    int documents = 0;
    Status problem;

    void OnDocumentStart(const YAML::Mark&) override {
        if (++documents == 2) throw Stop();
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override { scalar(0, anchor); }
    void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t anchor, const std::string& value) override {
        scalar(value.size(), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (anchor >= sizes_.size()) return;
        if (sizes_[anchor].open)
            fail(make_error(ErrorKind::usage,
                            "{}:{}:{}: an alias stands inside the value that it names; write that "
                            "value out",
                            input_, mark.line + 1, mark.column + 1));
        add(sizes_[anchor]);
    }
    void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        begin(anchor);
    }
    void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
        begin(anchor);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapEnd() override { end(); }

  private:
    struct Open {
        YAML::anchor_t anchor;
        Size size;
    };

    [[noreturn]] void fail(Error error) {
        problem = std::move(error);
        throw Stop();
    }
    void check(Status status) {
        if (!status.ok()) fail(std::move(status).error());
    }
    void remember(YAML::anchor_t anchor, const Size& size) {
        if (anchor == 0) return; // yaml-cpp's "none"; the others count up from 1
        if (sizes_.size() <= anchor) sizes_.resize(anchor + 1);
        sizes_[anchor] = size;
    }
    void scalar(std::uint64_t bytes, YAML::anchor_t anchor) {
        const Size size{bytes, 1, 0, false};
        add(size);
        remember(anchor, size);
    }
    void add(const Size& size) {
        check(spending_.bytes(size.bytes));
        check(spending_.nodes(size.nodes));
        check(spending_.depth(open_.size() + size.height));
        if (open_.empty()) return;
        Size& parent = open_.back().size;
        parent.bytes += size.bytes;
        parent.nodes += size.nodes;
        parent.height = std::max(parent.height, size.height + 1);
    }
    void begin(YAML::anchor_t anchor) {
        check(spending_.nodes());
        check(spending_.depth(open_.size() + 1));
        remember(anchor, Size());
        open_.push_back({anchor, Size()});
    }
    // Its values were spent as they came; only what its parent is grows.
    void end() {
        Open done = std::move(open_.back());
        open_.pop_back();
        done.size.open = false;
        remember(done.anchor, done.size);
        if (open_.empty()) return;
        Size& parent = open_.back().size;
        parent.bytes += done.size.bytes;
        parent.nodes += done.size.nodes;
        parent.height = std::max(parent.height, done.size.height + 1);
    }

    Spending spending_;
    const std::string& input_;
    std::vector<Size> sizes_; // by anchor
    std::vector<Open> open_;
};

} // namespace

Result<YamlCost> count_yaml(const std::string& text, const std::string& input, const Budget& budget) {
    Counter counter(budget, input);
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(counter)) {
        }
    } catch (const Stop&) {
    }
    TRY(counter.problem);
    return YamlCost{counter.documents};
}

} // namespace tinderbox::conda
