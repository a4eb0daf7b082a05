#include "models/sentence_config.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace ondol::models {
namespace {

constexpr const char* kModules =
    R"([{"type": "sentence_transformers.models.Transformer", "path": ""},
        {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
        {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}])";

io::ModelTexts texts_with(std::string pooling) {
  io::ModelTexts texts;
  texts.modules = kModules;
  texts.pooling = std::move(pooling);
  return texts;
}

TEST(SentenceConfig, ReadsModulesAsSentenceTransformersDoes) {
  io::ModelTexts texts = texts_with(R"({"pooling_mode_mean_tokens": true})");
  texts.sentence_bert_config = R"({"max_seq_length": 256})";
  const auto mean = folder_pooling(texts, 512, "m");
  ASSERT_TRUE(mean);
  EXPECT_EQ(mean->kind, PoolingConfig::Kind::kMean);
  EXPECT_TRUE(mean->normalize);
  EXPECT_EQ(mean->tokens_max, 256);

  texts = texts_with(R"({"pooling_mode_mean_tokens": false, "pooling_mode_cls_token": true})");
  const auto cls = folder_pooling(texts, 512, "m");
  EXPECT_EQ(cls->kind, PoolingConfig::Kind::kCls);
  EXPECT_EQ(cls->tokens_max, 512);

  texts.modules = R"([{"type": "sentence_transformers.models.Pooling"}])";
  EXPECT_FALSE(folder_pooling(texts, 512, "m")->normalize);
  EXPECT_FALSE(folder_pooling({}, 512, "m"));
}

TEST(SentenceConfig, WhatNothingHereComputesIsAnError) {
  for (const char* pooling :
       {R"({})", R"({"pooling_mode_max_tokens": true})",
        R"({"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true})",
        R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})"}) {
    EXPECT_THROW(folder_pooling(texts_with(pooling), 512, "m"), Error) << pooling;
  }
  io::ModelTexts texts = texts_with(R"({"pooling_mode_mean_tokens": true})");
  texts.modules = R"([{"type": "sentence_transformers.models.Dense"}])";
  EXPECT_THROW(folder_pooling(texts, 512, "m"), Error);
  texts.modules = kModules;
  texts.pooling.reset();
  EXPECT_THROW(folder_pooling(texts, 512, "m"), Error);
}

TEST(SentenceConfig, ChatTemplateFromWhereverItStands) {
  io::ModelTexts texts;
  EXPECT_EQ(folder_chat_template(texts, "m"), "");
  texts.tokenizer_config = R"({"chat_template": null})";
  EXPECT_EQ(folder_chat_template(texts, "m"), "");
  texts.tokenizer_config = R"({"chat_template": "{{ one }}"})";
  EXPECT_EQ(folder_chat_template(texts, "m"), "{{ one }}");
  texts.tokenizer_config = R"({"chat_template": [{"name": "tool_use", "template": "t"},
                                                 {"name": "default", "template": "d"}]})";
  EXPECT_EQ(folder_chat_template(texts, "m"), "d");
  texts.chat_template = "file";
  EXPECT_EQ(folder_chat_template(texts, "m"), "file");
}

}  // namespace
}  // namespace ondol::models
