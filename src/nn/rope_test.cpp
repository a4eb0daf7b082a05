#include "nn/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace ondol::nn {
namespace {

RopeConfig config_of(double base, int64_t width) {
  RopeConfig config;
  config.base = base;
  config.rotary_width = width;
  return config;
}

TEST(Rope, FrequenciesFallGeometrically) {
  const Rope rope(config_of(10000, 8));
  const std::vector<float> expected = {1.0F, 0.1F, 0.01F, 0.001F};
  ASSERT_EQ(rope.frequencies().size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(rope.frequencies()[i] / expected[i], 1, 1e-6);
  }
}

TEST(Rope, RowsFollowEachSequencesPositions) {
  const Rope rope(config_of(10000, 4));
  SequenceBatch batch;
  batch.sequences = {{0, 2, 5, {}}, {2, 3, 0, {}}};
  const ops::RopeRows rows = rope.rows(batch);
  const int64_t positions[] = {5, 6, 0};
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 2; ++i) {
      const double angle =
          static_cast<double>(positions[t]) * std::pow(10000, -0.5 * static_cast<double>(i));
      EXPECT_NEAR(rows.cosines.row(t)[i], std::cos(angle), 1e-6);
      EXPECT_NEAR(rows.sines.row(t)[i], std::sin(angle), 1e-6);
    }
  }
}

// Wavelengths 2 pi / f against the bands 64/4 = 16 and 64/1 = 64 of an original context of 64.
TEST(Rope, Llama3ScalingKeepsHighFrequenciesAndSlowsLowOnes) {
  RopeConfig config = config_of(10000, 8);
  const Rope plain(config);
  config.llama3 = {
      .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_context = 64};
  const Rope scaled(config);
  EXPECT_EQ(scaled.frequencies()[0], plain.frequencies()[0]);         // wavelength 6.3
  const double smooth = (64 / (2 * std::numbers::pi / 0.1) - 1) / 3;  // wavelength 62.8
  EXPECT_NEAR(scaled.frequencies()[1], (1 - smooth) * 0.1 / 8 + smooth * 0.1, 1e-7);
  EXPECT_EQ(scaled.frequencies()[2], plain.frequencies()[2] / 8);
  EXPECT_EQ(scaled.frequencies()[3], plain.frequencies()[3] / 8);
}

TEST(Rope, FactorsDivideFrequenciesAndMustBeOneAPair) {
  RopeConfig config = config_of(10000, 4);
  config.frequency_factors = {2, 4};
  const Rope rope(config);
  EXPECT_EQ(rope.frequencies()[0], 0.5F);
  EXPECT_NEAR(rope.frequencies()[1], 0.0025F, 1e-8);
  config.frequency_factors = {2};
  EXPECT_THROW(Rope{config}, Error);
}

TEST(Rope, NoRotaryWidthMeansNoRows) {
  SequenceBatch batch;
  batch.sequences = {{0, 2, 0, {}}};
  EXPECT_FALSE(Rope(config_of(10000, 0)).rows(batch).cosines.defined());
}

}  // namespace
}  // namespace ondol::nn
