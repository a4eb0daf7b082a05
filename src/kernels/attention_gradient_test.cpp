// attention_backward against the formulas in double precision, which are themselves held against
// differences; the instruction sets and thread counts against each other bit for bit.
#include <algorithm>

#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

using Values = std::vector<float>;
using Doubles = std::vector<double>;

struct Case {
  const char* name;
  int64_t heads, kv_heads, width;
  int64_t queries, keys;
  bool causal;
  int64_t first_position;
  bool bias;
};

constexpr Case kCases[] = {
    {"one token", 1, 1, 1, 1, 1, true, 0, false},
    {"causal", 2, 2, 5, 9, 9, true, 0, false},
    {"causal, grouped", 6, 2, 16, 70, 70, true, 0, false},
    {"causal after a prefix", 3, 1, 17, 5, 12, true, 7, false},
    {"both ways", 4, 2, 8, 67, 67, false, 0, false},
    {"cross", 2, 1, 12, 5, 131, false, 0, false},
    {"cross, fewer keys", 2, 2, 4, 66, 3, false, 0, false},
    {"wide heads, many keys", 2, 1, 64, 150, 150, true, 0, false},
    {"bias", 2, 2, 6, 11, 11, false, 0, true},
    {"bias, causal, grouped", 4, 2, 7, 65, 65, true, 0, true},
};

size_t floats(int64_t count) { return static_cast<size_t>(count); }

// All of one sequence: rows have 3 floats to spare behind the heads.
template <class Real>
struct Sequence {
  std::vector<Real> q, k, v, bias, dout;
};

int64_t q_stride(const Case& c) { return c.heads * c.width + 3; }
int64_t kv_stride(const Case& c) { return c.kv_heads * c.width + 3; }

Sequence<float> random_sequence(const Case& c, uint64_t stream) {
  return {random_floats(floats(c.queries * q_stride(c)), stream),
          random_floats(floats(c.keys * kv_stride(c)), stream + 1),
          random_floats(floats(c.keys * kv_stride(c)), stream + 2),
          c.bias ? random_floats(floats(c.heads * c.queries * c.keys), stream + 3) : Values(),
          random_floats(floats(c.queries * q_stride(c)), stream + 4)};
}

Sequence<double> widened(const Sequence<float>& s) {
  const auto wide = [](const Values& x) { return Doubles(x.begin(), x.end()); };
  return {wide(s.q), wide(s.k), wide(s.v), wide(s.bias), wide(s.dout)};
}

double scale_of(const Case& c) { return double{static_cast<float>(1 / std::sqrt(c.width))}; }

// What one query of one head sees: softmax(scale q k + bias), and where its rows begin.
struct Weights {
  Doubles p;
  int64_t q_at, kv_at, bias_at;
};

Weights weights(const Case& c, const Sequence<double>& s, int64_t head, int64_t query) {
  const int64_t seen = c.causal ? std::min(c.keys, c.first_position + query + 1) : c.keys;
  Weights w{Doubles(floats(seen)), query * q_stride(c) + head * c.width,
            head / (c.heads / c.kv_heads) * c.width, (head * c.queries + query) * c.keys};
  double largest = -1e300, sum = 0;
  for (int64_t j = 0; j < seen; ++j) {
    double score = 0;
    for (int64_t e = 0; e < c.width; ++e) {
      score += s.q[floats(w.q_at + e)] * s.k[floats(w.kv_at + j * kv_stride(c) + e)];
    }
    w.p[floats(j)] = score * scale_of(c) + (c.bias ? s.bias[floats(w.bias_at + j)] : 0);
    largest = std::max(largest, w.p[floats(j)]);
  }
  for (double& p : w.p) sum += p = std::exp(p - largest);
  for (double& p : w.p) p /= sum;
  return w;
}

