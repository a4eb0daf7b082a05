#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/rng.h"
#include "support/paths.h"

namespace ondol::eval {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json file =
      nlohmann::json::parse(read_file(testing::golden_dir() / "stats.json"));
  return file;
}

TEST(Statistics, QuantilesEqualScipy) {
  for (const auto& row : golden()["quantile"]) {
    EXPECT_NEAR(normal_quantile(row["p"]), row["z"].get<double>(), 1e-9) << row;
  }
}

TEST(Statistics, WilsonEqualsStatsmodels) {
  for (const auto& row : golden()["wilson"]) {
    const Interval got = wilson(row["successes"], row["trials"], row["confidence"]);
    EXPECT_NEAR(got.low, row["low"].get<double>(), 1e-9) << row;
    EXPECT_NEAR(got.high, row["high"].get<double>(), 1e-9) << row;
  }
}

TEST(Statistics, McNemarEqualsStatsmodels) {
  for (const auto& row : golden()["mcnemar"]) {
    const McNemar got = mcnemar(row["b"], row["c"]);
    EXPECT_NEAR(got.p_exact, row["p_exact"].get<double>(), 1e-9) << row;
    EXPECT_NEAR(got.p_mid, row["p_mid"].get<double>(), 1e-9) << row;
  }
}

TEST(Statistics, HolmEqualsStatsmodels) {
  for (const auto& row : golden()["holm"]) {
    const auto got = holm(row["p"].get<std::vector<double>>());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], row["holm"][i], 1e-12) << row;
  }
}

TEST(Statistics, NewcombePairedEqualsItsDefinitionAndThePaper) {
  for (const auto& row : golden()["newcombe"]) {
    const auto& c = row["cells"];
    const Interval got = newcombe_paired(c[0], c[1], c[2], c[3]);
    EXPECT_NEAR(got.low, row["low"].get<double>(), 1e-9) << row;
    EXPECT_NEAR(got.high, row["high"].get<double>(), 1e-9) << row;
  }
  // Newcombe 1998, table II, method 10 on (36, 12, 2, 0).
  const Interval paper = newcombe_paired(36, 12, 2, 0);
  EXPECT_NEAR(paper.low, 0.0569, 5e-5);
  EXPECT_NEAR(paper.high, 0.3404, 5e-5);
}

TEST(Statistics, ResamplingAgreesWithScipy) {
  const auto& rows = golden()["resampling"];
  const auto small = rows["small"].get<std::vector<double>>();
  EXPECT_NEAR(sign_flip_p(small, no_clusters(small.size())), rows["small_p"].get<double>(), 1e-12);
  const auto large = rows["large"].get<std::vector<double>>();
  const ResampleOptions many{.draws = 40000};
  EXPECT_NEAR(sign_flip_p(large, no_clusters(large.size()), many), rows["large_p"], 0.008);
  const BootstrapMean boot = paired_bootstrap(large, no_clusters(large.size()), many);
  EXPECT_NEAR(boot.interval.low, rows["large_low"], 0.003);
  EXPECT_NEAR(boot.interval.high, rows["large_high"], 0.003);
}

TEST(Statistics, SameSeedSameBitsOtherSeedOtherBits) {
  std::vector<double> values;
  for (int i = 0; i < 37; ++i) values.push_back(std::sin(i));
  const Clusters clusters = no_clusters(values.size());
  const auto at = [&](uint64_t seed) {
    return paired_bootstrap(values, clusters, {.draws = 1000, .seed = seed}).interval.low;
  };
  EXPECT_EQ(at(1), at(1));
  EXPECT_NE(at(1), at(2));
}

TEST(Statistics, ClustersThatMoveTogetherWidenTheInterval) {
  std::vector<double> values;
  std::vector<std::string> names;
  for (int cluster = 0; cluster < 20; ++cluster) {
    for (int i = 0; i < 10; ++i) {
      values.push_back(cluster % 2);
      names.push_back("article " + std::to_string(cluster));
    }
  }
  const auto width = [&](const Clusters& clusters) {
    const Interval interval = paired_bootstrap(values, clusters).interval;
    return interval.high - interval.low;
  };
  const Clusters clusters = make_clusters(names);
  EXPECT_EQ(clusters.count, 20);
  // Ten copies of each value carry the information of one: the interval is sqrt(10) wider.
  EXPECT_NEAR(width(clusters) / width(no_clusters(values.size())), std::sqrt(10.0), 0.4);
  EXPECT_GT(sign_flip_p(values, clusters), sign_flip_p(values, no_clusters(values.size())));
}

TEST(Statistics, FewIdenticalAnswersAreNotCertainty) {
  const std::vector<double> none(20, 0.0);
  EXPECT_EQ(paired_bootstrap(none, no_clusters(20)).interval.low, 0);
  EXPECT_LT(guarded_interval(none, no_clusters(20)).low, -0.05);
  const std::vector<double> many(2000, 0.0);
  EXPECT_GT(guarded_interval(many, no_clusters(2000)).low, -0.02);
}

TEST(Statistics, SmallestDetectableDifferenceIsFoundEightTimesInTen) {
  EXPECT_NEAR(smallest_detectable_from_discordance(0.2, 50), 0.177, 0.001);
  EXPECT_NEAR(smallest_detectable_from_discordance(0.2, 200), 0.0885, 0.001);
  const double gain = smallest_detectable_difference(0.2, 400);
  int found = 0;
  for (uint64_t run = 0; run < 400; ++run) {
    Rng rng(11, run);
    int better = 0, worse = 0;
    for (int q = 0; q < 400; ++q) {
      const double u = rng.uniform();
      better += u < (0.2 + gain) / 2;
      worse += u > 1 - (0.2 - gain) / 2;
    }
    found += mcnemar(better, worse).p_mid < 0.05;
  }
  EXPECT_NEAR(found / 400.0, 0.8, 0.07);
  EXPECT_NEAR(questions_needed(0.2, gain), 400, 1e-6);
}

TEST(Statistics, JointBootstrapSharesTiesAndRanksTheRest) {
  // Two equal recipes and one that is wrong everywhere.
  std::vector<double> half(40), wrong(40, 0.0);
  for (size_t q = 0; q < half.size(); ++q) half[q] = q % 2 ? 1 : 0;
  const JointBootstrap joint = joint_bootstrap({half, half, wrong}, no_clusters(40));
  EXPECT_NEAR(joint.best_probability[0], 0.5, 1e-9);
  EXPECT_NEAR(joint.best_probability[1], 0.5, 1e-9);
  EXPECT_EQ(joint.expected_regret[0], 0);
  EXPECT_NEAR(joint.expected_regret[2], 0.5, 0.01);
  EXPECT_EQ(joint.rank[0].high, 1);
  EXPECT_EQ(joint.rank[2].low, 3);
  double sum = 0;
  for (const double p : joint.best_probability) sum += p;
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(Statistics, BadInputSaysWhatAndWhatWasExpected) {
  const std::vector<double> three{1, 0, 1};
  EXPECT_THROW(wilson(3, 2), Error);
  EXPECT_THROW(wilson(0, 0), Error);
  EXPECT_THROW(mcnemar(-1, 2), Error);
  EXPECT_THROW(normal_quantile(1), Error);
  EXPECT_THROW(paired_bootstrap({}, no_clusters(0)), Error);
  EXPECT_THROW(paired_bootstrap(three, no_clusters(3), {.draws = 10}), Error);
  try {
    sign_flip_p(three, no_clusters(2));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("got 2 and 3"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace ondol::eval
