#include "train/word2vec_eval.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/files.h"
#include "kernels/table.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

constexpr size_t kEvalBytesMax = size_t{64} << 20;

std::string lower(std::string_view word) {
  std::string out;
  for (size_t at = 0; at < word.size();) {
    const text::Utf8Char c = text::read_utf8(word, at);
    if (c.code == text::kInvalidUtf8) return std::string(word);
    text::append_utf8(out, text::simple_lower(c.code));
    at += c.size;
  }
  return out;
}

std::optional<size_t> look_up(const WordVectors& vectors, const std::string& word) {
  const std::optional<size_t> row = vectors.find(word);
  return row ? row : vectors.find(lower(word));
}

[[noreturn]] void fail(const std::filesystem::path& path, size_t line, const std::string& what) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[word2vec] {}:{}: {}", path.filename().string(), line, what));
}

std::vector<std::string> split(std::string_view line, std::string_view separators) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find_first_of(separators, at), line.size());
    if (end > at) parts.emplace_back(line.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// Calls body(line, number) for lines that have something on them.
template <class Body>
void for_lines(const std::filesystem::path& path, Body body) {
  const std::string text = read_file(path, kEvalBytesMax);
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number;
    if (!line.empty()) body(line, number);
    at = end + 1;
  }
}

std::vector<double> ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> out(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (size_t i = begin; i < end; ++i) out[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return out;
}

double cosine(std::span<const float> a, std::span<const float> b) {
  double product = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  return aa > 0 && bb > 0 ? product / std::sqrt(aa * bb) : 0;
}

bool better(const Neighbour& a, const Neighbour& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.row < b.row;
}

}  // namespace

double spearman(std::span<const double> a, std::span<const double> b) {
  ONDOL_ASSERT(a.size() == b.size());
  if (a.empty()) return std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = ranks(a), y = ranks(b);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  if (xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return xy / std::sqrt(xx * yy);
}

std::vector<WordPair> read_word_pairs(const std::filesystem::path& path) {
  std::vector<WordPair> pairs;
  for_lines(path, [&](std::string_view line, size_t number) {
    if (line.starts_with('#')) return;
    const std::vector<std::string> parts = split(line, "\t");
    double score = 0;
    if (parts.size() == 3) {
      const char* end = parts[2].data() + parts[2].size();
      const auto [at, error] = std::from_chars(parts[2].data(), end, score);
      if (error == std::errc{} && at == end && std::isfinite(score)) {
        pairs.push_back({parts[0], parts[1], score});
        return;
      }
    }
    fail(path, number, "expected two words and a number with tabs between them");
  });
  return pairs;
}

WordSimilarity evaluate_similarity(const WordVectors& vectors, std::span<const WordPair> pairs) {
  WordSimilarity result;
  std::vector<double> ours, people;
  for (const WordPair& pair : pairs) {
    const auto first = look_up(vectors, pair.first), second = look_up(vectors, pair.second);
    if (!first || !second) {
      ++result.unknown;
      continue;
    }
    ours.push_back(cosine(vectors.vector(*first), vectors.vector(*second)));
    people.push_back(pair.score);
  }
  result.pairs = ours.size();
  result.spearman = spearman(ours, people);
  return result;
}

std::vector<AnalogySection> read_analogies(const std::filesystem::path& path) {
  std::vector<AnalogySection> sections;
  for_lines(path, [&](std::string_view line, size_t number) {
    const std::vector<std::string> parts = split(line, " \t");
    if (parts.empty()) return;
    if (line.starts_with(':')) {
      const size_t name = std::min(line.find_first_not_of(": "), line.size());
      sections.push_back({std::string(line.substr(name)), {}});
      return;
    }
    if (sections.empty()) fail(path, number, "words before the first ': section' line");
    if (parts.size() != 4) {
      fail(path, number, fmt::format("got {} words, expected 4", parts.size()));
    }
    sections.back().rows.push_back({parts[0], parts[1], parts[2], parts[3]});
  });
  return sections;
}

WordNeighbours::WordNeighbours(const WordVectors& vectors, ThreadPool& pool, size_t restrict_vocab,
                               const KernelTable& kernels)
    : vectors_(vectors),
      pool_(pool),
      rows_(restrict_vocab == 0 ? vectors.size() : std::min(restrict_vocab, vectors.size())),
      kernels_(kernels),
      units_(rows_ * vectors.width()) {
  for (size_t row = 0; row < rows_; ++row) {
    const std::span<const float> from = vectors.vector(row);
    double square = 0;
    for (const float v : from) square += double{v} * v;
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    float* to = units_.data() + row * vectors.width();
    for (size_t i = 0; i < from.size(); ++i) to[i] = static_cast<float>(from[i] * scale);
  }
}

std::span<const float> WordNeighbours::unit(size_t row) const {
  return std::span(units_).subspan(row * vectors_.width(), vectors_.width());
}

std::vector<Neighbour> WordNeighbours::nearest_to(std::span<const float> query,
                                                  std::span<const size_t> without,
                                                  size_t count) const {
  std::vector<Neighbour> best;
  const auto width = static_cast<int64_t>(query.size());
  for (size_t row = 0; row < rows_; ++row) {
    const Neighbour one{row, kernels_.dot(query.data(), unit(row).data(), width)};
    if (best.size() == count && !better(one, best.back())) continue;
    if (std::find(without.begin(), without.end(), row) != without.end()) continue;
    if (best.size() == count) best.pop_back();
    best.insert(std::upper_bound(best.begin(), best.end(), one, better), one);
  }
  return best;
}

std::vector<Neighbour> WordNeighbours::nearest(const std::string& word, size_t count) const {
  const std::optional<size_t> row = look_up(vectors_, word);
  if (!row || *row >= rows_) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[word2vec] '{}' is not among the {} words looked at; try another "
                            "spelling or a lower min_count in training",
                            word, rows_));
  }
  if (count == 0) return {};
  const size_t without[] = {*row};
  return nearest_to(unit(*row), without, count);
}