// sum of dout * attention
double loss(const Case& c, const Sequence<double>& s) {
  double sum = 0;
  for (int64_t head = 0; head < c.heads; ++head) {
    for (int64_t query = 0; query < c.queries; ++query) {
      const Weights w = weights(c, s, head, query);
      for (size_t j = 0; j < w.p.size(); ++j) {
        const size_t v_at = floats(w.kv_at) + j * floats(kv_stride(c));
        for (size_t e = 0; e < floats(c.width); ++e) {
          sum += s.dout[floats(w.q_at) + e] * w.p[j] * s.v[v_at + e];
        }
      }
    }
  }
  return sum;
}

struct Gradients {
  Doubles q, k, v, bias;
};

Gradients plain_gradients(const Case& c, const Sequence<double>& s) {
  Gradients g{Doubles(s.q.size()), Doubles(s.k.size()), Doubles(s.v.size()),
              Doubles(s.bias.size())};
  const size_t width = floats(c.width);
  for (int64_t head = 0; head < c.heads; ++head) {
    for (int64_t query = 0; query < c.queries; ++query) {
      const Weights w = weights(c, s, head, query);
      const size_t q_at = floats(w.q_at);
      const auto kv_at = [&](size_t j) { return floats(w.kv_at) + j * floats(kv_stride(c)); };
      Doubles dp(w.p.size());
      double centre = 0;
      for (size_t j = 0; j < dp.size(); ++j) {
        for (size_t e = 0; e < width; ++e) dp[j] += s.dout[q_at + e] * s.v[kv_at(j) + e];
        centre += dp[j] * w.p[j];
      }
      for (size_t j = 0; j < dp.size(); ++j) {
        const double ds = w.p[j] * (dp[j] - centre);
        if (c.bias) g.bias[floats(w.bias_at) + j] += ds;
        for (size_t e = 0; e < width; ++e) {
          g.q[q_at + e] += ds * scale_of(c) * s.k[kv_at(j) + e];
          g.k[kv_at(j) + e] += ds * scale_of(c) * s.q[q_at + e];
          g.v[kv_at(j) + e] += w.p[j] * s.dout[q_at + e];
        }
      }
    }
  }
  return g;
}

void expect_differences(const Case& c, Sequence<double>& s, Doubles& x, const Doubles& gradient) {
  constexpr double kStep = 1e-3;
  const size_t stride = std::max<size_t>(1, x.size() / 40);  // about 40 of them
  for (size_t i = 0; i < x.size(); i += stride) {
    const double kept = x[i];
    const auto at = [&](double steps) {
      x[i] = kept + steps * kStep;
      return loss(c, s);
    };
    const double near = at(1) - at(-1), far = at(2) - at(-2);
    x[i] = kept;
    ASSERT_NEAR(gradient[i], (8 * near - far) / (12 * kStep), 1e-8) << c.name << " element " << i;
  }
}

TEST(AttentionGradient, TheFormulaFollowsTheLoss) {
  for (const Case& c : kCases) {
    if (c.queries * c.keys > 1000) continue;  // the same formula at any size
    Sequence<double> s = widened(random_sequence(c, 3));
    const Gradients g = plain_gradients(c, s);
    expect_differences(c, s, s.q, g.q);
    expect_differences(c, s, s.k, g.k);
    expect_differences(c, s, s.v, g.v);
    expect_differences(c, s, s.bias, g.bias);
  }
}

// Gradients as the kernel adds them to what stands there: 0.5.
struct Output {
  Values q, k, v, bias;
  AttentionGradient task(const Case& c, const Sequence<float>& s) {
    q.assign(s.q.size(), 0.5F);
    k.assign(s.k.size(), 0.5F);
    v.assign(s.v.size(), 0.5F);
    bias.assign(s.bias.size(), 0.5F);
    return {.q = s.q.data(),
            .k = s.k.data(),
            .v = s.v.data(),
            .dout = s.dout.data(),
            .dq = q.data(),
            .dk = k.data(),
            .dv = v.data(),
            .q_stride = q_stride(c),
            .kv_stride = kv_stride(c),
            .queries = c.queries,
            .keys = c.keys,
            .causal = c.causal,
            .first_position = c.first_position,
            .bias = c.bias ? s.bias.data() : nullptr,
            .dbias = c.bias ? bias.data() : nullptr};
  }
};

