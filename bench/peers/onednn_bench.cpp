// Float matrix products of ondol and of oneDNN in turn on the same shapes: whether oneDNN should do
// them (docs/decisions/0018).
//
//   apt-get install libdnnl-dev      # Debian 12: oneDNN 2.6
//   g++ -std=c++20 -O2 -Isrc bench/peers/onednn_bench.cpp -o build/onednn_bench \
//       build/release/libondol_kernels.a build/release/libondol_tensor.a \
//       build/release/libondol_base.a -lfmt -ldnnl -lpthread
//   OMP_NUM_THREADS=2 build/onednn_bench 2 [rounds]    # threads; with 1 the clock is processor
//   time
//
// Activations are f32 on both sides, as the engine has them; for bf16 oneDNN's reordering of the
// activations to bf16 is timed with the product, as ours is. Weights are packed (ondol) or
// reordered to the layout oneDNN asks for (any) before the clock starts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <vector>

#include "base/rng.h"
#include "kernels/kernels.h"

namespace {

using namespace ondol;
using dnnl::memory;

struct Problem {
  int64_t tokens, rows, columns;
};

std::vector<float> floats(int64_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(rng.normal());
  return values;
}

// With one thread its processor time, so that a shared machine matters less.
double now(bool processor_time) {
  timespec t{};
  clock_gettime(processor_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

template <class Work>
double best_seconds(bool processor_time, Work work) {
  const double begin = now(processor_time);
  double best = 1e9;
  do {
    const double start = now(processor_time);
    work();
    best = std::min(best, now(processor_time) - start);
  } while (now(processor_time) - begin < 0.15);
  return best;
}

// One problem on oneDNN: out[T, N] = x[T, K] * w[N, K]^T.
class Peer {
 public:
  Peer(const Problem& p, memory::data_type type, std::vector<float>& x, std::vector<float>& w)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    using tag = memory::format_tag;
    const memory::desc x_desc({p.tokens, p.columns}, type, tag::ab);
    const memory::desc w_any({p.columns, p.rows}, type, tag::any);
    const memory::desc out_desc({p.tokens, p.rows}, memory::data_type::f32, tag::ab);
    const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(x_desc, w_any, out_desc), engine_);
    given_x_ = memory({{p.tokens, p.columns}, memory::data_type::f32, tag::ab}, engine_, x.data());
    memory given_w({{p.columns, p.rows}, memory::data_type::f32, tag::ba}, engine_, w.data());
    x_ = memory(x_desc, engine_);
    w_ = memory(plan.weights_desc(), engine_);
    out_ = memory(out_desc, engine_);
    dnnl::reorder(given_w, w_).execute(stream_, given_w, w_);
    stream_.wait();
    convert_ = dnnl::reorder(given_x_, x_);
    product_ = dnnl::matmul(plan);
    convert_.execute(stream_, given_x_, x_);
    reorders_ = type != memory::data_type::f32;
  }
  void run() {
    if (reorders_) convert_.execute(stream_, given_x_, x_);
    product_.execute(stream_, {{DNNL_ARG_SRC, x_}, {DNNL_ARG_WEIGHTS, w_}, {DNNL_ARG_DST, out_}});
    stream_.wait();
  }
  const float* out() const { return static_cast<const float*>(out_.get_data_handle()); }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  memory given_x_, x_, w_, out_;
  dnnl::reorder convert_;
  dnnl::matmul product_;
  bool reorders_ = false;
};

void compare(const KernelContext& context, const Problem& p, DType dtype, int rounds) {
  auto x = floats(p.tokens * p.columns, 1), w = floats(p.rows * p.columns, 2);
  std::vector<std::byte> bytes(static_cast<size_t>(p.rows * dtype_bytes(dtype, p.columns)));
  encode_blocks(dtype, w, bytes);
  const PackedMatrix packed = PackedMatrix::pack(dtype, p.rows, p.columns, bytes, context.pool);
  Peer peer(p, dtype == DType::kF32 ? memory::data_type::f32 : memory::data_type::bf16, x, w);
  std::vector<float> out(static_cast<size_t>(p.tokens * p.rows));
  const MatmulPart part{&packed, nullptr, out.data(), p.rows};
  const auto ours = [&] { matmul(context, {x.data(), p.tokens, p.columns}, {&part, 1}); };
  ours();
  peer.run();
  double apart = 0, size = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    apart = std::max(apart, static_cast<double>(std::abs(out[i] - peer.out()[i])));
    size = std::max(size, static_cast<double>(std::abs(out[i])));
  }
  std::vector<double> ratios;
  double our_best = 1e9, their_best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const bool one = context.pool.size() == 1;
    const double a = best_seconds(one, ours), b = best_seconds(one, [&] { peer.run(); });
    ratios.push_back(b / a);
    our_best = std::min(our_best, a);
    their_best = std::min(their_best, b);
  }
  std::ranges::sort(ratios);
  const double flops = 2.0 * static_cast<double>(p.tokens * p.rows * p.columns) / 1e9;
  std::printf(
      "%-5s M %4lld N %5lld K %5lld: ondol %4.0f, oneDNN %4.0f GFLOP/s, ratio %.2f (%.2f-%.2f), "
      "apart %.1e\n",
      std::string(dtype_info(dtype).name).c_str(), static_cast<long long>(p.tokens),
      static_cast<long long>(p.rows), static_cast<long long>(p.columns), flops / our_best,
      flops / their_best, ratios[ratios.size() / 2], ratios.front(), ratios.back(), apart / size);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : 2);
  const KernelContext context{pool, best_kernels(), Precision::kFast};
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const Problem p :
         {Problem{1, 1536, 576}, Problem{16, 1536, 576}, Problem{512, 576, 576},
          Problem{512, 1536, 576}, Problem{512, 576, 1536}, Problem{1024, 4864, 896}}) {
      compare(context, p, dtype, rounds);
    }
  }
}
