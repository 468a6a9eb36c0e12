#include "generator/spec/reader.hpp"

#include <algorithm>

namespace tinderbox::spec {

bool Faults::add(Status status) {
    if (status.ok()) return true;
    errors_.push_back(std::move(status).error());
    // What is no mistake of a line (a budget, a damaged disk) meets the next lines, too.
    return errors_.size() < limit && errors_.back().kind == ErrorKind::usage;
}

Status Faults::result() {
    if (errors_.empty()) return {};
    Error out = errors_.front();
    std::vector<std::string> said{out.message};
    for (const Error& error : errors_) {
        if (std::ranges::find(said, error.message) != said.end()) continue;
        said.push_back(error.message);
        out.message += "\n" + error.message;
    }
    return out;
}

} // namespace tinderbox::spec
