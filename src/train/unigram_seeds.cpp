#include "train/unigram_seeds.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "text/utf8.h"

namespace ondol::train {
namespace {

// All words one after another, each ended by code 0.
struct FlatText {
  std::vector<char32_t> codes;
  std::vector<uint32_t> word_of;  // by position
};

FlatText flatten(const WordCounts& words, const std::u32string& sorted_alphabet) {
  FlatText flat;
  for (size_t w = 0; w < words.size(); ++w) {
    const std::string& word = words[w].word;
    for (size_t at = 0; at < word.size();) {
      const text::Utf8Char c = text::read_utf8(word, at);
      at += c.size;
      const bool kept = std::binary_search(sorted_alphabet.begin(), sorted_alphabet.end(), c.code);
      flat.codes.push_back(kept ? c.code : 0);
      flat.word_of.push_back(static_cast<uint32_t>(w));
    }
    flat.codes.push_back(0);
    flat.word_of.push_back(static_cast<uint32_t>(w));
  }
  return flat;
}

class SeedFinder {
 public:
  SeedFinder(const FlatText& flat, const WordCounts& words, size_t length_max)
      : flat_(flat), words_(words), length_max_(length_max) {}

  struct Seed {
    uint32_t at;
    uint32_t length;  // characters
    uint64_t count;   // of the words it stands in, once for each place
    uint64_t places;  // in distinct words
  };
  std::vector<Seed> find();

 private:
  // Characters of the suffix from `at`, at most length_max_.
  size_t length_at(uint32_t at) const {
    size_t length = 0;
    while (length < length_max_ && flat_.codes[at + length] != 0) ++length;
    return length;
  }
  size_t common(uint32_t a, uint32_t b) const {
    size_t length = 0;
    while (length < length_max_ && flat_.codes[a + length] != 0 &&
           flat_.codes[a + length] == flat_.codes[b + length]) {
      ++length;
    }
    return length;
  }
  std::vector<uint32_t> sorted_suffixes() const;
  uint64_t count_at(uint32_t at) const { return words_[flat_.word_of[at]].count; }

  const FlatText& flat_;
  const WordCounts& words_;
  size_t length_max_;
};

std::vector<uint32_t> SeedFinder::sorted_suffixes() const {
  std::vector<uint32_t> order;
  order.reserve(flat_.codes.size());
  for (uint32_t i = 0; i < flat_.codes.size(); ++i) {
    if (flat_.codes[i] != 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
    for (size_t i = 0; i < length_max_; ++i) {
      const char32_t x = flat_.codes[a + i];
      const char32_t y = flat_.codes[b + i];
      if (x != y) return x < y;
      if (x == 0) break;
    }
    return a < b;
  });
  return order;
}

// Walks the suffixes in order with a stack of open repeats, each longer than the one below.
std::vector<SeedFinder::Seed> SeedFinder::find() {
  const std::vector<uint32_t> order = sorted_suffixes();
  std::vector<Seed> seeds;
  std::vector<Seed> open;
  const auto close = [&](size_t length) {
    Seed inner = {};
    while (!open.empty() && open.back().length > length) {
      Seed seed = open.back();
      open.pop_back();
      seed.count += inner.count;
      seed.places += inner.places;
      inner = seed;
      if (seed.length >= 2 && seed.places >= 2) seeds.push_back(seed);
    }
    return inner;
  };
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t at = order[i];
    const size_t before = i == 0 ? 0 : common(order[i - 1], at);
    // What was repeated longer than this ends here; its occurrences belong to what goes on.
    const Seed inner = close(before);
    if (before > 0 && (open.empty() || open.back().length < before)) {
      open.push_back({at, static_cast<uint32_t>(before), inner.count, inner.places});
    } else if (!open.empty()) {
      open.back().count += inner.count;
      open.back().places += inner.places;
    }
    const size_t whole = length_at(at);
    if (open.empty() || open.back().length < whole) {
      open.push_back({at, static_cast<uint32_t>(whole), count_at(at), 1});
    } else {
      open.back().count += count_at(at);
      ++open.back().places;
    }
  }
  close(0);
  return seeds;
}

std::string text_at(const FlatText& flat, const SeedFinder::Seed& seed) {
  std::string out;
  for (size_t i = 0; i < seed.length; ++i) text::append_utf8(out, flat.codes[seed.at + i]);
  return out;
}

std::unordered_map<char32_t, uint64_t> count_characters(const WordCounts& words) {
  std::unordered_map<char32_t, uint64_t> counts;
  for (const WordCount& word : words) {
    for (size_t at = 0; at < word.word.size();) {
      const text::Utf8Char c = text::read_utf8(word.word, at);
      // 0 parts words, and bytes that are no character have no piece.
      if (c.code != 0 && c.code != text::kInvalidUtf8) counts[c.code] += word.count;
      at += c.size;
    }
  }
  return counts;
}

}  // namespace

std::u32string alphabet_of(const WordCounts& words, size_t limit) {
  const auto counts = count_characters(words);
  std::vector<std::pair<uint64_t, char32_t>> rows;
  for (const auto& [code, count] : counts) rows.emplace_back(count, code);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (limit > 0 && rows.size() > limit) rows.resize(limit);
  std::u32string out;
  for (const auto& row : rows) out.push_back(row.second);
  return out;
}

std::vector<ScoredPiece> seed_pieces(const WordCounts& words, const std::u32string& alphabet,
                                     const SeedSettings& settings) {
  std::u32string sorted = alphabet;
  std::sort(sorted.begin(), sorted.end());
  const FlatText flat = flatten(words, sorted);
  std::vector<SeedFinder::Seed> seeds = SeedFinder(flat, words, settings.max_piece_length).find();
  const auto weight = [](const SeedFinder::Seed& seed) { return seed.count * seed.length; };
  std::sort(seeds.begin(), seeds.end(), [&](const auto& a, const auto& b) {
    return weight(a) != weight(b) ? weight(a) > weight(b) : text_at(flat, a) < text_at(flat, b);
  });
  const auto characters = count_characters(words);
  std::vector<ScoredPiece> pieces;
  for (const char32_t code : alphabet) {
    std::string piece;
    text::append_utf8(piece, code);
    pieces.push_back({std::move(piece), static_cast<double>(characters.at(code))});
  }
  for (const SeedFinder::Seed& seed : seeds) {
    if (pieces.size() >= settings.seed_size) break;
    pieces.push_back({text_at(flat, seed), static_cast<double>(weight(seed))});
  }
  double sum = 0;
  for (const ScoredPiece& piece : pieces) sum += piece.score;
  for (ScoredPiece& piece : pieces) piece.score = std::log(piece.score / sum);
  return pieces;
}

}  // namespace ondol::train
