#include "text/bpe_tokenizer.h"

#include <array>
#include <cstring>

#include "text/bpe.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_special.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr TokenId kNoToken = ByteTrie::kNoToken;
constexpr char32_t kFirstStandIn = 0x100;

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct ByteMap {
  std::array<char32_t, 256> code_of{};
  std::array<int16_t, 0x180> byte_of{};  // -1: no byte
};

constexpr ByteMap make_byte_map() {
  ByteMap map;
  map.byte_of.fill(-1);
  char32_t stand_in = kFirstStandIn;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t code = stands_for_itself(byte) ? byte : stand_in++;
    map.code_of[byte] = code;
    map.byte_of[code] = static_cast<int16_t>(byte);
  }
  return map;
}
constexpr ByteMap kByteMap = make_byte_map();

// Remembers the ids of short pieces during one call: text repeats its words. Direct-mapped, so that
// no text can make it slow or large.
class PieceCache {
 public:
  static constexpr size_t kPieceMax = 22;
  static constexpr size_t kIdsMax = 8;

  explicit PieceCache(size_t text_bytes) : entries_(text_bytes < kUsefulBytes ? 0 : kEntries) {}

  struct Entry {
    std::array<TokenId, kIdsMax> ids;
    uint8_t id_count;
    uint8_t bytes = 0;  // 0: free
    std::array<char, kPieceMax> piece;
  };

  // The entry of `piece`; what it holds is another piece unless holds() says so. Null: not cached.
  Entry* entry(std::string_view piece) {
    if (entries_.empty() || piece.size() > kPieceMax) return nullptr;
    uint64_t hash = piece.size();
    for (const char c : piece) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    return &entries_[(hash ^ hash >> 29) & (kEntries - 1)];
  }
  static bool holds(const Entry& entry, std::string_view piece) {
    return entry.bytes == piece.size() &&
           std::memcmp(entry.piece.data(), piece.data(), piece.size()) == 0;
  }
  static void store(Entry& entry, std::string_view piece, std::span<const TokenId> ids) {
    if (ids.size() > kIdsMax) return;
    std::memcpy(entry.piece.data(), piece.data(), piece.size());
    std::copy(ids.begin(), ids.end(), entry.ids.begin());
    entry.bytes = static_cast<uint8_t>(piece.size());
    entry.id_count = static_cast<uint8_t>(ids.size());
  }

 private:
  static constexpr size_t kEntries = 8192;
  static constexpr size_t kUsefulBytes = 4096;  // shorter texts do not repay the table
  std::vector<Entry> entries_;
};

class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(TokenizerConfig config)
      : Tokenizer(std::move(config)),
        pre_(pre_tokenizer_by_name(this->config().pre_tokenizer)),
        merges_([this](std::string_view piece) { return find_text(piece); }, this->config().merges),
        special_(this->config()) {
    for (unsigned byte = 0; byte < 256; ++byte) {
      byte_ids_[byte] = find_text(byte_piece(static_cast<unsigned char>(byte))).value_or(kNoToken);
    }
    offsets_.reserve(vocab_size() + 1);
    for (size_t i = 0; i < vocab_size(); ++i) {
      offsets_.push_back(bytes_.size());
      const auto id = static_cast<TokenId>(i);
      bytes_ += is_added(id) ? piece(id) : piece_bytes(piece(id));
    }
    offsets_.push_back(bytes_.size());
  }

  using Tokenizer::encode;
  std::vector<TokenId> encode(std::span<const TextSpan> spans,
                              const EncodeOptions& options) const override;
  std::string decode(std::span<const TokenId> ids, bool show_special) const override;
  std::string token_bytes(TokenId id) const override {
    return is_control(id) ? std::string() : std::string(bytes_of(id));
  }

 private:
  // Added tokens are stored as text; all others in the characters that stand for bytes.
  bool is_added(TokenId id) const {
    if (config().types.empty()) return false;
    const TokenType type = config().types[static_cast<size_t>(id)];
    return type == TokenType::kControl || type == TokenType::kUserDefined ||
           type == TokenType::kUnused;
  }
  // A piece that plain text may become: no merge may end in a control token.
  std::optional<TokenId> find_text(std::string_view stored) const {
    const auto id = find(stored);
    return id && !is_control(*id) ? id : std::nullopt;
  }
  std::string_view bytes_of(TokenId id) const {
    const auto i = static_cast<size_t>(id);
    return std::string_view(bytes_).substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }
  void encode_text(std::string_view text, PieceCache& cache, std::vector<TokenId>& out,
                   size_t& dropped) const;
  void encode_piece(std::string_view text, std::vector<TokenId>& ids, size_t& dropped) const;

  PreTokenizer pre_;
  BpeMerges merges_;
  SpecialTokens special_;
  std::array<TokenId, 256> byte_ids_{};
  std::string bytes_;  // of all tokens, joined
  std::vector<size_t> offsets_;
};

