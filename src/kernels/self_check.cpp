// A comparison of two instruction sets on fixed numbers, for sets that could not be tested where
// this program was written (docs/decisions/0016).
#include "base/rng.h"
#include "kernels/packed.h"

namespace ondol {
namespace {

constexpr int64_t kTokens = 19;  // more than a tile of tokens, no multiple of one
constexpr int64_t kRows = 40;    // two panels together and half of one alone
constexpr int64_t kColumns = 256;
constexpr int64_t kBlocks = kColumns / kBlock;
constexpr int64_t kPanels = (kRows + kPanelRows - 1) / kPanelRows;

// Activations of kTokens tokens and the memory they lie in.
struct Inputs {
  std::vector<int8_t> codes = std::vector<int8_t>(kTokens * kColumns);
  std::vector<float> floats = std::vector<float>(3 * kTokens * kBlocks);
  std::vector<int32_t> starts = std::vector<int32_t>(5 * kTokens * kBlocks);

  Activations view() {
    constexpr int64_t kCells = kTokens * kBlocks;
    float* f = floats.data();
    int32_t* s = starts.data();
    return {codes.data(),
            f,
            f + kCells,
            f + 2 * kCells,
            {s, s + kCells, s + 2 * kCells, s + 3 * kCells}};
  }
};

// `count` is a multiple of 4; `mask` is of every byte.
std::vector<uint8_t> random_bytes(int64_t count, uint32_t mask, uint64_t stream) {
  Rng rng(16, stream);
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; i += 4) {
    const uint32_t four = rng.next_u32() & mask;
    std::memcpy(bytes.data() + i, &four, sizeof four);
  }
  return bytes;
}

std::vector<float> product(const KernelTable& table, const PackedView& weight,
                           const Activations& x) {
  const AlignedArray<std::byte> scratch = allocate_aligned(kScratchPanels * kColumns * kPanelRows);
  std::vector<float> out(kTokens * kRows);
  table.matmul_fast(
      {&weight, x, kTokens, 0, kPanels, {out.data(), kRows, nullptr, false}, scratch.get()});
  return out;
}

}  // namespace

bool same_fast_products(const KernelTable& a, const KernelTable& b) {
  Inputs inputs;
  const Activations x = inputs.view();
  Rng rng(16);
  std::vector<float> values(kColumns);
  for (int64_t t = 0; t < kTokens; ++t) {
    for (float& v : values) v = static_cast<float>(rng.normal());
    b.quantize(values.data(), kColumns, t, x);
  }
  for (const DType dtype : {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                            DType::kQ4_K, DType::kQ5_K, DType::kQ6_K}) {
    const QuantTraits traits = quant_traits(dtype);
    const int64_t codes_stride = kBlocks * code_block_bytes(traits.bits);
    const int64_t scales_stride = kColumns / traits.scale_block * traits.scale_bytes;
    // Any code is allowed. Scale bytes below 64 are 6-bit scales and halves below 2.
    const auto codes = random_bytes(kPanels * codes_stride, 0xffffffffU, 1);
    const auto scales = random_bytes(kPanels * scales_stride, 0x3f3f3f3fU, 2);
    const PackedView weight{dtype,        kRows,         kColumns,     kPanels,
                            codes.data(), scales.data(), codes_stride, scales_stride};
    const auto one = product(a, weight, x), other = product(b, weight, x);
    if (std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace ondol