AttentionShape shape_of(const Case& c) {
  return {c.heads, c.kv_heads, c.width, static_cast<float>(scale_of(c))};
}

void expect_near(const Case& c, const char* what, const Values& got, const Doubles& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], 0.5 + want[i], 1e-5 * std::max(1.0, std::abs(want[i])))
        << c.name << " " << what << " element " << i;
  }
}

TEST(AttentionGradient, KernelsAreNearTheFormulaWithTheSameBits) {
  for (const Case& c : kCases) {
    const Sequence<float> s = random_sequence(c, 11);
    Output first;
    for (const std::string_view isa : supported_isas()) {
      for (const int threads : {1, 2, 3}) {
        ThreadPool pool(threads);
        Output out;
        const AttentionGradient task = out.task(c, s);
        attention_backward({pool, kernels_for(isa)}, shape_of(c), {&task, 1});
        if (first.q.empty()) first = out;
        ASSERT_TRUE(same_bits(out.q, first.q) && same_bits(out.k, first.k) &&
                    same_bits(out.v, first.v) && same_bits(out.bias, first.bias))
            << c.name << " " << isa << " threads " << threads;
      }
    }
    const Gradients want = plain_gradients(c, widened(s));
    expect_near(c, "dq", first.q, want.q);
    expect_near(c, "dk", first.k, want.k);
    expect_near(c, "dv", first.v, want.v);
    expect_near(c, "dbias", first.bias, want.bias);
  }
}

// Sequences of other lengths in one call, an empty one among them, are as each alone.
TEST(AttentionGradient, SeveralSequencesAreAsEachAlone) {
  std::vector<Case> cases;
  for (const int64_t length : {3, 90, 0, 17, 1}) {
    cases.push_back({"packed", 4, 2, 9, length, length, true, 0, false});
  }
  cases.push_back({"cross", 4, 2, 9, 8, 70, false, 0, true});
  cases.push_back({"no bias gradient", 4, 2, 9, 8, 8, false, 0, true});
  std::vector<Sequence<float>> sequences;
  for (size_t i = 0; i < cases.size(); ++i) sequences.push_back(random_sequence(cases[i], 20 * i));
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    const KernelContext context{pool, best_kernels()};
    std::vector<Output> together(cases.size());
    std::vector<AttentionGradient> tasks;
    for (size_t i = 0; i < cases.size(); ++i) {
      tasks.push_back(together[i].task(cases[i], sequences[i]));
    }
    tasks.back().dbias = nullptr;
    attention_backward(context, shape_of(cases[0]), tasks);
    EXPECT_EQ(together.back().bias, Values(together.back().bias.size(), 0.5F));
    for (size_t i = 0; i < cases.size(); ++i) {
      Output alone;
      const AttentionGradient task = alone.task(cases[i], sequences[i]);
      attention_backward(context, shape_of(cases[i]), {&task, 1});
      EXPECT_TRUE(same_bits(together[i].q, alone.q)) << i;
      EXPECT_TRUE(same_bits(together[i].k, alone.k)) << i;
      EXPECT_TRUE(same_bits(together[i].v, alone.v)) << i;
    }
  }
}

// Scores of hundreds: the weights are one and zero, the gradients finite.
TEST(AttentionGradient, SharpWeightsStayFinite) {
  const Case c{"sharp", 2, 1, 8, 20, 20, true, 0, false};
  Sequence<float> s = random_sequence(c, 40);
  for (float& x : s.q) x *= 300;
  for (float& x : s.k) x *= 300;
  ThreadPool pool(2);
  Output out;
  const AttentionGradient task = out.task(c, s);
  attention_backward({pool, best_kernels()}, shape_of(c), {&task, 1});
  for (const Values* values : {&out.q, &out.k, &out.v}) {
    for (const float x : *values) ASSERT_TRUE(std::isfinite(x));
  }
  expect_near(c, "dv", out.v, plain_gradients(c, widened(s)).v);
}

}  // namespace
}  // namespace ondol::testing