std::vector<TokenId> BpeTokenizer::encode(std::span<const TextSpan> spans,
                                          const EncodeOptions& options) const {
  const MarkedText marked(spans);
  std::vector<TokenId> out;
  out.reserve(marked.text.size() / 4 + 2);
  PieceCache cache(marked.text.size());
  size_t dropped = 0;
  if (options.add_special && config().add_bos) out.push_back(*first_token());
  for (const Segment& segment : special_.split(marked)) {
    if (segment.token != kNoToken) {
      out.push_back(segment.token);
    } else if (config().normalize_nfc) {
      encode_text(nfc_utf8(segment.text), cache, out, dropped);
    } else {
      encode_text(segment.text, cache, out, dropped);
    }
  }
  if (options.add_special && config().add_eos) out.push_back(*last_token());
  if (options.bytes_dropped != nullptr) *options.bytes_dropped += dropped;
  return out;
}

void BpeTokenizer::encode_text(std::string_view text, PieceCache& cache, std::vector<TokenId>& out,
                               size_t& dropped) const {
  std::vector<TokenId> ids;
  for (size_t at = 0; at < text.size();) {
    const size_t end = next_piece(pre_, text, at);
    const std::string_view piece_text = text.substr(at, end - at);
    at = end;
    PieceCache::Entry* entry = cache.entry(piece_text);
    if (entry != nullptr && PieceCache::holds(*entry, piece_text)) {
      out.insert(out.end(), entry->ids.begin(), entry->ids.begin() + entry->id_count);
      continue;
    }
    const size_t dropped_before = dropped;
    encode_piece(piece_text, ids, dropped);
    // A piece with a byte that has no token is counted each time, so it is not remembered.
    if (entry != nullptr && dropped == dropped_before) PieceCache::store(*entry, piece_text, ids);
    out.insert(out.end(), ids.begin(), ids.end());
  }
}

void BpeTokenizer::encode_piece(std::string_view text, std::vector<TokenId>& ids,
                                size_t& dropped) const {
  ids.clear();
  if (config().ignore_merges) {
    std::string stored;
    for (const char c : text) append_utf8(stored, kByteMap.code_of[static_cast<unsigned char>(c)]);
    const auto whole = find(stored);
    if (whole && !is_added(*whole)) {
      ids.push_back(*whole);
      return;
    }
  }
  for (const char c : text) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(c)];
    if (id == kNoToken) {
      ++dropped;
    } else {
      ids.push_back(id);
    }
  }
  merges_.apply(ids, nullptr);
}

std::string BpeTokenizer::decode(std::span<const TokenId> ids, bool show_special) const {
  std::string out;
  for (const TokenId id : ids) {
    if (show_special || !is_control(id)) out += bytes_of(id);
  }
  return out;
}

}  // namespace

std::string byte_piece(unsigned char byte) {
  std::string out;
  append_utf8(out, kByteMap.code_of[byte]);
  return out;
}

std::string piece_bytes(std::string_view piece) {
  std::string out;
  for (size_t at = 0; at < piece.size();) {
    const Utf8Char c = read_utf8(piece, at);
    const int byte = c.code < kByteMap.byte_of.size() ? kByteMap.byte_of[c.code] : -1;
    if (byte >= 0) {
      out.push_back(static_cast<char>(byte));
    } else {
      out += piece.substr(at, c.size);
    }
    at += c.size;
  }
  return out;
}

std::unique_ptr<Tokenizer> make_bpe_tokenizer(TokenizerConfig config) {
  return std::make_unique<BpeTokenizer>(std::move(config));
}

}  // namespace ondol::text
