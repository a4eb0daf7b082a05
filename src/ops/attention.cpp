#include "ops/attention.h"

#include <numeric>
#include <utility>

#include "ops/check.h"
#include "ops/reference.h"
#include "ops/tape.h"
#include "ops/work.h"

namespace ondol::ops {
namespace {

void check_shape(const char* op, const AttentionShape& shape) {
  if (shape.heads < 1 || shape.kv_heads < 1 || shape.heads % shape.kv_heads != 0) {
    fail_check(op, "query heads against key/value heads",
               std::to_string(shape.heads) + " and " + std::to_string(shape.kv_heads),
               "a multiple");
  }
  if (shape.head_width < 1 || shape.head_width > 256) {
    fail_check(op, "head width", std::to_string(shape.head_width), "1 to 256");
  }
}

void check_pages(const char* op, std::span<const KvPage> pages, int64_t keys) {
  const auto slots = static_cast<int64_t>(pages.size()) * kPageTokens;
  if (keys < 0 || keys > slots) {
    fail_check(op, "tokens that the page table must hold", std::to_string(keys),
               "at most " + std::to_string(slots));
  }
}

// The composed form is written for pages of floats.
void check_composed(const char* op, KvType type) {
  if (type != KvType::kF32) fail_check(op, "type of the pages in the composed form", "int8", "f32");
}

void check_rows(const char* op, int64_t begin, int64_t end, int64_t tokens) {
  if (begin < 0 || end < begin || end > tokens) {
    fail_check(op, "rows of a sequence", std::to_string(begin) + " to " + std::to_string(end),
               "within the batch of " + std::to_string(tokens));
  }
}

void compose_rope(const RopeRows& rope, int64_t heads, int64_t width, Tensor& x) {
  const auto half = static_cast<size_t>(rope.rotary_width / 2);
  const auto neighbours = [](size_t i) { return std::pair(2 * i, 2 * i + 1); };
  const auto halves = [half](size_t i) { return std::pair(i, i + half); };
  for (int64_t t = 0; t < x.dim(0); ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      const std::span<float> head =
          x.row(t).subspan(static_cast<size_t>(h * width), static_cast<size_t>(width));
      const std::span<const float> cosines = rope.cosines.row(t), sines = rope.sines.row(t);
      if (rope.layout == RopeLayout::kPairs) {
        reference::rotate<float>(head, cosines, sines, neighbours);
      } else {
        reference::rotate<float>(head, cosines, sines, halves);
      }
    }
  }
}

// The page layout of kernels.h: keys [G, E, kPageTokens], values [G, kPageTokens, E].
struct PageView {
  const AttentionShape& shape;
  std::span<const KvPage> pages;

  float& key(int64_t slot, int64_t g, int64_t e) const {
    auto* keys = reinterpret_cast<float*>(pages[slot / kPageTokens].keys);
    return keys[(g * shape.head_width + e) * kPageTokens + slot % kPageTokens];
  }
  float& value(int64_t slot, int64_t g, int64_t e) const {
    auto* values = reinterpret_cast<float*>(pages[slot / kPageTokens].values);
    return values[(g * kPageTokens + slot % kPageTokens) * shape.head_width + e];
  }
};

void compose_append(const AttentionShape& shape, const Tensor& k, const Tensor& v,
                    const AppendTarget& target) {
  const PageView view{shape, target.pages};
  for (int64_t t = target.token_begin; t < target.token_end; ++t) {
    const int64_t slot = target.first_slot + t - target.token_begin;
    for (int64_t g = 0; g < shape.kv_heads; ++g) {
      for (int64_t e = 0; e < shape.head_width; ++e) {
        view.key(slot, g, e) = k.row(t)[g * shape.head_width + e];
        view.value(slot, g, e) = v.row(t)[g * shape.head_width + e];
      }
    }
  }
}

// Keys and values of one head as plain [keys, E] matrices.
std::pair<std::vector<float>, std::vector<float>> gather_head(const PageView& view, int64_t keys,
                                                              int64_t g) {
  const int64_t width = view.shape.head_width;
  std::pair<std::vector<float>, std::vector<float>> head;
  for (int64_t slot = 0; slot < keys; ++slot) {
    for (int64_t e = 0; e < width; ++e) {
      head.first.push_back(view.key(slot, g, e));
      head.second.push_back(view.value(slot, g, e));
    }
  }
  return head;
}

void compose_attention(const AttentionShape& shape, const Tensor& q, const AttentionSource& source,
                       Tensor& out) {
  const auto width = static_cast<size_t>(shape.head_width);
  const int64_t rows = source.token_end - source.token_begin;
  for (int64_t h = 0; h < shape.heads; ++h) {
    const auto [keys, values] =
        gather_head({shape, source.pages}, source.keys, h / (shape.heads / shape.kv_heads));
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t visible =
          source.causal ? std::min(source.keys, source.first_position + i + 1) : source.keys;
      const auto count = static_cast<size_t>(visible);
      std::span<const float> bias;
      if (source.bias != nullptr) bias = source.bias->row(h * rows + i).first(count);
      const int64_t row = source.token_begin + i;
      reference::attend<float>(q.row(row).subspan(h * width, width),
                               std::span(keys).first(count * width),
                               std::span(values).first(count * width), bias, shape.scale,
                               out.row(row).subspan(h * width, width));
    }
  }
}

