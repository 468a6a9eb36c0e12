// One HTTP exchange with libcurl: policy (TLS, plain http, redirects), retries, resuming. Thread-safe.
#pragma once

#include "common/base/file.hpp"
#include "generator/fetch/fetch.hpp"

#include <atomic>

namespace tinderbox::fetch {

struct TransferRequest {
    std::string url;
    std::vector<std::string> headers;
    int file = -1; // body goes here from `resume_from` on; -1: into TransferReply::body
    std::uint64_t resume_from = 0;
    bool document = false; // with a file: the transfer may be compressed, and starts again when it breaks off
    std::string if_range;  // with resume_from: the ETag that the first part had, "" = trust the hash
    std::uint64_t size_limit = UINT64_MAX;
    std::string range; // without a file: "FIRST-LAST" or "-COUNT"; size_limit is its length
    // received bytes of the body are added here, and subtracted on a restart
    std::atomic<std::uint64_t>* received = nullptr;
    std::atomic<std::uint64_t>* expected = nullptr; // Content-Length is added here once
};

struct TransferReply {
    int status = 0;
    std::string body, final_url, content_type, etag, last_modified, cache_control, content_range;
    int age = 0;                // seconds since a proxy got the answer
    bool restarted = false;     // the server ignored the range: the file was begun anew
    bool range_ignored = false; // of TransferRequest::range: the body was not read
    std::uint64_t length = 0;   // Content-Length of an answer whose body was not read, 0 = unknown
};

// Retries transient failures with back-off; the error after the last is of kind network and says what to do.
Result<TransferReply> transfer(const FetchOptions& options, TransferRequest request);

// The CA bundle that other tools of this machine use: SSL_CERT_FILE, CURL_CA_BUNDLE, REQUESTS_CA_BUNDLE, PIP_CERT, else
// the distributions' paths. "": no bundle was found.
std::string ca_bundle();

// Allows plain http only for loopback and for hosts that the user named. Error of kind network otherwise.
Status check_transport(const FetchOptions& options, const std::string& url);

} // namespace tinderbox::fetch
