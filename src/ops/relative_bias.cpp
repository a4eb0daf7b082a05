#include "ops/relative_bias.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/check.h"
#include "ops/tape.h"

namespace ondol::ops {
namespace {

int64_t of_one_side(int64_t buckets, const RelativePositions& positions) {
  return positions.both_sides ? buckets / 2 : buckets;
}

void check(const PackedMatrix& table, const RelativePositions& positions) {
  const int64_t side = of_one_side(table.rows(), positions);
  if (side < 2 || positions.distance_max <= side / 2) {
    fail_check("relative_bias", "buckets and largest distance",
               std::to_string(table.rows()) + " and " + std::to_string(positions.distance_max),
               "2 buckets a side and a distance above half of them");
  }
  if (positions.rows < 0 || positions.keys < 0 || positions.first_position < 0) {
    fail_check("relative_bias", "rows, keys and first position",
               std::to_string(positions.rows) + ", " + std::to_string(positions.keys) + " and " +
                   std::to_string(positions.first_position),
               "none below 0");
  }
}

// Buckets of all distances that occur, the first that of key 0 seen from the last row.
class Buckets {
 public:
  Buckets(int64_t buckets, const RelativePositions& p) : last_(p.first_position + p.rows - 1) {
    const int64_t nearest = p.keys - 1 - p.first_position;
    for (int64_t d = -last_; d <= nearest; ++d) of_.push_back(relative_bucket(d, buckets, p));
  }
  // Of row `position`, key by key.
  const int64_t* row(int64_t position) const { return of_.data() + last_ - position; }

 private:
  int64_t last_;
  std::vector<int64_t> of_;
};

void record(const Context& context, const PackedMatrix& table, const RelativePositions& p,
            const Tensor& out) {
  Tape& tape = *context.tape;
  const Tape::Value weight = tape.value_of(table);
  if (weight == 0) return;
  const Tape::Value y = tape.define(out);
  tape.record([=, &tape, buckets = table.rows(), heads = table.columns()] {
    const Tensor dy = tape.take(y);
    if (!dy.defined()) return;
    Tensor& dtable = tape.sum(weight, {buckets, heads});
    const Buckets of(buckets, p);
    context.pool.parallel_for(heads, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t h = begin; h < end; ++h) {
        std::vector<double> sums(static_cast<size_t>(buckets));
        for (int64_t i = 0; i < p.rows; ++i) {
          const int64_t* bucket = of.row(p.first_position + i);
          const std::span<const float> from = dy.row(h * p.rows + i);
          for (size_t key = 0; key < from.size(); ++key) {
            sums[static_cast<size_t>(bucket[key])] += static_cast<double>(from[key]);
          }
        }
        for (int64_t b = 0; b < buckets; ++b) {
          dtable.data()[b * heads + h] += static_cast<float>(sums[static_cast<size_t>(b)]);
        }
      }
    });
  });
}

}  // namespace

int64_t relative_bucket(int64_t distance, int64_t buckets, const RelativePositions& positions) {
  const int64_t side = of_one_side(buckets, positions);
  const int64_t behind = positions.both_sides && distance > 0 ? side : 0;
  const int64_t far = positions.both_sides ? std::abs(distance) : std::max<int64_t>(0, -distance);
  const int64_t near = side / 2;
  if (far < near) return behind + far;
  // In f32, as the models were trained.
  const auto count = static_cast<float>(near);
  const float range = static_cast<float>(
      std::log(static_cast<double>(positions.distance_max) / static_cast<double>(near)));
  const float steps =
      std::log(static_cast<float>(far) / count) / range * static_cast<float>(side - near);
  return behind + std::min(side - 1, near + static_cast<int64_t>(steps));
}

void relative_bias(const Context& context, const PackedMatrix& table,
                   const RelativePositions& positions, Tensor& out) {
  check(table, positions);
  const int64_t buckets = table.rows(), heads = table.columns();
  prepare_output(context, out, {heads, positions.rows, positions.keys});
  std::vector<float> values(static_cast<size_t>(buckets * heads));
  table.dequantize(0, buckets, 0, heads, values.data(), heads);
  if (positions.rows > 0) {
    const Buckets of(buckets, positions);
    context.pool.parallel_for(heads * positions.rows, 16, [&](int64_t begin, int64_t end, int) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t h = r / positions.rows;
        const int64_t* bucket = of.row(positions.first_position + r % positions.rows);
        const std::span<float> to = out.row(r);
        for (size_t key = 0; key < to.size(); ++key) {
          to[key] = values[static_cast<size_t>(bucket[key] * heads + h)];
        }
      }
    });
  }
  if (context.tape) record(context, table, positions, out);
}

}  // namespace ondol::ops
