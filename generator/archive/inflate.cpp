#include "generator/archive/inflate.hpp"
#include "generator/archive/file_source.hpp"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace tinderbox::archive {
namespace {

Error damaged_member(const std::string& where, std::string_view what) {
    return make_error(ErrorKind::usage, "{}: {}; the archive is damaged, download it again", where, what);
}

// The common part of inflate and zstd: eat some input, give some output.
class Decoder {
  public:
    virtual ~Decoder() = default;
    struct Step {
        std::size_t eaten = 0, given = 0;
        bool end = false, failed = false;
    };
    virtual Step step(ByteView in, std::span<std::byte> out) = 0;
    // The compressed data has come to its own end: a deflate stream can be cut behind its last byte of content.
    virtual bool complete() const = 0;
};

class Copy final : public Decoder {
  public:
    Step step(ByteView in, std::span<std::byte> out) override {
        const std::size_t n = std::min(in.size(), out.size());
        std::copy_n(in.begin(), n, out.begin());
        return {n, n, false, false};
    }
    bool complete() const override { return true; }
};

class Inflate final : public Decoder {
  public:
    Inflate() { ready_ = inflateInit2(&stream_, -15) == Z_OK; }
    ~Inflate() override {
        if (ready_) inflateEnd(&stream_);
    }
    Inflate(const Inflate&) = delete;
    Inflate& operator=(const Inflate&) = delete;

    Step step(ByteView in, std::span<std::byte> out) override {
        if (!ready_) return {0, 0, false, true};
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));
        stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(in.size(), 1u << 30));
        stream_.next_out = reinterpret_cast<Bytef*>(out.data());
        stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), 1u << 30));
        const std::size_t in_before = stream_.avail_in, out_before = stream_.avail_out;
        const int rc = inflate(&stream_, Z_NO_FLUSH);
        complete_ = rc == Z_STREAM_END;
        return {in_before - stream_.avail_in, out_before - stream_.avail_out, rc == Z_STREAM_END,
                rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR};
    }

    bool complete() const override { return complete_; }

  private:
    z_stream stream_{};
    bool ready_ = false, complete_ = false;
};

class Zstd final : public Decoder {
  public:
    Zstd() : stream_(ZSTD_createDStream()) {}
    ~Zstd() override { ZSTD_freeDStream(stream_); }
    Zstd(const Zstd&) = delete;
    Zstd& operator=(const Zstd&) = delete;

    Step step(ByteView in, std::span<std::byte> out) override {
        ZSTD_inBuffer input{in.data(), in.size(), 0};
        ZSTD_outBuffer output{out.data(), out.size(), 0};
        const std::size_t rc = ZSTD_decompressStream(stream_, &output, &input);
        if (input.pos > 0 || output.pos > 0) complete_ = rc == 0;
        // Frames may follow one another, so that the end is where the input ends.
        return {input.pos, output.pos, false, ZSTD_isError(rc) != 0};
    }

    bool complete() const override { return complete_; }

  private:
    ZSTD_DStream* stream_;
    bool complete_ = false;
};

class CheckedSource final : public ByteSource {
  public:
    CheckedSource(std::unique_ptr<ByteSource> compressed, std::unique_ptr<Decoder> decoder, std::uint64_t size,
                  std::uint32_t crc32, std::string where)
        : compressed_(std::move(compressed)), decoder_(std::move(decoder)), left_(size), expected_(crc32),
          where_(std::move(where)), buffer_(256u << 10) {}

    Result<std::size_t> read(std::span<std::byte> out) override {
        std::size_t done = 0;
        while (done < out.size() && !finished_) {
            TRY(refill());
            const Decoder::Step step = decoder_->step(in_, out.subspan(done));
            in_ = in_.subspan(step.eaten);
            if (step.failed) return damaged_member(where_, "its compressed data is damaged");
            if (step.given > left_) return damaged_member(where_, "it is longer than the archive says");
            crc_ = libdeflate_crc32(crc_, out.data() + done, step.given);
            done += step.given;
            left_ -= step.given;
            const bool input_over = in_.empty() && input_done_;
            if (step.end || (input_over && step.given == 0)) TRY(finish(step.end));
            else if (step.eaten == 0 && step.given == 0 && !in_.empty())
                return damaged_member(where_, "its compressed data is damaged");
        }
        // A caller that asked for exactly the content's size shall not miss a bad checksum.
        if (left_ == 0 && !finished_) TRY(drain());
        return done;
    }

