// Optimizers against PyTorch and transformers (tools/golden/optimizers.py), Lion and the 8-bit map
// against their definitions.
#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"
#include "train/optimizers/dynamic_map.h"
#include "train/run_test_support.h"

namespace ondol::train::testing {
namespace {

using nlohmann::json;

const json& golden() {
  static const json kGolden =
      json::parse(read_file(ondol::testing::golden_dir() / "optimizers.json"));
  return kGolden;
}

Tensor golden_tensor(const json& values, const std::string& name) {
  const auto numbers = values.at(name).get<std::vector<float>>();
  return Tensor::from(numbers, golden()["shapes"][name].get<Shape>());
}

// Parameters and their gradients, in one order.
struct Trial {
  std::vector<Parameter> parameters;
  std::vector<Tensor> gradients;

  void take(const KernelContext& context, Optimizer& optimizer, double rate) {
    optimizer.step(context, parameters, gradients, rate);
  }
};

OptimizerConfig config_of(const json& row) {
  OptimizerConfig config{.name = row["name"]};
  const json& given = row["config"];
  config.weight_decay = given.value("weight_decay", 0.0);
  config.beta1 = given.value("beta1", config.beta1);
  if (given.contains("beta2")) config.beta2 = given["beta2"];
  config.epsilon = given.value("epsilon", config.epsilon);
  if (given.contains("momentum")) config.momentum = given["momentum"];
  config.nesterov = given.value("nesterov", true);
  config.muon_scale = given.value("muon_scale", config.muon_scale);
  return config;
}

void expect_near(const Trial& run, const json& want, const std::string& what) {
  for (const Parameter& parameter : run.parameters) {
    const auto numbers = want.at(parameter.name).get<std::vector<double>>();
    ASSERT_EQ(static_cast<int64_t>(numbers.size()), parameter.value.size());
    for (size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_NEAR(parameter.value.data()[i], numbers[i], 2e-6 * std::max(1.0, fabs(numbers[i])))
          << what << " " << parameter.name << " element " << i;
    }
  }
}

TEST(Optimizer, TenStepsAreThoseOfPyTorch) {
  ThreadPool pool(2);
  const KernelContext context{pool, best_kernels()};
  for (const json& row : golden()["optimizers"]) {
    Trial run;
    for (const auto& [name, values] : row["after"]["first"].items()) {
      run.parameters.push_back({name, golden_tensor(golden()["start"], name)});
    }
    const auto optimizer = make_optimizer(config_of(row), run.parameters);
    for (size_t step = 0; step < golden()["gradients"].size(); ++step) {
      run.gradients.clear();
      for (const Parameter& parameter : run.parameters) {
        run.gradients.push_back(golden_tensor(golden()["gradients"][step], parameter.name));
      }
      run.take(context, *optimizer, golden()["learning_rate"]);
      if (step == 0) expect_near(run, row["after"]["first"], row["name"].dump() + " first");
    }
    expect_near(run, row["after"]["last"], row["name"].dump() + " last");
    EXPECT_EQ(optimizer->steps(), 10);
  }
}

TEST(Optimizer, ClippingIsThatOfPyTorch) {
  ThreadPool pool(2);
  for (const json& row : golden()["clipping"]) {
    std::vector<Tensor> gradients;
    for (const auto& [name, values] : row["gradients"].items()) {
      gradients.push_back(golden_tensor(golden()["gradients"][2], name));
    }
    const double norm = clip_gradients({pool, best_kernels()}, gradients, row["max_norm"]);
    EXPECT_NEAR(norm, row["norm"].get<double>(), 1e-6);
    size_t i = 0;
    for (const auto& [name, values] : row["gradients"].items()) {
      const Tensor want = golden_tensor(row["gradients"], name), &got = gradients[i++];
      for (int64_t k = 0; k < got.size(); ++k) EXPECT_NEAR(got.data()[k], want.data()[k], 1e-6);
    }
  }
}

// A bias, an adapter's pair, an embedding and a matrix large enough for 8-bit states.
Trial random_run() {
  Trial run;
  run.parameters = {{"norm", random_tensor({33}, 1), false},
                    {"a.lora_A", random_tensor({16, 40}, 2)},
                    {"a.lora_B", random_tensor({40, 16}, 3), true, 16},
                    {"embed_tokens", random_tensor({50, 100}, 4)},
                    {"up_proj", random_tensor({96, 113}, 5)}};
  for (const Parameter& p : run.parameters)
    run.gradients.push_back(Tensor::zeros(DType::kF32, p.value.shape()));
  return run;
}

void draw_gradients(Trial& run, uint64_t step) {
  for (size_t i = 0; i < run.gradients.size(); ++i) {
    run.gradients[i] = random_tensor(run.gradients[i].shape(), 100 * step + i, 0.01);
  }
}

// Every optimizer: the same bits for every thread count, and a run that was saved and restored in
// the middle ends as one that was not.
TEST(Optimizer, SameBitsForEveryThreadCountAndAfterARestore) {
  for (const OptimizerRow& row : optimizer_rows()) {
    const OptimizerConfig config{
        .name = std::string(row.name), .weight_decay = 0.1, .momentum = 0.9};
    std::vector<Trial> ends;
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool(threads);
      const KernelContext context{pool, best_kernels()};
      Trial run = random_run();
      auto optimizer = make_optimizer(config, run.parameters);
      for (uint64_t step = 0; step < 6; ++step) {
        if (step == 3 && threads == 2) {
          std::vector<NamedTensor> saved;  // as a file would hold it: other memory
          for (const auto& [name, tensor] : optimizer->state()) {
            Tensor copy = Tensor::zeros(tensor.dtype(), tensor.shape());
            std::copy(tensor.bytes().begin(), tensor.bytes().end(), copy.data<std::byte>());
            saved.emplace_back(name, copy);
          }
          optimizer = make_optimizer(config, run.parameters);
          optimizer->restore(saved);
          EXPECT_EQ(optimizer->steps(), 3);
        }
        draw_gradients(run, step);
        clip_gradients(context, run.gradients, 0.5);
        run.take(context, *optimizer, 1e-3);
      }
      ends.push_back(std::move(run));
    }
    for (const Trial& run : ends) {
      for (size_t i = 0; i < run.parameters.size(); ++i) {
        EXPECT_TRUE(same_bytes(run.parameters[i].value, ends[0].parameters[i].value))
            << row.name << " " << run.parameters[i].name;
      }
    }
    EXPECT_FALSE(same_bytes(ends[0].parameters[4].value, random_run().parameters[4].value));
  }
}

TEST(Optimizer, LionFollowsItsDefinition) {
  ThreadPool pool(1);
  Trial run;
  run.parameters = {{"w", random_tensor({50}, 1), true, 2.0}};
  run.gradients = {Tensor()};
  std::vector<double> value(50), mean(50);
  for (size_t i = 0; i < 50; ++i) value[i] = run.parameters[0].value.data()[i];
  const auto optimizer = make_optimizer({.name = "lion", .weight_decay = 0.1}, run.parameters);
  for (uint64_t step = 0; step < 10; ++step) {
    run.gradients[0] = random_tensor({50}, 10 + step);
    run.take({pool, best_kernels()}, *optimizer, 0.01);
    for (size_t i = 0; i < 50; ++i) {
      const double g = run.gradients[0].data()[i], blend = 0.9 * mean[i] + 0.1 * g;
      value[i] -= 0.02 * (0.1 * value[i] + (blend > 0 ? 1 : -1));  // the rate counts twice
      mean[i] = 0.99 * mean[i] + 0.01 * g;
    }
  }
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_NEAR(run.parameters[0].value.data()[i], value[i], 1e-5) << i;
  }
}

