#include "infer/local_embedder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "infer/test_support.h"
#include "models/test_forward.h"

namespace ondol::testing {
namespace {

LocalEmbedder tiny_embedder(const char* name, LocalEmbedderOptions options = {}, int threads = 1) {
  return LocalEmbedder(load_tiny(name), std::make_unique<ThreadPool>(threads), options);
}

std::vector<std::string> texts() {
  return {"hello world",
          "a",
          "the river is wide and the boat is small",
          "ondol, the warm floor",
          "hello",
          "one two three four five six seven eight nine ten",
          "world hello"};
}

TEST(LocalEmbedder, BatchesAndThreadsChangeNoBit) {
  for (const char* name : {"bert", "llama_tied"}) {
    LocalEmbedder all = tiny_embedder(name);
    const EmbedResult together = all.embed(texts(), {});
    ASSERT_EQ(together.vectors.size(), texts().size());
    LocalEmbedder small = tiny_embedder(name, {.batch_tokens_max = 1}, 2);
    EXPECT_EQ(small.embed(texts(), {}).vectors, together.vectors) << name;
    LocalEmbedder mixed = tiny_embedder(name, {.batch_tokens_max = 25}, 3);
    EXPECT_EQ(mixed.embed(texts(), {}).vectors, together.vectors) << name;
    for (size_t i = 0; i < texts().size(); ++i) {
      const std::string text = texts()[i];
      EXPECT_EQ(all.embed(std::span(&text, 1), {}).vectors[0], together.vectors[i]) << text;
    }
    EXPECT_TRUE(all.embed({}, {}).vectors.empty());
  }
}

TEST(LocalEmbedder, FormsOfTheWeightsAreNearAndAsReproducible) {
  ThreadPool pool(1);
  const auto path = golden_dir() / "models" / "bert";
  const auto own = tiny_embedder("bert").embed(texts(), {}).vectors;
  for (const WeightForm form : {WeightForm::kBf16, WeightForm::kInt8}) {
    const auto model = std::make_shared<Model>(load_model(path, pool, {}, {form}));
    LocalEmbedder embedder(model, std::make_unique<ThreadPool>(1), {});
    LocalEmbedder small(model, std::make_unique<ThreadPool>(3), {.batch_tokens_max = 25});
    const auto got = embedder.embed(texts(), {}).vectors;
    EXPECT_EQ(small.embed(texts(), {}).vectors, got);
    EXPECT_NE(got, own);
    for (size_t i = 0; i < own.size(); ++i) {
      EXPECT_GT(std::inner_product(got[i].begin(), got[i].end(), own[i].begin(), 0.0), 0.995);
    }
    EXPECT_NE(embedder.id().find(weight_form_name(form)), std::string::npos);
  }
  expect_error(
      [&] { load_model(golden_dir() / "models" / "llama_tied", pool, {}, {WeightForm::kInt8}); },
      ErrorCode::kUnsupported, {"int8", "encoder"});
}

TEST(LocalEmbedder, VectorsHaveTheModelsWidthAndUnitLength) {
  for (const char* name : {"bert", "llama_tied"}) {
    LocalEmbedder embedder = tiny_embedder(name);
    const EmbedResult result = embedder.embed(texts(), {});
    EXPECT_TRUE(result.truncated.empty());
    for (const auto& v : result.vectors) {
      EXPECT_EQ(static_cast<int64_t>(v.size()), embedder.dimensions());
      EXPECT_NEAR(std::inner_product(v.begin(), v.end(), v.begin(), 0.0), 1.0, 1e-5);
    }
    EXPECT_NE(result.vectors[0], result.vectors[6]);  // order of words counts
    EXPECT_EQ(embedder.languages(), std::vector<std::string>{"en"});
  }
}

TEST(LocalEmbedder, ADecoderIsTheMeanOfItsLastStates) {
  LocalEmbedder embedder = tiny_embedder("llama_tied", {.precision = Precision::kExact});
  const std::string text = "the river is wide";
  const auto got = embedder.embed(std::span(&text, 1), {}).vectors[0];
  ThreadPool pool(1);
  const auto model = tiny_llama();
  const Ids ids = model->tokenizer->encode(text, {.add_special = true});
  const Tensor states = hidden_states(*model, {pool, best_kernels(), Precision::kExact}, ids);
  std::vector<double> mean(static_cast<size_t>(model->info.width), 0.0);
  for (int64_t t = 0; t < static_cast<int64_t>(ids.size()); ++t) {
    for (size_t d = 0; d < mean.size(); ++d) mean[d] += states.row(t)[d];
  }
  const double norm = std::sqrt(std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0));
  for (size_t d = 0; d < mean.size(); ++d) EXPECT_NEAR(got[d], mean[d] / norm, 1e-6);
}

TEST(LocalEmbedder, LongTextsAreAnErrorUnlessCuttingIsAsked) {
  for (const char* name : {"bert", "llama_tied"}) {
    LocalEmbedder embedder = tiny_embedder(name);
    std::string text = "a";
    while (embedder.count_tokens(text) <= embedder.tokens_max()) text += " b c d";
    const std::vector<std::string> both = {"hello", text};
    const auto with_special =
        load_tiny(name)->tokenizer->encode(text, {.add_special = true}).size();
    expect_error([&] { embedder.embed(both, {}); }, ErrorCode::kInvalidArgument,
                 {std::to_string(with_special), std::to_string(embedder.tokens_max())});
    const EmbedResult cut = embedder.embed(both, {.truncate = true});
    EXPECT_EQ(cut.truncated, std::vector<size_t>{1});
    EXPECT_EQ(cut.vectors[0], embedder.embed(std::span(both).first(1), {}).vectors[0]);
    // What is cut off changes nothing.
    const std::vector<std::string> longer = {text + " zebra"};
    EXPECT_EQ(embedder.embed(longer, {.truncate = true}).vectors[0], cut.vectors[1]);
  }
}

TEST(LocalEmbedder, ErrorsOfEmptyTextsAndModelsWithoutTokenizer) {
  LocalEmbedder embedder = tiny_embedder("llama_tied");
  const std::vector<std::string> with_empty = {"hello", ""};
  expect_error([&] { embedder.embed(with_empty, {}); }, ErrorCode::kInvalidArgument,
               {"text 2 is empty"});
  const auto mute = load_tiny("bert");
  mute->tokenizer.reset();
  expect_error([&] { LocalEmbedder(mute, std::make_unique<ThreadPool>(1), {}); },
               ErrorCode::kUnsupported, {"no tokenizer"});
}

TEST(LocalEmbedder, LanguagesFollowTheVocabulary) {
  const auto model = load_tiny("bert");
  text::TokenizerConfig config = model->tokenizer->config();
  const auto add = [&](char32_t first, int count) {
    for (int i = 0; i < count; ++i) {
      const char32_t c = first + static_cast<char32_t>(i);
      config.pieces.push_back({static_cast<char>(0xE0 | (c >> 12)),
                               static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
                               static_cast<char>(0x80 | (c & 0x3F))});
    }
    if (!config.types.empty()) config.types.resize(config.pieces.size(), text::TokenType::kNormal);
  };
  const auto languages = [&] {
    model->tokenizer = text::make_tokenizer(config);
    return LocalEmbedder(model, std::make_unique<ThreadPool>(1), {}).languages();
  };
  add(0xAC00, 100);  // as many Hangul syllables as English BERT has
  EXPECT_EQ(languages(), std::vector<std::string>{"en"});
  add(0xAC00 + 100, 2000);
  EXPECT_EQ(languages(), (std::vector<std::string>{"en", "ko"}));
  add(0x4E00, 5000);
  EXPECT_EQ(languages(), (std::vector<std::string>{"en", "ko", "zh", "ja"}));
}

TEST(LocalEmbedder, TheIdTellsWeightsAndPrecisionApart) {
  EXPECT_EQ(tiny_embedder("bert").id(), tiny_embedder("bert", {}, 2).id());
  EXPECT_NE(tiny_embedder("bert").id(), tiny_embedder("llama_tied").id());
  EXPECT_NE(tiny_embedder("bert").id(),
            tiny_embedder("bert", {.precision = Precision::kExact}).id());
}

}  // namespace
}  // namespace ondol::testing
