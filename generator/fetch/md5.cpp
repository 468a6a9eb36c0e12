#include "generator/fetch/md5.hpp"

#include <mbedtls/md5.h>

namespace tinderbox::fetch {

// The codes that mbedTLS returns are for accelerators in hardware: its own implementation of MD5 cannot fail.
Md5::Md5() : context_(new mbedtls_md5_context) {
    mbedtls_md5_init(context_.get());
    (void)mbedtls_md5_starts(context_.get());
}

void Md5::Free::operator()(mbedtls_md5_context* context) const {
    mbedtls_md5_free(context);
    delete context;
}

void Md5::update(ByteView data) {
    (void)mbedtls_md5_update(context_.get(), reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

Md5Digest Md5::finish() {
    Md5Digest out;
    (void)mbedtls_md5_finish(context_.get(), reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

} // namespace tinderbox::fetch
