// The bytes of a file, unpacked as they are read: plain, .gz (zlib) and .bz2 (bzip2), several
// packed pieces in a row included, as parallel packers make them. What a file is, is seen by its
// first bytes, not by its name. Memory: two buffers of 256 KiB.
//
//   auto stream = open_byte_stream("latest-truthy.nt.bz2");
//   size_t got = stream->read(buffer, sizeof buffer);      // 0: the end
//   stream->packed_read() of stream->packed_size()         // for progress
//
// Errors: kNotFound, kCorruptData for packed data that is damaged or ends in the middle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace ondol::ground {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills at most `size` bytes; fewer only at the end, 0 after it.
  virtual size_t read(char* buffer, size_t size) = 0;
  virtual uint64_t packed_read() const = 0;
  virtual uint64_t packed_size() const = 0;
};

std::unique_ptr<ByteStream> open_byte_stream(const std::filesystem::path& path);

}  // namespace ondol::ground
