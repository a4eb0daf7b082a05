// Real data sets: every row is read, in the format that its keys say.
#include <gtest/gtest.h>

#include "support/paths.h"
#include "train/dataset.h"

namespace ondol::train {
namespace {

struct Set {
  const char* folder;
  const char* file;
  const char* format;
  size_t rows;
};

class RealSets : public ::testing::TestWithParam<Set> {};

TEST_P(RealSets, AreReadWhole) {
  ONDOL_NEED_DATA(GetParam().folder);
  const std::filesystem::path path = testing::data_dir() / GetParam().folder / GetParam().file;
  const Dataset data = read_dataset(std::span(&path, 1), {});
  EXPECT_EQ(data.files.at(0).format, GetParam().format);
  EXPECT_EQ(data.rows.size(), GetParam().rows);
  size_t prompts = 0;
  for (const Row& row : data.rows) {
    EXPECT_FALSE(row_text(row, false).empty());
    prompts += row_text(row, true).empty() ? 0 : 1;
  }
  // Of hh-rlhf the prompt is part of both answers.
  const bool hidden = std::string(GetParam().folder) == "hh_rlhf_harmless";
  EXPECT_EQ(prompts, hidden ? 0 : GetParam().rows);
}

INSTANTIATE_TEST_SUITE_P(
    Files, RealSets,
    ::testing::Values(Set{"gsm8k", "train.jsonl", "question-answer", 7473},
                      Set{"banking77", "train.jsonl", "text-label", 10003},
                      Set{"nsmc", "train.jsonl", "text-label", 7962},
                      Set{"dpo_en", "train.jsonl", "preference", 249},
                      Set{"hh_rlhf_harmless", "train.jsonl", "preference", 1156},
                      Set{"kto_en", "train.jsonl", "feedback-messages", 250},
                      Set{"glaive_toolcall", "train.jsonl", "conversations", 200},
                      Set{"t0_p3", "train.jsonl", "prompt-completion", 2153},
                      Set{"sts_semeval", "train.jsonl", "sentence-pair", 6375},
                      Set{"klue", "nli.dev.jsonl", "entailment", 1500}),
    [](const auto& row) { return std::string(row.param.folder); });

}  // namespace
}  // namespace ondol::train
