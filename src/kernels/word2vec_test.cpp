// The update of word2vec: ref against the formulas in double precision, the other instruction sets
// against ref bit for bit.
#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

// The state of one update; row 2 stands among the rows twice where there are enough.
struct Step {
  explicit Step(int64_t width, int64_t count, float size)
      : input(random_floats(static_cast<size_t>(width), 1, size)),
        rows(random_floats(static_cast<size_t>(width * count), 2, size)),
        target(random_floats(static_cast<size_t>(width), 3)),
        margins(kNegativeRowsMax),
        shares(kNegativeRowsMax) {
    work.width = width;
    work.count = count;
    work.rate = 0.025F;
  }

  void run(const KernelTable& table, const float* sigmoids, bool in_place) {
    work.input = input.data();
    work.target = in_place ? input.data() : target.data();
    for (int64_t k = 0; k < work.count; ++k) work.rows[k] = rows.data() + row_of(k) * work.width;
    work.sigmoids = sigmoids;
    work.margins = margins.data();
    work.shares = shares.data();
    table.negative_step(work);
    margins.resize(static_cast<size_t>(work.count));
    shares.resize(static_cast<size_t>(work.count));
  }
  int64_t row_of(int64_t k) const { return k == 4 ? 2 : k; }

  NegativeStep work{};
  std::vector<float> input, rows, target, margins, shares;
};

std::vector<float> sigmoid_table() {
  std::vector<float> table(kSigmoidTableSize);
  for (size_t i = 0; i < table.size(); ++i) {
    const double x = (static_cast<double>(i) + 0.5) / 1000.0 * 12.0 - 6.0;
    table[i] = static_cast<float>(1.0 / (1.0 + std::exp(-x)));
  }
  return table;
}

TEST(NegativeStep, ReferenceFollowsTheFormula) {
  const int64_t width = 32, count = 6;
  const Step before(width, count, 0.5F);
  Step after = before;
  after.run(kRefTable, nullptr, false);
  std::vector<double> rows(before.rows.begin(), before.rows.end());
  std::vector<double> error(width);
  std::vector<double> pull(count);
  for (int64_t k = 0; k < count; ++k) {
    double score = 0;
    for (int64_t i = 0; i < width; ++i) {
      score += double{before.input[i]} * before.rows[before.row_of(k) * width + i];
    }
    const double z = k == 0 ? -score : score;
    EXPECT_NEAR(std::max(double{after.margins[k]}, 0.0) - std::log(double{after.shares[k]}),
                std::log1p(std::exp(z)), 1e-6);
    pull[k] = (k == 0 ? 1 : -1) * 0.025 / (1 + std::exp(-z));
  }
  for (int64_t k = 0; k < count; ++k) {
    for (int64_t i = 0; i < width; ++i) {
      double& value = rows[before.row_of(k) * width + i];
      error[i] += pull[k] * value;
      value += pull[k] * before.input[i];
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) EXPECT_NEAR(after.rows[i], rows[i], 1e-6);
  for (int64_t i = 0; i < width; ++i) {
    EXPECT_NEAR(after.target[i], before.target[i] + error[i], 1e-6);
  }
}

TEST(NegativeStep, TableSkipsWhatIsCertain) {
  const std::vector<float> sigmoids = sigmoid_table();
  Step step(16, 2, 0.0F);
  step.input.assign(16, 1.0F);
  step.rows.assign(32, 0.5F);  // scores 8: beyond the table
  const Step before = step;
  step.run(kRefTable, sigmoids.data(), false);
  EXPECT_EQ(step.rows, before.rows);
  step.rows.assign(32, 0.125F);  // scores 2
  Step exact = step;
  step.run(kRefTable, sigmoids.data(), false);
  exact.run(kRefTable, nullptr, false);
  EXPECT_NE(step.rows[0], 0.125F);
  for (size_t i = 0; i < 32; ++i) EXPECT_NEAR(step.rows[i], exact.rows[i], 0.025 * 0.002);
}

TEST(NegativeStep, EveryInstructionSetHasTheBitsOfTheReference) {
  const std::vector<float> sigmoids = sigmoid_table();
  for (const KernelTable* table : vector_tables()) {
    for (const int64_t width : {16, 112, 304}) {
      for (const int64_t count : {1, 2, 6, 16, 17, 32}) {
        for (const float size : {0.1F, 1.0F, 4.0F}) {
          for (const float* choice : {static_cast<const float*>(nullptr), sigmoids.data()}) {
            for (const bool in_place : {false, true}) {
              Step expected(width, count, size), got(width, count, size);
              expected.run(kRefTable, choice, in_place);
              got.run(*table, choice, in_place);
              ASSERT_TRUE(same_bits(got.rows, expected.rows)) << table->name << ' ' << count;
              ASSERT_TRUE(same_bits(got.input, expected.input)) << table->name << ' ' << count;
              ASSERT_TRUE(same_bits(got.target, expected.target)) << table->name << ' ' << count;
              ASSERT_TRUE(same_bits(got.margins, expected.margins)) << table->name << ' ' << count;
              ASSERT_TRUE(same_bits(got.shares, expected.shares)) << table->name << ' ' << count;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace ondol::testing
