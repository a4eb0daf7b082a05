#include "train/optimizer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/nearest.h"
#include "train/optimizers/optimizers.h"

namespace ondol::train {
namespace {

constexpr std::array kRows = {
    OptimizerRow{"adamw_torch", "AdamW: decoupled weight decay", &make_adamw},
    OptimizerRow{"adamw", "another name of adamw_torch", &make_adamw},
    OptimizerRow{"adamw_8bit", "AdamW with a state of two bytes a parameter", &make_adamw_8bit},
    OptimizerRow{"lion", "the sign of a momentum; state of four bytes a parameter", &make_lion},
    OptimizerRow{"sgd", "stochastic gradient descent, with momentum if asked for", &make_sgd},
    OptimizerRow{"adafactor", "second moments of rows and columns only", &make_adafactor},
    OptimizerRow{"muon", "orthogonalised momentum for matrices, AdamW for the rest", &make_muon},
};

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[optimizer] " + what);
}

void require(bool fine, const char* name, double got, const char* expected) {
  if (!fine)
    refuse(fmt::format("{} is out of its range; got {}, expected {}", name, got, expected));
}

void check(const OptimizerConfig& config) {
  const auto share = [](double x) { return x >= 0 && x < 1; };
  require(share(config.beta1), "adam_beta1", config.beta1, "0 <= x < 1");
  const double beta2 = config.beta2.value_or(0), momentum = config.momentum.value_or(0);
  require(share(beta2), "adam_beta2", beta2, "0 <= x < 1");
  require(share(momentum), "momentum", momentum, "0 <= x < 1");
  require(config.epsilon >= 0 && std::isfinite(config.epsilon), "adam_epsilon", config.epsilon,
          "a number >= 0");
  require(config.weight_decay >= 0 && std::isfinite(config.weight_decay), "weight_decay",
          config.weight_decay, "a number >= 0");
}

const OptimizerRow& row_of(std::string_view name) {
  std::vector<std::string_view> known;
  for (const OptimizerRow& row : kRows) {
    if (row.name == name) return row;
    known.push_back(row.name);
  }
  refuse(fmt::format("no optimizer '{}'; did you mean '{}'?", name, nearest_of(name, known)));
}

[[noreturn]] void corrupt(const std::string& name, const std::string& why) {
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[optimizer] the saved state does not fit: '{}' {}; try the settings and "
                          "the model the checkpoint was made with",
                          name, why));
}

const Tensor& saved(std::span<const NamedTensor> state, const std::string& name, DType dtype,
                    const Shape& shape) {
  for (const auto& [found, tensor] : state) {
    if (found != name) continue;
    if (tensor.dtype() != dtype || tensor.shape() != shape) {
      corrupt(name,
              fmt::format("is {} {}, expected {} {}", dtype_info(tensor.dtype()).name,
                          shape_text(tensor.shape()), dtype_info(dtype).name, shape_text(shape)));
    }
    return tensor;
  }
  corrupt(name, "is missing");
}

// In four sums side by side: additions need not wait for each other.
double sum_of_squares(std::span<const float> x) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += double{x[i + lane]} * x[i + lane];
  }
  for (; i < x.size(); ++i) sums[0] += double{x[i]} * x[i];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

}  // namespace

std::span<const OptimizerRow> optimizer_rows() { return kRows; }

bool is_vocabulary_matrix(std::string_view parameter) {
  for (const std::string_view part : {"embed", "lm_head", "token_embd", "output.weight"}) {
    // A head of GGUF is "output.weight" itself; "attn_output.weight" is a hidden matrix.
    const size_t at = parameter.find(part);
    if (at == std::string_view::npos) continue;
    if (part != "output.weight" || at == 0) return true;
  }
  return false;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          std::span<const Parameter> parameters) {
  check(config);
  auto optimizer = row_of(config.name).make(config);
  optimizer->weight_decay_ = config.weight_decay;
  std::set<std::string> names;
  for (const Parameter& parameter : parameters) {
    if (!names.insert(parameter.name).second) {
      refuse(fmt::format("two parameters are called '{}'", parameter.name));
    }
    Optimizer::Slot slot{parameter.name, parameter.value.shape(), {}};
    for (const auto& [name, dtype, shape] : optimizer->layout(slot.name, slot.shape)) {
      slot.tensors.emplace_back(parameter.name + "." + name, Tensor::zeros(dtype, shape));
    }
    optimizer->slots_.push_back(std::move(slot));
  }
  return optimizer;
}

