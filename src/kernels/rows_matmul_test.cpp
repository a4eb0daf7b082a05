#include <algorithm>

#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

TEST(RowsMatmul, ChosenRowsHaveTheBitsOfTheWholeProduct) {
  ThreadPool pool(2);
  constexpr int64_t kRows = 2021, kColumns = 256;  // the last panel is not full
  const std::vector<std::vector<int32_t>> choices = {
      {}, {0}, {2020}, {17, 18, 40}, {15, 16, 31, 32, 600, 616, 1000, 2016, 2020}};
  std::vector<int32_t> every_third;
  for (int32_t r = 0; r < kRows; r += 33) every_third.push_back(r);
  for (const DType dtype : kAllTypes) {
    const auto blocks = random_blocks(dtype, kRows * kColumns, 5);
    const PackedMatrix w = PackedMatrix::pack(dtype, kRows, kColumns, blocks, pool);
    const auto x = random_floats(kColumns, 6);
    for (const std::string_view isa : supported_isas()) {
      for (const Precision precision : {Precision::kExact, Precision::kFast}) {
        const KernelContext context{pool, kernels_for(isa), precision};
        std::vector<float> whole(kRows);
        const MatmulPart part{&w, nullptr, whole.data(), kRows};
        matmul(context, {x.data(), 1, kColumns}, {&part, 1});
        auto rows_of = choices;
        rows_of.push_back(every_third);
        for (const auto& rows : rows_of) {
          std::vector<float> some(kRows, -7.0F), expected(kRows, -7.0F);
          for (const int32_t r : rows) {  // whole panels
            const int64_t begin = r / kPanelRows * kPanelRows;
            const int64_t end = std::min(begin + kPanelRows, kRows);
            std::copy(whole.begin() + begin, whole.begin() + end, expected.begin() + begin);
          }
          matmul_rows(context, x.data(), w, rows, some.data());
          EXPECT_TRUE(same_bits(some, expected)) << dtype_info(dtype).name << " " << isa;
        }
      }
    }
  }
}

}  // namespace
}  // namespace ondol::testing
