#include "store/vector_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace ondol::store {
namespace {

// Rescored in f32: enough that a true neighbour is not lost to int8 rounding (research 5.4).
constexpr size_t kRescoreFactor = 4;

float quantize(std::span<const float> values, int8_t* codes) {
  float largest = 0;
  for (const float x : values) largest = std::max(largest, std::fabs(x));
  const float scale = largest / 127.0f;
  const float inverse = largest > 0 ? 127.0f / largest : 0;
  for (size_t i = 0; i < values.size(); ++i) {
    codes[i] = static_cast<int8_t>(std::lrintf(values[i] * inverse));
  }
  return scale;
}

int32_t dot_i8(const int8_t* a, const int8_t* b, size_t count) {
  int32_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    sum += static_cast<int16_t>(static_cast<int16_t>(a[i]) * static_cast<int16_t>(b[i]));
  }
  return sum;
}

double dot_f32(const float* a, const float* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

}  // namespace

ExactVectorIndex::ExactVectorIndex(std::string embedder_id, int64_t dimensions)
    : embedder_id_(std::move(embedder_id)), dimensions_(static_cast<size_t>(dimensions)) {
  // 127 * 127 * 100,000 still fits an int32 sum.
  if (dimensions < 1 || dimensions > 100000) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[vectors] got {} dimensions, expected 1 to 100000; try another "
                            "embedder",
                            dimensions));
  }
}

void ExactVectorIndex::check(std::span<const float> vector) const {
  if (vector.size() != dimensions_) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[vectors] wrong width; got {} dimensions, expected {} of embedder {}; "
                            "try ingesting again",
                            vector.size(), dimensions_, embedder_id_));
  }
  for (const float x : vector) {
    if (!std::isfinite(x)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[vectors] got {}, expected finite values; try another text", x));
    }
  }
}

void ExactVectorIndex::add(int64_t id, std::span<const float> vector) {
  check(vector);
  ids_.push_back(id);
  codes_.resize(codes_.size() + dimensions_);
  scales_.push_back(quantize(vector, codes_.data() + codes_.size() - dimensions_));
  values_.insert(values_.end(), vector.begin(), vector.end());
}

std::vector<Neighbor> ExactVectorIndex::search(std::span<const float> query, size_t k) const {
  check(query);
  std::vector<int8_t> codes(dimensions_);
  const float scale = quantize(query, codes.data());
  struct Candidate {
    float score;
    size_t row;
  };
  std::vector<Candidate> candidates(ids_.size());
  for (size_t row = 0; row < ids_.size(); ++row) {
    const int32_t sum = dot_i8(codes.data(), codes_.data() + row * dimensions_, dimensions_);
    candidates[row] = {scale * scales_[row] * static_cast<float>(sum), row};
  }
  const size_t kept = k > ids_.size() / kRescoreFactor ? ids_.size() : k * kRescoreFactor;
  const auto by_score = [&](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : ids_[a.row] < ids_[b.row];
  };
  std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                   candidates.end(), by_score);
  std::vector<Neighbor> best;
  best.reserve(kept);
  for (size_t i = 0; i < kept; ++i) {
    const size_t row = candidates[i].row;
    best.push_back(
        {ids_[row], dot_f32(query.data(), values_.data() + row * dimensions_, dimensions_)});
  }
  std::sort(best.begin(), best.end(), [](const Neighbor& a, const Neighbor& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  best.resize(std::min(k, best.size()));
  return best;
}

}  // namespace ondol::store
