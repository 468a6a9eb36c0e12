#include "generator/spec/reader.hpp"

#include "common/base/units.hpp"

#include <algorithm>

namespace tinderbox::spec {

bool Faults::add(const pip::SourceLine& line, Status status) {
    if (status.ok()) return true;
    Error error = std::move(status).error();
    // What is no mistake of a line (a damaged disk) meets the next lines, too.
    const bool next = ++count_ < limit && error.kind == ErrorKind::usage;
    // A file that two lines include has its mistakes once.
    if (std::ranges::any_of(faults_, [&](const Fault& fault) { return fault.error.message == error.message; }))
        return next;
    const std::string place = line.str() + ": ";
    std::string what = error.message.substr(error.message.starts_with(place) ? place.size() : 0);
    if (!faults_.empty() && faults_.back().what == what) ++faults_.back().repeated;
    else faults_.push_back({std::move(error), std::move(what), 0});
    return next;
}

Status Faults::result() {
    if (faults_.empty()) return {};
    Error out{faults_.front().error.kind, ""};
    for (const Fault& fault : faults_) {
        if (!out.message.empty()) out.message += "\n";
        out.message += fault.error.message;
        if (fault.repeated > 0)
            out.message += fmt::format(" (and so in {}{} behind it)",
                                       count_ == limit && &fault == &faults_.back() ? "at least " : "",
                                       counted(fault.repeated, "line"));
    }
    return out;
}

} // namespace tinderbox::spec
