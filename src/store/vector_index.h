// Exact nearest neighbours by dot product: an int8 scan of everything, then the best 4k again in
// f32. Right up to about 100,000 vectors (research/retrieval.md 5.4).
//
//   ExactVectorIndex index(embedder.id(), 384);
//   index.add(chunk_id, vector);
//   std::vector<Neighbor> best = index.search(query, 10);   // by score, ties by id
//
// A vector is quantised by itself: scale = max|x| / 127, codes = round(x / scale), products summed
// in int32 (exact), so the int8 score is scale_q * scale_v * dot. Memory: 5 bytes a dimension.
// search() is const and thread-safe; add() is not. Vectors of two embedders never meet: an index
// belongs to one, and callers ask the store for that embedder's vectors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ondol::store {

struct Neighbor {
  int64_t id = 0;
  double score = 0;  // dot product in f32
  bool operator==(const Neighbor&) const = default;
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  virtual const std::string& embedder_id() const = 0;
  virtual size_t size() const = 0;
  // Throws Error(kInvalidArgument) for another number of dimensions or a value that is not finite.
  virtual void add(int64_t id, std::span<const float> vector) = 0;
  virtual std::vector<Neighbor> search(std::span<const float> query, size_t k) const = 0;
};

class ExactVectorIndex final : public VectorIndex {
 public:
  ExactVectorIndex(std::string embedder_id, int64_t dimensions);
  const std::string& embedder_id() const override { return embedder_id_; }
  size_t size() const override { return ids_.size(); }
  void add(int64_t id, std::span<const float> vector) override;
  std::vector<Neighbor> search(std::span<const float> query, size_t k) const override;

 private:
  void check(std::span<const float> vector) const;

  std::string embedder_id_;
  size_t dimensions_;
  std::vector<int64_t> ids_;
  std::vector<int8_t> codes_;  // [size, dimensions]
  std::vector<float> scales_;
  std::vector<float> values_;  // [size, dimensions]
};

}  // namespace ondol::store