  private:
    Status refill() {
        if (!in_.empty() || input_done_) return {};
        TRY_ASSIGN(std::size_t n, compressed_->read(buffer_));
        input_done_ = n < buffer_.size();
        in_ = ByteView(buffer_).first(n);
        return {};
    }
    Status drain() {
        std::byte extra{};
        for (;;) {
            TRY(refill());
            const Decoder::Step step = decoder_->step(in_, {&extra, 1});
            in_ = in_.subspan(step.eaten);
            if (step.failed) return damaged_member(where_, "its compressed data is damaged");
            if (step.given > 0) return damaged_member(where_, "it is longer than the archive says");
            if (step.end || (in_.empty() && input_done_)) return finish(step.end);
            if (step.eaten == 0) return damaged_member(where_, "its compressed data is damaged");
        }
    }
    Status finish(bool decoder_ended) {
        TRY(refill());
        finished_ = true;
        if (decoder_ended && !in_.empty()) return damaged_member(where_, "bytes follow its compressed data");
        if (left_ != 0) return damaged_member(where_, fmt::format("it ends {} bytes too early", left_));
        if (!decoder_->complete()) return damaged_member(where_, "the end of its compressed data is missing");
        if (crc_ != expected_) return damaged_member(where_, "its CRC-32 does not match");
        return {};
    }

    std::unique_ptr<ByteSource> compressed_;
    std::unique_ptr<Decoder> decoder_;
    std::uint64_t left_;
    std::uint32_t expected_, crc_ = 0;
    std::string where_;
    Bytes buffer_;
    ByteView in_;
    bool input_done_ = false, finished_ = false;
};

struct FreeDecompressor {
    void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

} // namespace

Status check_crc32(ByteView content, std::uint32_t expected, const std::string& where) {
    if (libdeflate_crc32(0, content.data(), content.size()) != expected)
        return damaged_member(where, "its CRC-32 does not match");
    return {};
}

Result<Bytes> inflate_whole(ByteView compressed, std::size_t size, std::uint32_t crc32, const std::string& where) {
    thread_local std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
        libdeflate_alloc_decompressor());
    if (!decompressor) return make_error(ErrorKind::storage, "{}: out of memory", where);
    Bytes out(size);
    std::size_t eaten = 0, given = 0;
    const auto rc = libdeflate_deflate_decompress_ex(decompressor.get(), compressed.data(), compressed.size(),
                                                     out.data(), out.size(), &eaten, &given);
    if (rc == LIBDEFLATE_INSUFFICIENT_SPACE) return damaged_member(where, "it is longer than the archive says");
    if (rc != LIBDEFLATE_SUCCESS) return damaged_member(where, "its compressed data is damaged");
    if (given != size) return damaged_member(where, fmt::format("it ends {} bytes too early", size - given));
    if (eaten != compressed.size()) return damaged_member(where, "bytes follow its compressed data");
    TRY(check_crc32(out, crc32, where));
    return out;
}

std::unique_ptr<ByteSource> make_checked_source(std::unique_ptr<ByteSource> compressed, ZipMethod method,
                                                std::uint64_t size, std::uint32_t crc32, std::string where) {
    std::unique_ptr<Decoder> decoder;
    switch (method) {
    case ZipMethod::stored:
        decoder = std::make_unique<Copy>();
        break;
    case ZipMethod::deflate:
        decoder = std::make_unique<Inflate>();
        break;
    case ZipMethod::zstd:
        decoder = std::make_unique<Zstd>();
        break;
    }
    return std::make_unique<CheckedSource>(std::move(compressed), std::move(decoder), size, crc32, std::move(where));
}

} // namespace tinderbox::archive
