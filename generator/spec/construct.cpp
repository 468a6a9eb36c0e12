#include "generator/spec/reader.hpp"
namespace tinderbox {
Status read_construct(std::string_view, const std::string& path, const LockChoice&, Request&) {
    return make_error(ErrorKind::usage, "{}: it is a construct.yaml, which this version does not read", path);
}
}
