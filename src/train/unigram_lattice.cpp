#include "train/unigram_lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/utf8.h"

namespace ondol::train {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

}  // namespace

UnigramModel::UnigramModel(std::vector<ScoredPiece> pieces) : pieces_(std::move(pieces)) {
  for (size_t id = 0; id < pieces_.size(); ++id) {
    trie_.insert(pieces_[id].piece, static_cast<text::TokenId>(id));
  }
  std::vector<double> scores;
  for (const ScoredPiece& piece : pieces_) scores.push_back(piece.score);
  set_scores(scores);
}

void UnigramModel::set_scores(const std::vector<double>& scores) {
  used_.assign(pieces_.size(), 1);
  double least = 0;
  for (size_t id = 0; id < pieces_.size(); ++id) {
    pieces_[id].score = scores[id];
    used_[id] = scores[id] == kNever ? 0 : 1;
    if (used_[id] != 0) least = std::min(least, scores[id]);
  }
  unknown_score_ = least - kUnknownPenalty;
}

void UnigramLattice::build(std::string_view word) {
  edges_.clear();
  for (size_t at = 0; at < word.size();) {
    const size_t char_end = at + text::read_utf8(word, at).size;
    model_.each_piece(word, at, char_end, [&](size_t end, int32_t id) {
      edges_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end), id});
    });
    at = char_end;
  }
}

double UnigramLattice::best(std::string_view word, std::vector<int32_t>& ids, int32_t without) {
  build(word);
  best_.assign(word.size() + 1, kNever);
  last_.resize(word.size() + 1);
  best_[0] = 0;
  for (const Edge& edge : edges_) {
    if (edge.id == without) continue;
    const double score = best_[edge.begin] + model_.score(edge.id);
    if (score > best_[edge.end]) {
      best_[edge.end] = score;
      last_[edge.end] = edge;
    }
  }
  ids.clear();
  if (best_.back() == kNever) return kNever;
  for (size_t end = word.size(); end > 0; end = last_[end].begin) ids.push_back(last_[end].id);
  std::reverse(ids.begin(), ids.end());
  return best_.back();
}

double UnigramLattice::expect(std::string_view word, double count, std::vector<double>& expected) {
  build(word);
  const size_t size = word.size();
  forward_.assign(size + 1, kNever);
  backward_.assign(size + 1, kNever);
  forward_[0] = 0;
  for (const Edge& edge : edges_) {
    forward_[edge.end] = log_add(forward_[edge.end], forward_[edge.begin] + model_.score(edge.id));
  }
  const double total = forward_[size];
  backward_[size] = 0;
  for (size_t i = edges_.size(); i-- > 0;) {
    const Edge& edge = edges_[i];
    const double onward = model_.score(edge.id) + backward_[edge.end];
    backward_[edge.begin] = log_add(backward_[edge.begin], onward);
    if (edge.id < 0) continue;
    expected[static_cast<size_t>(edge.id)] +=
        count * std::exp(forward_[edge.begin] + onward - total);
  }
  return total;
}

}  // namespace ondol::train
