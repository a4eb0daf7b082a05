#include "ground/kg/byte_stream.h"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"
#include "ground/kg/kg_test_support.h"

namespace ondol::ground::testing {

std::string gzipped(const std::string& content) {
  z_stream state{};
  deflateInit2(&state, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&state, content.size()), '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  state.avail_in = static_cast<uInt>(content.size());
  state.next_out = reinterpret_cast<Bytef*>(out.data());
  state.avail_out = static_cast<uInt>(out.size());
  deflate(&state, Z_FINISH);
  out.resize(state.total_out);
  deflateEnd(&state);
  return out;
}

std::string bzipped(const std::string& content) {
  auto size = static_cast<unsigned>(content.size() + content.size() / 100 + 600);
  std::string out(size, '\0');
  BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(content.data()),
                           static_cast<unsigned>(content.size()), 1, 0, 0);
  out.resize(size);
  return out;
}

}  // namespace ondol::ground::testing

namespace ondol::ground {
namespace {

using testing::put;
using testing::TempFolder;

TEST(ByteStream, UnpacksWhateverItIsCalled) {
  const TempFolder folder;
  std::string content;
  for (int i = 0; i < 50000; ++i) content += "<a:s> <a:p> \"" + std::to_string(i) + "\" .\n";
  const std::string rows[] = {
      content, testing::gzipped(content), testing::bzipped(content),
      testing::gzipped(content.substr(0, 9)) + testing::gzipped(content.substr(9)),
      testing::bzipped(content.substr(0, 9)) + testing::bzipped(content.substr(9))};
  for (const std::string& packed : rows) {
    const auto stream = open_byte_stream(put(folder, "data", packed));
    std::string out, piece(777, '\0');
    while (const size_t got = stream->read(piece.data(), piece.size())) out.append(piece, 0, got);
    EXPECT_TRUE(out == content);
    EXPECT_EQ(stream->packed_read(), packed.size());
    EXPECT_EQ(stream->packed_size(), packed.size());
  }
}

TEST(ByteStream, CutAndDamagedFilesAreErrors) {
  const TempFolder folder;
  std::string content;
  for (int i = 0; i < 5000; ++i) content += std::to_string(i * 7919) + "\n";
  for (const std::string& whole : {testing::gzipped(content), testing::bzipped(content)}) {
    std::string damaged = whole;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    for (const std::string& broken :
         {whole.substr(0, whole.size() - 1), whole.substr(0, whole.size() / 2), whole.substr(0, 5),
          damaged, whole + "tail"}) {
      const auto stream = open_byte_stream(put(folder, "data", broken));
      std::string piece(1 << 20, '\0');
      EXPECT_THROW(while (stream->read(piece.data(), piece.size()) > 0){}, Error);
    }
  }
  EXPECT_THROW(open_byte_stream(folder.path() / "none"), Error);
  EXPECT_THROW(open_byte_stream(folder.path()), Error);
}

}  // namespace
}  // namespace ondol::ground
