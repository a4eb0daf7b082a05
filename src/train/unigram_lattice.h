// The ways to write a word in pieces: the best one, and how often each piece is expected in all.
// Private to the training of Unigram.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer_trie.h"
#include "train/unigram_seeds.h"

namespace ondol::train {

// Pieces with a trie over them. A character without a piece counts as unknown, ten worse than the
// worst piece.
class UnigramModel {
 public:
  static constexpr double kUnknownPenalty = 10.0;
  explicit UnigramModel(std::vector<ScoredPiece> pieces);

  const std::vector<ScoredPiece>& pieces() const { return pieces_; }
  size_t size() const { return pieces_.size(); }
  // New scores of the same pieces; minus infinity takes a piece out of use.
  void set_scores(const std::vector<double>& scores);
  double unknown_score() const { return unknown_score_; }

  // Calls take(end, id, score) for every piece that begins at `at`; id -1: the unknown character.
  template <class Take>
  void each_piece(std::string_view word, size_t at, size_t char_end, Take take) const {
    bool single = false;
    text::ByteTrie::Node node = text::ByteTrie::kRoot;
    for (size_t end = at; end < word.size();) {
      node = trie_.child(node, word[end]);
      if (node == text::ByteTrie::kNone) break;
      ++end;
      const int32_t id = trie_.token(node);
      if (id == text::ByteTrie::kNoToken || !used_[static_cast<size_t>(id)]) continue;
      take(end, id);
      single = single || end == char_end;
    }
    if (!single) take(char_end, -1);
  }
  double score(int32_t id) const {
    return id < 0 ? unknown_score_ : pieces_[static_cast<size_t>(id)].score;
  }

 private:
  std::vector<ScoredPiece> pieces_;
  std::vector<uint8_t> used_;
  text::ByteTrie trie_;
  double unknown_score_ = 0;
};

// Scratch memory of one thread.
class UnigramLattice {
 public:
  explicit UnigramLattice(const UnigramModel& model) : model_(model) {}

  // The ids of the best path, first to last; -1: unknown. `without`: a piece that may not be used.
  double best(std::string_view word, std::vector<int32_t>& ids, int32_t without = -2);
  // Adds `count` times the expected occurrences of each piece; gives the log probability.
  double expect(std::string_view word, double count, std::vector<double>& expected);

 private:
  struct Edge {
    uint32_t begin, end;
    int32_t id;
  };
  void build(std::string_view word);

  const UnigramModel& model_;
  std::vector<Edge> edges_;  // by begin
  std::vector<double> forward_, backward_;
  std::vector<double> best_;
  std::vector<Edge> last_;
};

}  // namespace ondol::train
