#include "train/masked.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "ops/activation.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "train/states.h"

namespace ondol::train {
namespace {

constexpr float kEpsilon = 1e-12F;  // BERT's layer_norm_eps

// Tokens of an example that may be hidden.
int64_t candidates(std::span<const uint8_t> loss) {
  return std::ranges::count_if(loss, [](uint8_t learned) { return learned != 0; });
}

// How many of them are: as BERT's own data, a fixed number of each text.
int64_t hidden_tokens(std::span<const uint8_t> loss, double probability) {
  const int64_t count = candidates(loss);
  if (count == 0) return 0;
  const auto wanted = static_cast<int64_t>(std::lround(probability * static_cast<double>(count)));
  return std::clamp<int64_t>(wanted, 1, count);
}

Tensor constant(int64_t size, float value) {
  Tensor tensor = Tensor::zeros(DType::kF32, {size});
  std::fill_n(tensor.data(), size, value);
  return tensor;
}

}  // namespace

MaskedHead::MaskedHead(int64_t width, uint64_t seed, ThreadPool& pool)
    : dense_(width, width, seed, 0x6d61736b, pool),
      bias_(constant(width, 0)),
      norm_weight_(constant(width, 1)),
      norm_bias_(constant(width, 0)) {}

Tensor MaskedHead::forward(const ops::Context& context, const Tensor& states) const {
  Tensor out;
  const ops::LinearPart part{.weight = &dense_.matrix, .bias = &bias_, .out = &out};
  ops::linear(context, states, {&part, 1});
  ops::gelu(context, out);
  ops::layer_norm(context, out, norm_weight_, norm_bias_, kEpsilon, out);
  return out;
}

std::vector<Parameter> MaskedHead::parameters() {
  const std::string at = "cls.predictions.transform.";
  return {dense_.parameter(at + "dense.weight"),
          {.name = at + "dense.bias", .value = bias_, .decay = false},
          {.name = at + "LayerNorm.weight", .value = norm_weight_, .decay = false},
          {.name = at + "LayerNorm.bias", .value = norm_bias_, .decay = false}};
}

MaskedObjective::MaskedObjective(const Model& model, const MaskedConfig& config,
                                 std::span<const Parameter> parameters, const Adapter* adapter,
                                 MaskedHead& head, SftData train, SftData validation)
    : model_(model),
      config_(config),
      parameters_(parameters.begin(), parameters.end()),
      adapter_(adapter),
      head_(head),
      data_{std::move(train), std::move(validation)} {
  if (!(config.mlm_probability > 0 && config.mlm_probability < 1)) {
    throw Error(ErrorCode::kInvalidArgument, "[train] mlm_probability; got " +
                                                 std::to_string(config.mlm_probability) +
                                                 ", expected a share between 0 and 1");
  }
  for (Parameter& parameter : head.parameters()) parameters_.push_back(std::move(parameter));
}

int64_t MaskedObjective::weight(Split split, std::span<const uint32_t> examples) const {
  int64_t count = 0;
  for (const uint32_t example : examples) {
    count += hidden_tokens(of(split).examples.loss(example), config_.mlm_probability);
  }
  return count;
}

void MaskedObjective::begin_batch(int64_t step, int64_t micro_batch) {
  draw_ = (static_cast<uint64_t>(step) << 20 | static_cast<uint64_t>(micro_batch)) + 1;
}

void MaskedObjective::hide(Split split, uint32_t example, std::span<text::TokenId> ids,
                           std::span<int32_t> labels) const {
  const std::span<const uint8_t> learned = of(split).examples.loss(example);
  std::vector<size_t> places;
  for (size_t t = 0; t < learned.size(); ++t) {
    if (learned[t]) places.push_back(t);
  }
  const uint64_t draw = split == Split::kTrain ? draw_ : 0;
  Rng rng(config_.seed, draw * 0x9e3779b97f4a7c15ULL + example);
  const int64_t count = hidden_tokens(learned, config_.mlm_probability);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    std::swap(places[i], places[i + rng.below(places.size() - i)]);
    const size_t t = places[i];
    labels[t] = ids[t];
    const uint64_t way = rng.below(10);
    const auto piece = static_cast<text::TokenId>(rng.below(static_cast<uint64_t>(config_.pieces)));
    if (way < 8) ids[t] = config_.mask;
    if (way == 8) ids[t] = piece;
  }
}

ops::LossSum MaskedObjective::loss(const ops::Context& context, Split split,
                                   std::span<const uint32_t> examples,
                                   const ops::LossOptions& options) {
  PackedBatch batch = make_batch(of(split).examples, examples);
  std::ranges::fill(batch.labels, kIgnoredLabel);
  for (size_t s = 0; s < examples.size(); ++s) {
    const auto begin = static_cast<size_t>(batch.begins[s]);
    const auto size = static_cast<size_t>(batch.begins[s + 1]) - begin;
    hide(split, examples[s], std::span(batch.ids).subspan(begin, size),
         std::span(batch.labels).subspan(begin, size));
  }
  const Tensor states = token_states(model_, context, batch.ids, batch.begins, adapter_);
  return ops::linear_cross_entropy(context, head_.forward(context, states),
                                   model_.encoder->embedding(), batch.labels, options);
}

}  // namespace ondol::train