// Muon's step of a hidden matrix has singular values near one; the rest takes AdamW's.
TEST(Optimizer, MuonLeavesVectorsAndEmbeddingsToAdamW) {
  ThreadPool pool(2);
  const KernelContext context{pool, best_kernels()};
  Trial muon = random_run(), adamw = random_run();
  const auto a = make_optimizer({.name = "muon"}, muon.parameters);
  const auto b = make_optimizer({.name = "adamw_torch"}, adamw.parameters);
  draw_gradients(muon, 1), draw_gradients(adamw, 1);
  muon.take(context, *a, 1e-3), adamw.take(context, *b, 1e-3);
  for (size_t i = 0; i < muon.parameters.size(); ++i) {
    const bool matrix = i == 1 || i == 2 || i == 4;
    EXPECT_EQ(same_bytes(muon.parameters[i].value, adamw.parameters[i].value), !matrix) << i;
  }
}

TEST(Optimizer, EightBitStatesFollowAdamW) {
  ThreadPool pool(1);
  const KernelContext context{pool, best_kernels()};
  Trial plain = random_run(), coded = random_run();
  const Trial start = random_run();
  const auto a = make_optimizer({.name = "adamw"}, plain.parameters);
  const auto b = make_optimizer({.name = "adamw_8bit"}, coded.parameters);
  for (uint64_t step = 0; step < 30; ++step) {
    draw_gradients(plain, step), draw_gradients(coded, step);
    plain.take(context, *a, 1e-3), coded.take(context, *b, 1e-3);
  }
  for (size_t i = 0; i < plain.parameters.size(); ++i) {
    double moved = 0, apart = 0;
    const float *p = plain.parameters[i].value.data(), *c = coded.parameters[i].value.data();
    const float* s = start.parameters[i].value.data();
    for (int64_t k = 0; k < plain.parameters[i].value.size(); ++k) {
      moved += std::pow(double{p[k]} - s[k], 2), apart += std::pow(double{p[k]} - c[k], 2);
    }
    if (i < 4) {
      EXPECT_EQ(apart, 0) << i;  // below 4096 elements, or an embedding
    } else {
      EXPECT_GT(apart, 0);
      EXPECT_LT(std::sqrt(apart / moved), 0.05);
    }
  }
  const size_t large = 96 * 113, blocks = (large + 255) / 256;
  const size_t small = 33 + 2 * 640 + 5000;
  EXPECT_EQ(a->bytes(), 8 * (small + large));
  EXPECT_EQ(b->bytes(), 8 * small + 2 * large + 8 * blocks);
}