void check_rope(const RopeRows& rope, const AttentionShape& shape, int64_t tokens) {
  if (rope.rotary_width < 2 || rope.rotary_width % 2 != 0 || rope.rotary_width > shape.head_width) {
    fail_check("rope_append", "rotary width", std::to_string(rope.rotary_width),
               "even, 2 to the head width " + std::to_string(shape.head_width));
  }
  expect_f32("rope_append", "cosines", rope.cosines, {tokens, rope.rotary_width / 2});
  expect_f32("rope_append", "sines", rope.sines, {tokens, rope.rotary_width / 2});
}

void turn(const Context& context, const RopeRows& rope, int64_t heads, int64_t width, Tensor& x) {
  if (context.form == Form::kComposed) return compose_rope(rope, heads, width, x);
  std::vector<int32_t> rows(static_cast<size_t>(x.dim(0)));
  std::iota(rows.begin(), rows.end(), 0);
  ondol::rope(context.kernel(), x.data(), x.dim(0), x.dim(1), heads, width, rope.rotary_width,
              rope.layout, rows, rope.cosines.data(), rope.sines.data());
}

// Turned in place, so the values stay those of q and k; their gradients are turned back.
void record_rope(const Context& context, const AttentionShape& shape, const RopeRows& rope,
                 const Tensor& q, const Tensor& k) {
  Tape& tape = *context.tape;
  const Tape::Value q_value = tape.value_of(q), k_value = tape.value_of(k);
  if (q_value == 0 && k_value == 0) return;
  tape.record([=, &tape] {
    RopeRows back = rope;
    back.sines = Tensor::zeros(DType::kF32, rope.sines.shape());
    const float* sines = rope.sines.data();
    for (int64_t i = 0; i < rope.sines.size(); ++i) back.sines.data()[i] = -sines[i];
    const auto turn_back = [&](Tape::Value value, int64_t heads) {
      Tensor gradient = value ? tape.take(value) : Tensor();
      if (!gradient.defined()) return;
      turn(context, back, heads, shape.head_width, gradient);
      tape.add(value, std::move(gradient));
    };
    turn_back(q_value, shape.heads);
    turn_back(k_value, shape.kv_heads);
  });
}

struct AttentionValues {
  Tape::Value q, k, v;
};

// What one source needs on the way back.
struct SavedSource {
  AttentionSource source;
  Tensor k, v, bias;
  AttentionValues value;
  Tape::Value bias_value;
};

AttentionGradient gradient_of(Tape& tape, const SavedSource& saved, const Tensor& q,
                              const Tensor& dout, Tensor& unwanted_q, Tensor& unwanted_k,
                              Tensor& unwanted_v) {
  const AttentionSource& s = saved.source;
  const auto sum = [&](Tape::Value value, const Tensor& like, Tensor& unwanted) {
    if (value) return tape.sum(value, like.shape()).data();
    if (!unwanted.defined()) unwanted = Tensor::zeros(DType::kF32, like.shape());
    return unwanted.data();
  };
  const int64_t q_at = s.token_begin * q.dim(1), kv_at = s.key_begin * saved.k.dim(1);
  return {q.data() + q_at,
          saved.k.data() + kv_at,
          saved.v.data() + kv_at,
          dout.data() + q_at,
          sum(saved.value.q, q, unwanted_q) + q_at,
          sum(saved.value.k, saved.k, unwanted_k) + kv_at,
          sum(saved.value.v, saved.v, unwanted_v) + kv_at,
          q.dim(1),
          saved.k.dim(1),
          s.token_end - s.token_begin,
          s.keys,
          s.causal,
          s.first_position,
          saved.bias.defined() ? saved.bias.data() : nullptr,
          saved.bias_value ? tape.sum(saved.bias_value, saved.bias.shape()).data() : nullptr};
}