void Optimizer::step(const KernelContext& context, std::span<Parameter> parameters,
                     std::span<const Tensor> gradients, double learning_rate) {
  ONDOL_ASSERT(parameters.size() == slots_.size() && gradients.size() == slots_.size());
  ++steps_;
  for (size_t i = 0; i < slots_.size(); ++i) {
    Parameter& parameter = parameters[i];
    ONDOL_ASSERT(parameter.name == slots_[i].name);
    ONDOL_ASSERT(parameter.value.shape() == slots_[i].shape);
    ONDOL_ASSERT(gradients[i].size() == parameter.value.size());
    update({context, parameter.value.data(), gradients[i].data(), parameter.value.size(),
            learning_rate * parameter.rate, parameter.decay ? weight_decay_ : 0.0, steps_,
            slots_[i]});
  }
}

std::vector<NamedTensor> Optimizer::state() const {
  Tensor step = Tensor::zeros(DType::kI64, {1});
  *step.data<int64_t>() = steps_;
  std::vector<NamedTensor> all = {{"step", step}};
  for (const Slot& slot : slots_) all.insert(all.end(), slot.tensors.begin(), slot.tensors.end());
  return all;
}

void Optimizer::restore(std::span<const NamedTensor> state) {
  const int64_t steps = *saved(state, "step", DType::kI64, {1}).data<int64_t>();
  if (steps < 0) corrupt("step", "is negative");
  size_t expected = 1;
  std::vector<std::pair<Tensor, const Tensor*>> copies;
  for (const Slot& slot : slots_) {
    for (const auto& [name, tensor] : slot.tensors) {
      copies.emplace_back(tensor, &saved(state, name, tensor.dtype(), tensor.shape()));
    }
    expected += slot.tensors.size();
  }
  for (const auto& [name, tensor] : state) {  // nothing that would silently be lost
    if (state.size() == expected) break;
    bool known = name == "step";
    for (const Slot& slot : slots_) {
      for (const auto& own : slot.tensors) known = known || own.first == name;
    }
    if (!known) corrupt(name, "belongs to no parameter of this run");
  }
  for (auto& [to, from] : copies) {
    if (to.data<std::byte>() == from->data<std::byte>()) continue;  // as state() gave it
    std::memcpy(to.data<std::byte>(), from->bytes().data(), from->bytes().size());
  }
  steps_ = steps;
}

size_t Optimizer::bytes() const {
  size_t sum = 0;
  for (const Slot& slot : slots_) {
    for (const auto& [name, tensor] : slot.tensors) sum += tensor.bytes().size();
  }
  return sum;
}

double clip_gradients(const KernelContext& context, std::span<Tensor> gradients, double max_norm) {
  constexpr int64_t kPiece = 4096;  // summed alone, then piece after piece
  double sum = 0;
  std::vector<double> pieces;
  for (const Tensor& gradient : gradients) {
    const int64_t count = gradient.size();
    const float* x = gradient.data();
    pieces.assign(static_cast<size_t>((count + kPiece - 1) / kPiece), 0);
    context.pool.parallel_for(
        static_cast<int64_t>(pieces.size()), 2, [&](int64_t begin, int64_t end, int) {
          for (int64_t piece = begin; piece < end; ++piece) {
            const int64_t first = piece * kPiece;
            pieces[static_cast<size_t>(piece)] =
                sum_of_squares({x + first, static_cast<size_t>(std::min(count - first, kPiece))});
          }
        });
    for (const double piece : pieces) sum += piece;
  }
  const double norm = std::sqrt(sum);
  const double factor = max_norm / (norm + 1e-6);
  if (!(max_norm > 0) || !std::isfinite(norm) || factor >= 1) return norm;
  const auto scale = static_cast<float>(factor);
  for (Tensor& gradient : gradients) {
    float* x = gradient.data();
    context.pool.parallel_for(gradient.size(), kGrain, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) x[i] *= scale;
    });
  }
  return norm;
}

}  // namespace ondol::train
