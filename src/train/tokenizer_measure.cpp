#include "train/tokenizer_measure.h"

#include <algorithm>

#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

uint64_t words_between_spaces(std::string_view line, uint64_t& characters) {
  uint64_t words = 0;
  bool inside = false;
  for (size_t at = 0; at < line.size();) {
    const text::Utf8Char c = text::read_utf8(line, at);
    const bool white = text::is_white_space(c.code);
    words += !white && !inside ? 1 : 0;
    inside = !white;
    at += c.size;
    ++characters;
  }
  return words;
}

}  // namespace

TokenizerMeasure measure_tokenizer(const text::Tokenizer& tokenizer, const TextLines& texts,
                                   ThreadPool& pool) {
  constexpr int64_t kGrain = 64;
  const std::optional<text::TokenId> unknown = tokenizer.config().unk;
  std::vector<TokenizerMeasure> parts(static_cast<size_t>(pool.size()));
  const auto count = [&](int64_t begin, int64_t end, int thread) {
    TokenizerMeasure& part = parts[static_cast<size_t>(thread)];
    for (int64_t i = begin; i < end; ++i) {
      const std::string_view line = texts.lines[static_cast<size_t>(i)];
      const std::vector<text::TokenId> ids = tokenizer.encode(line, {});
      part.tokens += ids.size();
      if (unknown) {
        part.unknown += static_cast<uint64_t>(std::count(ids.begin(), ids.end(), *unknown));
      }
      part.bytes += line.size();
      part.words += words_between_spaces(line, part.characters);
    }
  };
  pool.parallel_for(static_cast<int64_t>(texts.lines.size()), kGrain, count);
  TokenizerMeasure all;
  for (const TokenizerMeasure& part : parts) {
    all.tokens += part.tokens;
    all.unknown += part.unknown;
    all.bytes += part.bytes;
    all.words += part.words;
    all.characters += part.characters;
  }
  return all;
}

}  // namespace ondol::train