void record_attention(const Context& context, const AttentionShape& shape, const Tensor& q,
                      std::span<const AttentionSource> sources, const Tensor& out) {
  Tape& tape = *context.tape;
  std::vector<SavedSource> saved;
  bool wanted = false;
  for (const AttentionSource& source : sources) {
    if (source.k == nullptr || source.v == nullptr) {
      fail_check("attention", "keys and values as rows under a tape", "none", "both");
    }
    expect_f32("attention", "keys as rows", *source.k, {-1, shape.kv_heads * shape.head_width});
    if (source.key_begin + source.keys > source.k->dim(0)) {
      fail_check("attention", "keys of a sequence under a tape", std::to_string(source.keys),
                 "no more than were made in this batch");
    }
    const Tensor bias = source.bias ? *source.bias : Tensor();
    SavedSource& s = saved.emplace_back(
        SavedSource{source,
                    *source.k,
                    *source.v,
                    bias,
                    {tape.value_of(q), tape.value_of(*source.k), tape.value_of(*source.v)},
                    tape.value_of(bias)});
    s.source.pages = {};
    wanted = wanted || s.value.q || s.value.k || s.value.v || s.bias_value;
  }
  if (!wanted) return;
  const Tape::Value y = tape.define(out);
  tape.record([&tape, context, shape, q, saved = std::move(saved), y] {
    const Tensor dout = tape.take(y);
    if (!dout.defined()) return;
    Tensor unwanted_q, unwanted_k, unwanted_v;
    std::vector<AttentionGradient> tasks;
    for (const SavedSource& s : saved) {
      tasks.push_back(gradient_of(tape, s, q, dout, unwanted_q, unwanted_k, unwanted_v));
    }
    attention_backward(context.kernel(), shape, tasks);
  });
}

void check_kv(const char* op, const AttentionShape& shape, int64_t tokens, const Tensor& k,
              const Tensor& v) {
  expect_f32(op, "keys", k, {tokens, shape.kv_heads * shape.head_width});
  expect_f32(op, "values", v, {tokens, shape.kv_heads * shape.head_width});
}

void write_pages(const char* op, const Context& context, const AttentionShape& shape,
                 const Tensor& k, const Tensor& v, std::span<const AppendTarget> targets) {
  std::vector<KvAppendTask> tasks;
  for (const AppendTarget& target : targets) {
    check_rows(op, target.token_begin, target.token_end, k.dim(0));
    const int64_t count = target.token_end - target.token_begin;
    check_pages(op, target.pages, target.first_slot + count);
    if (context.form == Form::kComposed) {
      check_composed(op, target.type);
      compose_append(shape, k, v, target);
      continue;
    }
    tasks.push_back({k.data() + target.token_begin * k.dim(1),
                     v.data() + target.token_begin * v.dim(1), count, k.dim(1), v.dim(1),
                     target.pages, target.first_slot});
  }
  if (!tasks.empty()) kv_append(context.kernel(), shape, targets.front().type, tasks);
}

}  // namespace

void append(const Context& context, const AttentionShape& shape, const Tensor& k, const Tensor& v,
            std::span<const AppendTarget> targets) {
  check_shape("append", shape);
  const ProfileScope scope(context.profile, "append", [&] { return rows_work(k); });
  check_kv("append", shape, k.dim(0), k, v);
  write_pages("append", context, shape, k, v, targets);
}

void rope_append(const Context& context, const AttentionShape& shape, const RopeRows& rope,
                 Tensor& q, Tensor& k, const Tensor& v, std::span<const AppendTarget> targets) {
  check_shape("rope_append", shape);
  expect_f32("rope_append", "queries", q, {-1, shape.heads * shape.head_width});
  const ProfileScope scope(context.profile, "rope_append", [&] { return rows_work(q); });
  const int64_t tokens = q.dim(0);
  check_kv("rope_append", shape, tokens, k, v);
  if (rope.cosines.defined()) {
    check_rope(rope, shape, tokens);
    turn(context, rope, shape.heads, shape.head_width, q);
    turn(context, rope, shape.kv_heads, shape.head_width, k);
  }
  write_pages("rope_append", context, shape, k, v, targets);
  if (context.tape && rope.cosines.defined()) record_rope(context, shape, rope, q, k);
}

void attention(const Context& context, const AttentionShape& shape, const Tensor& q,
               std::span<const AttentionSource> sources, Tensor& out) {
  check_shape("attention", shape);
  expect_f32("attention", "queries", q, {-1, shape.heads * shape.head_width});
  const ProfileScope scope(context.profile, "attention",
                           [&] { return attention_work(shape, sources); });
  prepare_output(context, out, {q.dim(0), q.dim(1)});
  std::vector<AttentionTask> tasks;
  for (const AttentionSource& source : sources) {
    check_rows("attention", source.token_begin, source.token_end, q.dim(0));
    check_pages("attention", source.pages, source.keys);
    const int64_t rows = source.token_end - source.token_begin;
    if (rows > 0 && source.keys < 1)
      fail_check("attention", "keys to look at", "none", "at least 1");
    if (source.bias != nullptr) {
      expect_f32("attention", "bias", *source.bias, {shape.heads, rows, source.keys});
    }
    if (context.form == Form::kComposed) {
      check_composed("attention", source.type);
      compose_attention(shape, q, source, out);
      continue;
    }
    tasks.push_back({q.data() + source.token_begin * q.dim(1), rows, q.dim(1),
                     out.data() + source.token_begin * out.dim(1), out.dim(1), source.pages,
                     source.keys, source.causal, source.first_position,
                     source.bias != nullptr ? source.bias->data() : nullptr});
  }
  if (!tasks.empty()) ondol::attention(context.kernel(), shape, sources.front().type, tasks);
  if (context.tape) record_attention(context, shape, q, sources, out);
}

}  // namespace ondol::ops