TEST(DynamicMap, HasTheValuesOfItsDefinition) {
  for (const bool with_sign : {false, true}) {
    const DynamicMap map(with_sign);
    const auto values = map.values();
    ASSERT_TRUE(std::is_sorted(values.begin(), values.end()));
    EXPECT_EQ(std::adjacent_find(values.begin(), values.end()), values.end());
    EXPECT_EQ(values[255], 1.0F);
    EXPECT_EQ(values[with_sign ? 127 : 0], 0.0F);
    // Decade by decade: the first of one part (0.55), of two (0.325, 0.775).
    EXPECT_FLOAT_EQ(values[with_sign ? 128 : 1], with_sign ? 5.5e-7F : 3.25e-7F);
    EXPECT_FLOAT_EQ(values[with_sign ? 129 : 2], with_sign ? 3.25e-6F : 7.75e-7F);
    EXPECT_FLOAT_EQ(values[254], 1 - 0.45F / (with_sign ? 64 : 128));
    EXPECT_FLOAT_EQ(values[0], with_sign ? -values[254] : 0);
    Rng rng(3);
    for (int i = 0; i < 200000; ++i) {
      const double size = std::pow(10.0, -8 * rng.uniform());
      const auto x = static_cast<float>(with_sign && i % 2 ? -size : size);
      const float got = values[map.nearest(x)];
      const auto above = std::lower_bound(values.begin(), values.end(), x);
      float best = INFINITY;
      if (above != values.end()) best = std::abs(*above - x);
      if (above != values.begin()) best = std::min(best, std::abs(*(above - 1) - x));
      ASSERT_EQ(std::abs(got - x), best) << x;
    }
  }
}

