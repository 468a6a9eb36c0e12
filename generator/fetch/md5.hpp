// MD5 (RFC 1321) by mbedTLS. It only identifies conda's older artifacts and the payload of constructor's installers. As
// a proof of contents use SHA-256 (common/base/hash.hpp).
#pragma once

#include "common/base/bytes.hpp"

#include <array>
#include <memory>

struct mbedtls_md5_context;

namespace tinderbox::fetch {

using Md5Digest = std::array<std::byte, 16>;

// One computation. An object belongs to one thread at a time; nothing fails.
class Md5 {
  public:
    Md5();
    void update(ByteView data);
    // Ends the computation; the object must not be used afterwards.
    Md5Digest finish();

  private:
    struct Free {
        void operator()(mbedtls_md5_context* context) const;
    };
    std::unique_ptr<mbedtls_md5_context, Free> context_;
};

} // namespace tinderbox::fetch
