// The tile kernels: their logic over tiles in software on every machine, and the processor's own
// tiles where it has them (there the other tests of this room run them as well).
#include <algorithm>

#include "base/error.h"
#include "kernels/cpu/amx_software.h"
#include "kernels/test_support.h"

namespace ondol::testing {
namespace {

#if defined(__x86_64__)

TileConfig small_config() {  // sum 0: 3 x 2 elements; a 1: 3 rows of 8 bytes; b 2: 2 rows of 8
  TileConfig config;
  config.rows[0] = config.rows[1] = 3;
  config.rows[2] = 2;
  for (int i = 0; i < 3; ++i) config.row_bytes[i] = 8;
  return config;
}

TEST(SoftwareTiles, MultiplyAsTheManualSays) {
  SoftwareTiles tiles(small_config());
  // Rows of a are 10 bytes apart, the last two of each belong to nobody.
  const int8_t a[30] = {1, 2, 3, 4,  5,  6,   7,   8,   99,  99, -128, -128, -128, -128, 0,
                        0, 0, 0, 99, 99, 127, 127, 127, 127, 1,  -1,   2,    -2,   99,   99};
  const int8_t b[16] = {1, 0, -1, 2, 127, 127, 127, 127, 3, 1, 0, 0, -128, -128, -128, -128};
  int32_t sums[6] = {1000, -1, 2147483647, -2147483647 - 1, 5, 6};
  tiles.load<0>(sums, 8);
  tiles.load<1>(a, 10);
  tiles.load<2>(b, 8);
  tiles.dot<0, 1, 2>();
  tiles.store<0>(sums, 8);
  EXPECT_EQ(sums[0], 1000 + (1 - 3 + 8) + (15 + 6));
  EXPECT_EQ(sums[1], -1 + 127 * 10 - 128 * 26);
  EXPECT_EQ(sums[2], 2147483647 - 256);
  // Past the smallest number it wraps.
  EXPECT_EQ(static_cast<uint32_t>(sums[3]), 0x80000000U - 128U * 127U * 4U);
  EXPECT_EQ(sums[4], 5 + 127 * 2 + 2);
  EXPECT_EQ(sums[5], 6 + 4 * 127 * 127);
  tiles.zero<0>();
  tiles.store<0>(sums, 8);
  for (const int32_t sum : sums) EXPECT_EQ(sum, 0);
}

TEST(SoftwareTilesDeathTest, TrapWhereTheManualSaysSo) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  TileConfig bad = small_config();
  bad.rows[1] = 2;  // not the rows of the sum
  EXPECT_DEATH((SoftwareTiles(bad).dot<0, 1, 2>()), "");
  bad = small_config();
  bad.row_bytes[1] = 12;  // not four bytes a row of b
  EXPECT_DEATH((SoftwareTiles(bad).dot<0, 1, 2>()), "");
  bad = small_config();
  bad.rows[1] = 17;
  EXPECT_DEATH(SoftwareTiles{bad}, "");
  EXPECT_DEATH(SoftwareTiles(small_config()).zero<3>(), "");  // not configured
}

using Product = void (*)(const FastMatmul&);
struct TileTable {
  std::string name;
  KernelTable table;
};

TileTable with_product(std::string_view isa, std::string name, Product product) {
  TileTable tiles{std::move(name), kernels_for(isa)};
  tiles.table.matmul_fast = product;
  return tiles;
}

std::vector<TileTable> tile_tables() {
  std::vector<TileTable> tables;
  for (const std::string_view isa : supported_isas()) {
    if (isa == "avx2") {
      tables.push_back(with_product(isa, "avx2 lanes", avx2::matmul_fast_software_tiles));
    }
    if (isa == "avx512") {
      tables.push_back(with_product(isa, "avx512 lanes", avx512::matmul_fast_software_tiles));
    }
    if (isa == "avx512_amx") tables.push_back({"processor's tiles", kernels_for(isa)});
  }
  return tables;
}

class TileTypes : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(Types, TileTypes, ::testing::ValuesIn(kQuantTypes),
                         [](const auto& type) { return std::string(dtype_info(type.param).name); });

// Every shape of outputs (one panel, pairs, a pair and a half), of tokens (one tile, tiles that
// overlap in either half, tiles that do not) and of columns (less than a stage of blocks, stages
// and a rest).
TEST_P(TileTypes, HaveTheReferencesBits) {
  const bool super = dtype_info(GetParam()).block_elements == 256;
  ThreadPool one(1), two(2);
  for (const int64_t columns :
       super ? std::vector<int64_t>{256, 768} : std::vector<int64_t>{32, 96, 128, 160, 576}) {
    const auto x = random_floats(static_cast<size_t>(67 * columns), 4);
    for (const int64_t rows : {16, 32, 41}) {
      const auto blocks = random_blocks(GetParam(), rows * columns, 3);
      const auto weight = PackedMatrix::pack(GetParam(), rows, columns, blocks, one);
      const auto bias = random_floats(static_cast<size_t>(rows), 5);
      for (const bool accumulate : {false, true}) {
        const auto product = [&](ThreadPool& pool, const KernelTable& table, int64_t tokens) {
          auto out = random_floats(static_cast<size_t>(tokens * rows), 6);
          const MatmulPart part{&weight, bias.data(), out.data(), rows, accumulate};
          matmul({pool, table}, {x.data(), tokens, columns}, {&part, 1});
          return out;
        };
        const auto want = product(one, kernels_for("ref"), 67);
        for (const TileTable& tiles : tile_tables()) {
          for (const int64_t tokens : {16, 17, 23, 24, 25, 32, 48, 67}) {
            for (ThreadPool* pool : {&one, &two}) {
              ASSERT_TRUE(same_bits(product(*pool, tiles.table, tokens),
                                    {want.begin(), want.begin() + tokens * rows}))
                  << tiles.name << " rows " << rows << " columns " << columns << " tokens "
                  << tokens << " threads " << pool->size() << " accumulate " << accumulate;
            }
          }
        }
      }
    }
  }
}

// The largest codes on both sides, an infinity, blocks of zeros.
TEST_P(TileTypes, SpecialNumbers) {
  constexpr int64_t kColumns = 256, kRows = 32, kTokens = 20;
  ThreadPool pool(1);
  auto blocks = random_blocks(GetParam(), kRows * kColumns, 8);
  const auto weight = PackedMatrix::pack(GetParam(), kRows, kColumns, blocks, pool);
  auto x = random_floats(kTokens * kColumns, 9);
  for (int64_t k = 0; k < kColumns; ++k) x[k] = k % 2 ? 1.0F : -1.0F;  // codes of 127
  std::fill_n(x.begin() + kColumns, kColumns, 0.0F);
  x[18 * kColumns + 70] = INFINITY;
  const auto product = [&](const KernelTable& table) {
    std::vector<float> out(kTokens * kRows);
    const MatmulPart part{&weight, nullptr, out.data(), kRows};
    matmul({pool, table}, {x.data(), kTokens, kColumns}, {&part, 1});
    return out;
  };
  const auto want = product(kernels_for("ref"));
  EXPECT_EQ(std::ranges::count_if(want, [](float v) { return std::isnan(v); }), kRows);
  for (const TileTable& tiles : tile_tables()) {
    EXPECT_TRUE(same_bits(product(tiles.table), want)) << tiles.name;
  }
}

TEST(Amx, TheProcessorsTilesAreTested) {
  const auto tables = tile_tables();
  const bool own = std::ranges::any_of(
      tables, [](const TileTable& tiles) { return tiles.name == "processor's tiles"; });
  if (!own) {
    const std::string why = unused_isa();
    GTEST_SKIP() << "only tiles in software were tested here: "
                 << (why.empty() ? "this processor has no AMX int8" : why);
  }
  EXPECT_TRUE(same_fast_products(kernels_for("avx512_amx"), kernels_for("avx512")));
}

// Leaves one output of the last panel out.
void matmul_but_one(const FastMatmul& work) {
  kRefTable.matmul_fast(work);
  work.output.out[(work.tokens - 1) * work.output.out_stride + work.weight->rows - 1] += 1.0F;
}

void matmul_without_q6(const FastMatmul& work) {
  kRefTable.matmul_fast(work);
  if (work.weight->dtype == DType::kQ6_K) work.output.out[0] = 0;
}

TEST(SelfCheck, AcceptsEqualSetsAndFindsADifference) {
  for (const KernelTable* table : vector_tables()) {
    EXPECT_TRUE(same_fast_products(*table, kRefTable)) << kernel_isa(*table);
  }
  for (const TileTable& tiles : tile_tables()) {
    EXPECT_TRUE(same_fast_products(tiles.table, kRefTable)) << tiles.name;
  }
  for (const Product broken : {matmul_but_one, matmul_without_q6}) {
    KernelTable table = kRefTable;
    table.matmul_fast = broken;
    EXPECT_FALSE(same_fast_products(table, kRefTable));
  }
}

TEST(Dispatch, TellsWhyAnInstructionSetIsNotUsed) {
  const std::string why = unused_isa();
  const bool used = std::ranges::count(supported_isas(), "avx512_amx") != 0;
  if (used) {
    EXPECT_EQ(why, "");
    EXPECT_EQ(supported_isas().front(), "avx512_amx");
    return;
  }
  try {
    kernels_for("avx512_amx");
    FAIL() << "a set that this machine lacks was given out";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
  }
}

#endif

}  // namespace
}  // namespace ondol::testing