TEST(DynamicMap, BlocksOfOddValues) {
  const DynamicMap with_sign(true), without(false);
  std::vector<uint8_t> codes(4);
  std::vector<float> back(4);
  const auto round_trip = [&](const DynamicMap& map, const std::vector<float>& x) {
    const float size = map.encode(x, codes.data());
    map.decode(codes, size, back.data());
    return size;
  };
  EXPECT_EQ(round_trip(with_sign, {0, 0, 0, 0}), 0);
  EXPECT_EQ(back, std::vector<float>(4, 0.0F));
  EXPECT_EQ(round_trip(with_sign, {-4, 4, 0, 1e-39F}), 4);
  EXPECT_NEAR(back[0], -4, 0.03);  // minus one is not among the values
  EXPECT_EQ(back[1], 4);
  EXPECT_EQ(back[2], 0);
  EXPECT_EQ(round_trip(with_sign, {1e-40F, 0, 0, 0}), 0);
  EXPECT_EQ(round_trip(without, {1, 1e-20F, 0, 0.5F}), 1);
  EXPECT_GT(back[1], 0);  // never zero
  EXPECT_EQ(back[2], 0);
  EXPECT_TRUE(std::isnan(round_trip(with_sign, {1, NAN, 0, 0})));
  EXPECT_TRUE(std::isnan(round_trip(without, {1, INFINITY, 0, 0})));
}

TEST(Optimizer, RefusesWhatCannotBe) {
  const auto made = [](OptimizerConfig config) {
    return refusal(ErrorCode::kInvalidArgument,
                   [&] { make_optimizer(config, random_run().parameters); });
  };
  EXPECT_NE(made({.name = "adamw_torc"}).find("'adamw_torch'"), std::string::npos);
  EXPECT_NE(made({.name = "lions"}).find("'lion'"), std::string::npos);
  EXPECT_NE(made({.beta1 = 1}).find("adam_beta1"), std::string::npos);
  EXPECT_NE(made({.beta2 = NAN}).find("adam_beta2"), std::string::npos);
  EXPECT_NE(made({.epsilon = -1}).find("adam_epsilon"), std::string::npos);
  EXPECT_NE(made({.weight_decay = INFINITY}).find("weight_decay"), std::string::npos);
  EXPECT_NE(made({.name = "sgd", .momentum = -0.5}).find("momentum"), std::string::npos);
  EXPECT_NE(made({.name = "muon", .muon_scale = "big"}).find("muon_scale"), std::string::npos);
  Trial twice = random_run();
  twice.parameters[1].name = "norm";
  EXPECT_NE(refusal(ErrorCode::kInvalidArgument, [&] { make_optimizer({}, twice.parameters); })
                .find("'norm'"),
            std::string::npos);
}

TEST(Optimizer, AStateThatDoesNotFitIsRefusedAndChangesNothing) {
  ThreadPool pool(1);
  Trial run = random_run();
  const auto optimizer = make_optimizer({}, run.parameters);
  draw_gradients(run, 1);
  run.take({pool, best_kernels()}, *optimizer, 1e-3);
  const auto restored = [&](std::vector<NamedTensor> state) {
    return refusal(ErrorCode::kCorruptData, [&] { optimizer->restore(state); });
  };
  const auto good = optimizer->state();
  auto bad = good;
  bad.pop_back();
  EXPECT_NE(restored(bad).find("up_proj.exp_avg_sq"), std::string::npos);
  bad = good;
  bad[1].second = Tensor::zeros(DType::kF32, {34});
  EXPECT_NE(restored(bad).find("norm.exp_avg"), std::string::npos);
  bad = good;
  bad.emplace_back("other.exp_avg", Tensor::zeros(DType::kF32, {1}));
  EXPECT_NE(restored(bad).find("other.exp_avg"), std::string::npos);
  EXPECT_NE(restored({}).find("'step'"), std::string::npos);
  const auto lion = make_optimizer({.name = "lion"}, run.parameters);
  EXPECT_NE(restored(lion->state()), "");
  EXPECT_EQ(optimizer->steps(), 1);
  EXPECT_EQ(restored(good), "");
}

TEST(Optimizer, ANormThatIsNotFiniteChangesNothing) {
  ThreadPool pool(2);
  for (const float bad : {NAN, INFINITY}) {
    std::vector<Tensor> gradients = {random_tensor({20000}, 1), random_tensor({3}, 2)};
    gradients[0].data()[15000] = bad;
    const Tensor before = random_tensor({3}, 2);
    EXPECT_FALSE(std::isfinite(clip_gradients({pool, best_kernels()}, gradients, 1)));
    EXPECT_TRUE(same_bytes(gradients[1], before));
  }
  std::vector<Tensor> none;
  EXPECT_EQ(clip_gradients({pool, best_kernels()}, none, 1), 0);
}

}  // namespace
}  // namespace ondol::train::testing
