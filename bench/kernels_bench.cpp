// Peak rates of the kernels at the shapes of SmolLM2-135M (width 576, 9 heads of 64, 3 key/value
// heads, inner width 1536, 30 layers, head of 49,152 rows in Q8_0).
//
//   kernels_bench [threads] [isa | best] [all | matrices | model | rows] [types ...]
//
// With tile registers (avx512_amx) every row of a quantised type stands beside that of avx512.
//
// Each figure is the best of many short runs: the machine is often shared, so compare figures of
// one run only.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/packed.h"

namespace {

using namespace ondol;

// The clock of a run: with one thread its processor time, so that a shared machine matters less.
bool processor_time = false;
double now() {
  timespec t{};
  clock_gettime(processor_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Work>
double best_seconds(double budget, Work work) {
  const double begin = now();
  double best = 1e9;
  work();
  do {
    const double start = now();
    work();
    best = std::min(best, now() - start);
  } while (now() - begin < budget);
  return best;
}

std::vector<float> floats(int64_t count) {
  Rng rng(1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

PackedMatrix weight(DType dtype, int64_t rows, int64_t columns, ThreadPool& pool,
                    PackArena* arena = nullptr) {
  std::vector<std::byte> bytes(static_cast<size_t>(rows * dtype_bytes(dtype, columns)));
  Rng rng(2);
  // Bytes below 64 keep halves and floats finite.
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.next_u32() & 63U);
  if (dtype == DType::kF32) {  // subnormal products would be timed otherwise
    const auto values = floats(rows * columns);
    std::memcpy(bytes.data(), values.data(), bytes.size());
  }
  if (dtype == DType::kBF16) {
    const auto values = floats(rows * columns);
    for (size_t i = 0; i < values.size(); ++i) {
      std::memcpy(bytes.data() + 2 * i, reinterpret_cast<const char*>(&values[i]) + 2, 2);
    }
  }
  return PackedMatrix::pack(dtype, rows, columns, bytes, pool, arena);
}

struct Layer {  // of SmolLM2
  PackedMatrix q, k, v, o, gate, up, down;
  int64_t width;
  // Types of super-blocks need a multiple of 256 for the width.
  Layer(DType t, int64_t w, ThreadPool& pool, PackArena* arena)
      : q(weight(t, 576, w, pool, arena)),
        k(weight(t, 192, w, pool, arena)),
        v(weight(t, 192, w, pool, arena)),
        o(weight(t, 576, w, pool, arena)),
        gate(weight(t, 1536, w, pool, arena)),
        up(weight(t, 1536, w, pool, arena)),
        down(weight(t, 576, 1536, pool, arena)),
        width(w) {}
};

struct Buffers {
  std::vector<float> x, wide, out_a, out_b, out_c;
  explicit Buffers(int64_t tokens)
      : x(floats(tokens * 576)),
        wide(floats(tokens * 1536)),
        out_a(static_cast<size_t>(tokens * 1536)),
        out_b(static_cast<size_t>(tokens * 1536)),
        out_c(static_cast<size_t>(tokens * 1536)) {}
};

void run_layer(const KernelContext& context, const Layer& l, Buffers& b, int64_t tokens) {
  const MatmulInput x{b.x.data(), tokens, l.width}, wide{b.wide.data(), tokens, 1536};
  const MatmulPart qkv[] = {{&l.q, nullptr, b.out_a.data(), 576},
                            {&l.k, nullptr, b.out_b.data(), 192},
                            {&l.v, nullptr, b.out_c.data(), 192}};
  const MatmulPart o[] = {{&l.o, nullptr, b.out_a.data(), 576, true}};
  const MatmulPart gate_up[] = {{&l.gate, nullptr, b.out_b.data(), 1536},
                                {&l.up, nullptr, b.out_c.data(), 1536}};
  const MatmulPart down[] = {{&l.down, nullptr, b.out_a.data(), 576, true}};
  matmul(context, x, qkv);
  matmul(context, x, o);
  matmul(context, x, gate_up);
  matmul(context, wide, down);
}

void matrices(const KernelContext& context, DType dtype) {
  const std::string name(dtype_info(dtype).name);
  struct Case {
    int64_t rows, columns;
  };
  // 576 is no multiple of a super-block.
  const int64_t width = dtype_info(dtype).block_elements == 256 ? 512 : 576;
  for (const Case c : {Case{576, width}, Case{192, width}, Case{1536, width}, Case{576, 1536}}) {
    const PackedMatrix w = weight(dtype, c.rows, c.columns, context.pool);
    std::printf("%-5s N %5lld K %5lld %10s:", name.c_str(), static_cast<long long>(c.rows),
                static_cast<long long>(c.columns), std::string(kernel_isa(context.table)).c_str());
    for (const int64_t tokens : {1, 4, 8, 12, 16, 64, 512}) {
      const auto x = floats(tokens * c.columns);
      std::vector<float> out(static_cast<size_t>(tokens * c.rows));
      const MatmulPart part{&w, nullptr, out.data(), c.rows};
      const double seconds = best_seconds(0.04, [&] {
        matmul(context, {x.data(), tokens, c.columns}, {&part, 1});
      });
      const double flops = 2.0 * static_cast<double>(tokens * c.rows * c.columns);
      std::printf("  M %lld %.0f GFLOP/s", static_cast<long long>(tokens), flops / seconds / 1e9);
    }
    std::printf("\n");
  }
}

// This set and, where it has tiles, the one without: other sums of integers, the same floats.
std::vector<const KernelTable*> compared(const KernelTable& table, DType dtype) {
  if (kernel_isa(table) != "avx512_amx" || is_float(dtype)) return {&table};
  return {&kernels_for("avx512"), &table};
}

// All matrices of the model at batch sizes from one token to a prompt: what a token costs beside
// the first, tokens a second, bytes of weights a second. `head_rows` tokens go through the head.
void model(const KernelContext& context, DType dtype) {
  const bool super = dtype_info(dtype).block_elements == 256;
  PackArena arena;
  std::vector<Layer> layers;
  for (int i = 0; i < 30; ++i) layers.emplace_back(dtype, super ? 512 : 576, context.pool, &arena);
  const PackedMatrix head = weight(DType::kQ8_0, 49152, 576, context.pool, &arena);
  std::vector<float> logits(16 * 49152);
  double bytes = static_cast<double>(head.bytes());
  for (const Layer& l : layers) {
    for (const PackedMatrix* m : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down}) {
      bytes += static_cast<double>(m->bytes());
    }
  }
  std::printf("%-5s %4.0f MB %10s", std::string(dtype_info(dtype).name).c_str(), bytes / 1e6,
              std::string(kernel_isa(context.table)).c_str());
  double first = 0;
  for (const int64_t tokens : {1, 2, 4, 8, 16, 512}) {
    Buffers buffers(tokens);
    const int64_t head_rows = tokens <= 16 ? tokens : 1;
    const double seconds = best_seconds(0.5, [&] {
      const ThreadPool::Burst burst(context.pool);
      for (const Layer& l : layers) run_layer(context, l, buffers, tokens);
      const MatmulPart part{&head, nullptr, logits.data(), 49152};
      matmul(context, {buffers.x.data(), head_rows, 576}, {&part, 1});
    });
    if (tokens == 1) {
      first = seconds;
      std::printf(" | M 1 %4.0f tok/s %4.1f GB/s", 1 / seconds, bytes / seconds / 1e9);
    } else {
      std::printf(" | M %lld %4.0f (t/t1 %.2f)", static_cast<long long>(tokens),
                  static_cast<double>(tokens) / seconds, seconds / first);
    }
  }
  std::printf("\n");
}

void attention_rates(const KernelContext& context, KvType type) {
  const AttentionShape shape{9, 3, 64, 0.125F};
  for (const int64_t keys : {512, 2048, 4096}) {
    const int64_t part = shape.kv_heads * kv_head_bytes(type, shape.head_width);
    std::vector<AlignedArray<std::byte>> memory;
    std::vector<KvPage> pages;
    for (int64_t k = 0; k < keys; k += kPageTokens) {
      memory.push_back(allocate_aligned(2 * part));
      pages.push_back({memory.back().get(), memory.back().get() + part});
    }
    const auto k = floats(keys * 192), v = floats(keys * 192), q = floats(keys * 576);
    const KvAppendTask append{k.data(), v.data(), keys, 192, 192, pages, 0};
    kv_append(context, shape, type, {&append, 1});
    std::vector<float> out(q.size());
    for (const int64_t queries : {int64_t{1}, keys}) {
      AttentionTask task{q.data(), queries, 576,  out.data(),     576,
                         pages,    keys,    true, keys - queries, nullptr};
      const double seconds = best_seconds(0.3, [&] {
        attention(context, shape, type, {&task, 1});
      });
      const double pairs =
          queries == 1 ? static_cast<double>(keys) : static_cast<double>(keys) * (keys + 1) / 2;
      std::printf("attention %s, %lld queries of %lld keys: %.1f us, %.0f GFLOP/s\n",
                  type == KvType::kF32 ? "f32" : "int8", static_cast<long long>(queries),
                  static_cast<long long>(keys), seconds * 1e6, pairs * 9 * 64 * 4 / seconds / 1e9);
    }
  }
}

void row_rates(const KernelContext& context) {
  auto x = floats(512 * 1536);
  const auto y = floats(512 * 1536), w = floats(576);
  const auto count = static_cast<int64_t>(x.size());
  const auto print = [&](const char* name, int64_t elements, double seconds) {
    std::printf("%-14s %.2f G elements/s\n", name, static_cast<double>(elements) / seconds / 1e9);
  };
  print("silu_multiply", count,
        best_seconds(0.1, [&] { silu_multiply(context, y.data(), y.data(), count, x.data()); }));
  print("copy + gelu", count, best_seconds(0.1, [&] {
          std::copy(y.begin(), y.end(), x.begin());
          gelu(context, x.data(), count);
        }));
  print("rms_norm", 512 * 576, best_seconds(0.1, [&] {
          rms_norm(context, y.data(), w.data(), 512, 576, 1e-5F, x.data());
        }));
}

constexpr DType kTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1,
                            DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K,
                            DType::kF16,  DType::kBF16, DType::kF32};

bool wanted(int argc, char** argv, DType dtype) {
  if (argc <= 4) return true;
  for (int i = 4; i < argc; ++i) {
    if (dtype_info(dtype).name == argv[i]) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 0);
  processor_time = pool.size() == 1;
  const std::string isa = argc > 2 ? argv[2] : "best";
  const KernelTable& table = isa == "best" ? best_kernels() : kernels_for(isa);
  const std::string what = argc > 3 ? argv[3] : "all";
  std::printf("%s, %d threads\n", std::string(kernel_isa(table)).c_str(), pool.size());
  const KernelContext context{pool, table};
  for (const DType dtype : kTypes) {
    if (!wanted(argc, argv, dtype)) continue;
    for (const KernelTable* one : compared(table, dtype)) {
      if (what == "matrices" || what == "all") matrices({pool, *one}, dtype);
      if (what == "model" || what == "all") model({pool, *one}, dtype);
    }
  }
  if (what == "all" || what == "rows") {
    for (const KvType type : {KvType::kF32, KvType::kI8}) attention_rates(context, type);
    row_rates(context);
  }
}