void WordNeighbours::score(const AnalogySection& section, AnalogyScore& out) const {
  struct Question {
    size_t a, b, c, d;
  };
  std::vector<Question> questions;
  for (const Analogy& row : section.rows) {
    std::array<size_t, 4> found{};
    bool known = true;
    size_t next = 0;
    for (const std::string* word : {&row.a, &row.b, &row.c, &row.d}) {
      const auto at = look_up(vectors_, *word);
      known = known && at && *at < rows_;
      found[next++] = at.value_or(0);
    }
    if (known) questions.push_back({found[0], found[1], found[2], found[3]});
  }
  out.asked = questions.size();
  out.unknown = section.rows.size() - questions.size();
  std::vector<uint8_t> right(questions.size());
  pool_.parallel_for(static_cast<int64_t>(questions.size()), 1,
                     [&](int64_t begin, int64_t end, int) {
                       std::vector<float> query(vectors_.width());
                       for (int64_t i = begin; i < end; ++i) {
                         const Question& q = questions[static_cast<size_t>(i)];
                         const auto a = unit(q.a), b = unit(q.b), c = unit(q.c);
                         for (size_t k = 0; k < query.size(); ++k) query[k] = b[k] - a[k] + c[k];
                         const size_t without[] = {q.a, q.b, q.c};
                         const auto best = nearest_to(query, without, 1);
                         right[static_cast<size_t>(i)] = !best.empty() && best[0].row == q.d;
                       }
                     });
  for (const uint8_t one : right) out.correct += one;
}

AnalogyScores WordNeighbours::analogies(std::span<const AnalogySection> sections) const {
  AnalogyScores scores;
  scores.total.name = "total";
  for (const AnalogySection& section : sections) {
    AnalogyScore& out = scores.sections.emplace_back();
    out.name = section.name;
    score(section, out);
    scores.total.correct += out.correct;
    scores.total.asked += out.asked;
    scores.total.unknown += out.unknown;
  }
  return scores;
}

}  // namespace ondol::train
