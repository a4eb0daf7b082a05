#include "store/knowledge_graph.h"

#include <array>
#include <bit>
#include <cstring>

namespace ondol::store {
namespace {

// MurmurHash3's finaliser and multipliers (Appleby, public domain) over 8 bytes at a time.
constexpr uint64_t kFirst = 0x87c37b91114253d5ULL;
constexpr uint64_t kSecond = 0x4cf5ad432745937fULL;

uint64_t mixed(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdULL;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

uint64_t hashed(std::string_view bytes, uint64_t state) {
  const size_t size = bytes.size();
  while (!bytes.empty()) {
    std::array<unsigned char, 8> piece{};
    const size_t taken = std::min<size_t>(bytes.size(), piece.size());
    std::memcpy(piece.data(), bytes.data(), taken);
    uint64_t word = 0;
    for (size_t i = piece.size(); i-- > 0;) word = word << 8 | piece[i];  // any byte order
    state = std::rotl(state ^ mixed(word * kFirst), 27) * kSecond + 0x52dce729ULL;
    bytes.remove_prefix(taken);
  }
  return mixed(state ^ size);
}

}  // namespace

KgTermId kg_term_id(const KgTerm& term) {
  uint64_t state = hashed(term.text, static_cast<uint64_t>(term.kind) + 1);
  if (!term.language.empty()) state = hashed(term.language, state ^ kFirst);
  if (!term.datatype.empty()) state = hashed(term.datatype, state ^ kSecond);
  const auto id = static_cast<KgTermId>(state >> 1);
  return id == 0 ? 1 : id;
}

}  // namespace ondol::store
