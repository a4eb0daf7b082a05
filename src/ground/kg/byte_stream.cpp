#include "ground/kg/byte_stream.h"

#include <bzlib.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"

namespace ondol::ground {
namespace {

constexpr size_t kBuffer = size_t{256} << 10;

[[noreturn]] void fail(const std::filesystem::path& path, const char* got) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[kg] '{}' cannot be unpacked; got {}, expected a whole file; try "
                          "downloading it again",
                          path.string(), got));
}

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(const std::filesystem::path& path)
      : path_(path), file_(path, std::ios::binary) {
    if (!file_) {
      throw Error(
          ErrorCode::kNotFound,
          fmt::format("[kg] '{}' cannot be read; expected a file of triples", path.string()));
    }
    size_ = std::filesystem::file_size(path);
  }
  size_t read(char* buffer, size_t size) override {
    file_.read(buffer, static_cast<std::streamsize>(size));
    if (file_.bad()) fail(path_, "a read error");
    const auto got = static_cast<size_t>(file_.gcount());
    read_ += got;
    return got;
  }
  uint64_t packed_read() const override { return read_; }
  uint64_t packed_size() const override { return size_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  uint64_t read_ = 0;
  uint64_t size_ = 0;
};

// What gzip and bzip2 share: input in pieces, and a new piece of packed data after an end.
class PackedStream : public ByteStream {
 public:
  explicit PackedStream(const std::filesystem::path& path) : file_(path), input_(kBuffer) {}

  size_t read(char* buffer, size_t size) override {
    size_t got = 0;
    while (got < size && !finished_) {
      if (left_ == 0) refill();
      const bool at_end = left_ == 0;
      if (at_end && !in_piece_) {
        finished_ = true;
        break;
      }
      if (!in_piece_) begin_piece();
      in_piece_ = true;
      bool ended = false;
      const size_t unpacked = unpack(buffer + got, size - got, &ended);
      if (at_end && unpacked == 0 && !ended) fail(file_.path(), "an end in the middle");
      got += unpacked;
      if (ended) in_piece_ = false;
    }
    return got;
  }
  uint64_t packed_read() const override { return file_.packed_read() - left_; }
  uint64_t packed_size() const override { return file_.packed_size(); }

 protected:
  virtual void begin_piece() = 0;
  // Moves next_ and left_ on; gives the bytes written.
  virtual size_t unpack(char* buffer, size_t size, bool* ended) = 0;
  const std::filesystem::path& path() const { return file_.path(); }

  char* next_ = nullptr;
  size_t left_ = 0;

 private:
  void refill() {
    left_ = file_.read(input_.data(), input_.size());
    next_ = input_.data();
  }

  PlainStream file_;
  std::vector<char> input_;
  bool in_piece_ = false;
  bool finished_ = false;
};

class GzipStream final : public PackedStream {
 public:
  explicit GzipStream(const std::filesystem::path& file) : PackedStream(file) {
    // 16: a gzip header is expected.
    if (inflateInit2(&state_, 15 + 16) != Z_OK) {
      throw Error(ErrorCode::kResourceExhausted, "[kg] zlib could not begin; try freeing memory");
    }
  }
  ~GzipStream() override { inflateEnd(&state_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 private:
  void begin_piece() override { inflateReset(&state_); }
  size_t unpack(char* buffer, size_t size, bool* ended) override {
    state_.next_in = reinterpret_cast<Bytef*>(next_);
    state_.avail_in = static_cast<uInt>(left_);
    state_.next_out = reinterpret_cast<Bytef*>(buffer);
    state_.avail_out = static_cast<uInt>(std::min(size, kBuffer));
    const uInt room = state_.avail_out;
    const int result = inflate(&state_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      fail(path(), "damaged gzip data");
    }
    next_ = reinterpret_cast<char*>(state_.next_in);
    left_ = state_.avail_in;
    *ended = result == Z_STREAM_END;
    return room - state_.avail_out;
  }

  z_stream state_{};
};

class BzipStream final : public PackedStream {
 public:
  explicit BzipStream(const std::filesystem::path& file) : PackedStream(file) {}
  ~BzipStream() override { close(); }
  BzipStream(const BzipStream&) = delete;
  BzipStream& operator=(const BzipStream&) = delete;

 private:
  void close() {
    if (open_) BZ2_bzDecompressEnd(&state_);
    open_ = false;
  }
  void begin_piece() override {
    close();
    state_ = {};
    if (BZ2_bzDecompressInit(&state_, 0, 0) != BZ_OK) {
      throw Error(ErrorCode::kResourceExhausted, "[kg] bzip2 could not begin; try freeing memory");
    }
    open_ = true;
  }
  size_t unpack(char* buffer, size_t size, bool* ended) override {
    state_.next_in = next_;
    state_.avail_in = static_cast<unsigned>(left_);
    state_.next_out = buffer;
    state_.avail_out = static_cast<unsigned>(std::min(size, kBuffer));
    const unsigned room = state_.avail_out;
    const int result = BZ2_bzDecompress(&state_);
    if (result != BZ_OK && result != BZ_STREAM_END) fail(path(), "damaged bzip2 data");
    next_ = state_.next_in;
    left_ = state_.avail_in;
    *ended = result == BZ_STREAM_END;
    return room - state_.avail_out;
  }

  bz_stream state_{};
  bool open_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw Error(
        ErrorCode::kNotFound,
        fmt::format("[kg] '{}' is no file; expected N-Triples or Turtle, plain, .gz or .bz2",
                    path.string()));
  }
  char first[3] = {};
  std::ifstream(path, std::ios::binary).read(first, sizeof first);
  if (std::memcmp(first, "\x1f\x8b", 2) == 0) return std::make_unique<GzipStream>(path);
  if (std::memcmp(first, "BZh", 3) == 0) return std::make_unique<BzipStream>(path);
  return std::make_unique<PlainStream>(path);
}

}  // namespace ondol::ground
