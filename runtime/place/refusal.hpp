// Why nothing can be installed at a place.
#pragma once

#include "common/base/result.hpp"

namespace tinderbox::place {

struct Refusal {
    std::string id;       // as docs/inside/preflight.md lists them: "prefix-exists"
    std::string sentence; // the fact
    std::string advice;   // the remedy
    ErrorKind kind = ErrorKind::storage;

    Error error() const { return {kind, sentence + "; " + advice}; }
};

} // namespace tinderbox::place
