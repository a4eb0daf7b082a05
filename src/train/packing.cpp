#include "train/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::train {
namespace {

constexpr uint32_t kRounds = 10;
// Which permutation of an epoch: of examples, of packs.
constexpr uint64_t kExampleStream = 0;
constexpr uint64_t kPackStream = 1;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "[packing] " + message);
}

std::vector<uint32_t> order_of(size_t count, const PackOptions& options, uint64_t stream) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (!options.shuffle || count == 0) return order;
  const Permutation permutation(count, options.seed, stream);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(permutation(i));
  return order;
}

struct Open {
  int64_t room = 0;
  std::vector<uint32_t> examples;
};

// Room left -> packs with it, the oldest last.
std::vector<std::vector<uint32_t>> best_fit(std::span<const int64_t> lengths,
                                            std::vector<uint32_t> order,
                                            const PackOptions& options) {
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return lengths[a] > lengths[b]; });
  std::vector<Open> packs;
  std::map<int64_t, std::vector<size_t>> by_room;
  const auto examples_max =
      options.examples_max > 0 ? static_cast<size_t>(options.examples_max) : SIZE_MAX;
  for (const uint32_t example : order) {
    const int64_t length = lengths[example];
    const auto fitting = by_room.lower_bound(length);
    size_t index = packs.size();
    if (fitting == by_room.end()) {
      packs.push_back({options.tokens_max, {}});
    } else {
      index = fitting->second.back();
      fitting->second.pop_back();
      if (fitting->second.empty()) by_room.erase(fitting);
    }
    Open& pack = packs[index];
    pack.room -= length;
    pack.examples.push_back(example);
    if (pack.room > 0 && pack.examples.size() < examples_max) by_room[pack.room].push_back(index);
  }
  std::vector<std::vector<uint32_t>> out;
  out.reserve(packs.size());
  for (Open& pack : packs) out.push_back(std::move(pack.examples));
  return out;
}

std::vector<std::vector<uint32_t>> in_turn(const std::vector<uint32_t>& order, size_t size) {
  std::vector<std::vector<uint32_t>> packs;
  for (size_t at = 0; at < order.size(); at += size) {
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(at);
    packs.emplace_back(begin,
                       begin + static_cast<std::ptrdiff_t>(std::min(size, order.size() - at)));
  }
  return packs;
}

}  // namespace

// ---- the permutation ----

Permutation::Permutation(uint64_t size, uint64_t seed, uint64_t stream)
    : size_(size), seed_(seed), stream_(stream) {
  if (size == 0 || size > uint64_t{1} << 62) {
    fail(fmt::format("a permutation of {}; expected 1 to 2^62", size));
  }
  const auto bits = static_cast<uint32_t>(std::bit_width(size - 1));
  half_bits_ = std::max(1U, (bits + 1) / 2);
}

uint64_t Permutation::once(uint64_t value) const {
  const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
  uint64_t left = value >> half_bits_;
  uint64_t right = value & mask;
  for (uint32_t round = 0; round < kRounds; ++round) {
    const std::array<uint32_t, 4> words =
        philox4x32({static_cast<uint32_t>(right), round, static_cast<uint32_t>(stream_),
                    static_cast<uint32_t>(stream_ >> 32)},
                   {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    const uint64_t next = left ^ (words[0] & mask);
    left = right;
    right = next;
  }
  return left << half_bits_ | right;
}

uint64_t Permutation::operator()(uint64_t index) const {
  ONDOL_ASSERT(index < size_);
  uint64_t value = once(index);
  while (value >= size_) value = once(value);
  return value;
}

// ---- packs ----

Packs::Packs(std::span<const int64_t> lengths, const PackOptions& options, uint64_t epoch) {
  if (lengths.size() > UINT32_MAX) fail("more than 2^32 examples");
  if (options.packing ? options.tokens_max < 1 : options.examples_max < 1) {
    fail(options.packing ? "tokens_max is not set; expected the tokens of a pack"
                         : "examples_max is not set; expected the examples of a pack");
  }
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] < 1) fail(fmt::format("example {} is empty", i));
    if (options.packing && lengths[i] > options.tokens_max) {
      fail(fmt::format("example {} has {} tokens; a pack takes {}; try max_length {}", i,
                       lengths[i], options.tokens_max, options.tokens_max));
    }
  }
  std::vector<uint32_t> order = order_of(lengths.size(), options, epoch * 2 + kExampleStream);
  if (!options.packing) {
    keep(in_turn(order, static_cast<size_t>(options.examples_max)), options, epoch);
    return;
  }
  keep(best_fit(lengths, std::move(order), options), options, epoch);
  const int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  if (size() > 0) {
    fill_ = static_cast<double>(tokens) /
            (static_cast<double>(options.tokens_max) * static_cast<double>(size()));
  }
}

void Packs::keep(std::vector<std::vector<uint32_t>> packs, const PackOptions& options,
                 uint64_t epoch) {
  // Unpacked, the examples are shuffled already.
  PackOptions of_packs = options;
  of_packs.shuffle = options.shuffle && options.packing;
  for (const uint32_t index : order_of(packs.size(), of_packs, epoch * 2 + kPackStream)) {
    examples_.insert(examples_.end(), packs[index].begin(), packs[index].end());
    begins_.push_back(examples_.size());
  }
}

std::span<const uint32_t> Packs::pack(size_t index) const {
  return std::span(examples_).subspan(begins_.at(index), begins_.at(index + 1) - begins_[index]);
}

PackedBatch make_batch(const ExampleSet& examples, std::span<const uint32_t> pack) {
  PackedBatch batch;
  batch.begins.push_back(0);
  for (const uint32_t index : pack) {
    const auto ids = examples.ids(index);
    const auto loss = examples.loss(index);
    for (size_t t = 0; t < ids.size(); ++t) {
      const bool learned = t + 1 < ids.size() && loss[t + 1];
      batch.ids.push_back(ids[t]);
      batch.positions.push_back(static_cast<int32_t>(t));
      batch.labels.push_back(learned ? ids[t + 1] : kIgnoredLabel);
      batch.targets += learned ? 1 : 0;
    }
    batch.begins.push_back(static_cast<int64_t>(batch.ids.size()));
    batch.examples.push_back(index);
  }
  return batch;
}

}  // namespace ondol::train
