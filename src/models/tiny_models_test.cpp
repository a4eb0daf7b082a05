// Tiny random models against Hugging Face's values (tools/golden/model.py), in every file format.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "models/test_forward.h"
#include "support/paths.h"

namespace ondol::testing {
namespace {

using nlohmann::json;

constexpr float kTolerance = 1e-4F;  // absolute, on values that spread over about 8 units

std::filesystem::path folder_of(const std::string& name) { return golden_dir() / "models" / name; }

Model load_tiny(const std::string& name, ThreadPool& pool) {
  const auto file = folder_of(name) / "model.gguf";
  return load_model(std::filesystem::exists(file) ? file : folder_of(name), pool);
}

json expected_of(const std::string& name) {
  return json::parse(read_file(folder_of(name) / "expected.json"));
}

class TinyLlama : public ::testing::TestWithParam<const char*> {
 protected:
  TinyLlama() : model(load_tiny(GetParam(), pool)), expected(expected_of(GetParam())) {
    ids = expected["ids"].get<Ids>();
  }
  ops::Context context(Precision precision = Precision::kExact) {
    return {pool, best_kernels(), precision};
  }

  ThreadPool pool{1};
  Model model;
  json expected;
  Ids ids;
};

TEST_P(TinyLlama, LogitsAreThoseOfHuggingFace) {
  const Tensor hidden = hidden_states(model, context(), ids);
  const Tensor logits = model.decoder->logits(context(), hidden);
  for (const json& row : expected["logits"]) {
    const std::vector<float> values = row["values"];
    EXPECT_LT(largest_difference(logits.row(row["position"]), values), kTolerance)
        << "position " << row["position"];
  }
}

TEST_P(TinyLlama, ComposedFormIsTheOracleOfTheFusedOne) {
  ops::Context composed = context();
  composed.form = ops::Form::kComposed;
  const Tensor fused = model.decoder->logits(context(), hidden_states(model, context(), ids));
  const Tensor other = model.decoder->logits(composed, hidden_states(model, composed, ids));
  const auto count = static_cast<size_t>(fused.size());
  EXPECT_LT(largest_difference({fused.data(), count}, {other.data(), count}), kTolerance);
}

TEST_P(TinyLlama, ChunksChangeNoBit) {
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const Tensor whole = hidden_states(model, context(precision), ids);
    for (int64_t chunk : {1, 7, 64, 100}) {
      EXPECT_TRUE(same_bits(whole, hidden_states(model, context(precision), ids, chunk)))
          << "chunk " << chunk << ", precision " << static_cast<int>(precision);
    }
  }
}

TEST_P(TinyLlama, ThreadsChangeNoBit) {
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const Tensor one = hidden_states(model, context(precision), ids);
    for (int threads : {2, 3}) {
      ThreadPool other(threads);
      const Tensor more = hidden_states(model, {other, best_kernels(), precision}, ids);
      EXPECT_TRUE(same_bits(one, more)) << threads << " threads";
    }
  }
}

TEST_P(TinyLlama, InstructionSetsChangeNoBit) {
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const Tensor best = hidden_states(model, context(precision), ids);
    for (std::string_view isa : supported_isas()) {
      const Tensor other = hidden_states(model, {pool, kernels_for(isa), precision}, ids);
      EXPECT_TRUE(same_bits(best, other)) << isa;
    }
  }
}

// Three sequences of different lengths, prefilled together and then decoded together.
TEST_P(TinyLlama, NeighboursInABatchChangeNoBit) {
  const std::array<int64_t, 3> lengths = {70, 3, 129};
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const auto pages = make_pool(model, 192, 3);
    std::vector<std::unique_ptr<TestSequence>> sequences;
    SequenceBatch prefill, decode;
    prefill.kv = decode.kv = pages.get();
    Ids prefill_ids, decode_ids;
    for (size_t s = 0; s < lengths.size(); ++s) {
      sequences.push_back(std::make_unique<TestSequence>(*pages, 192));
      prefill.sequences.push_back(sequences[s]->next(prefill.tokens(), lengths[s]));
      prefill_ids.insert(prefill_ids.end(), ids.begin() + s, ids.begin() + s + lengths[s]);
      decode.sequences.push_back(sequences[s]->next(decode.tokens(), 1));
      decode_ids.push_back(ids[s + lengths[s]]);
    }
    const Tensor first = model.decoder->forward(context(precision), prefill_ids, prefill);
    const Tensor second = model.decoder->forward(context(precision), decode_ids, decode);
    for (size_t s = 0; s < lengths.size(); ++s) {
      const Ids alone(ids.begin() + s, ids.begin() + s + lengths[s] + 1);
      const Tensor expected_states = hidden_states(model, context(precision), alone);
      const SequenceSlice& slice = prefill.sequences[s];
      EXPECT_TRUE(same_bits(expected_states.rows(0, lengths[s]),
                            first.rows(slice.token_begin, slice.token_end)));
      const auto row = static_cast<int64_t>(s);
      EXPECT_TRUE(
          same_bits(expected_states.rows(lengths[s], lengths[s] + 1), second.rows(row, row + 1)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TinyLlama,
                         ::testing::Values("llama_tied", "llama_tied_f32_gguf",
                                           "llama_tied_q8_gguf", "llama3_untied",
                                           "llama3_untied_gguf"),
                         [](const auto& name) { return std::string(name.param); });

TEST(TinyLlamaFiles, BothFormatsHoldTheSameModel) {
  ThreadPool pool(1);
  const Model folder = load_tiny("llama3_untied", pool),
              file = load_tiny("llama3_untied_gguf", pool);
  EXPECT_EQ(folder.info.parameters, file.info.parameters);
  EXPECT_EQ(folder.info.architecture, "llama");
  EXPECT_EQ(folder.info.heads, 4);
  EXPECT_EQ(folder.info.kv_heads, 2);
  EXPECT_EQ(folder.info.head_width, 16);
  EXPECT_EQ(folder.info.vocabulary, 288);
  EXPECT_EQ(folder.info.context_tokens_max, 256);
  EXPECT_EQ(file.info.context_tokens_max, 256);
  EXPECT_EQ(folder.info.weights_summary, "bf16 29");
  EXPECT_EQ(folder.tokenizer->encode("hello world", {}), file.tokenizer->encode("hello world", {}));
  EXPECT_NE(folder.chat_template.find("<|end|>"), std::string::npos);
  EXPECT_EQ(file.chat_template, "");
  EXPECT_EQ(folder.hash.size(), 64U);
  EXPECT_NE(folder.hash, file.hash);
}

class TinyBert : public ::testing::Test {
 protected:
  Tensor states(const ops::Context& context, const std::vector<Ids>& texts) {
    SequenceBatch batch;
    Ids all;
    for (const Ids& text : texts) {
      const int64_t row = batch.tokens();
      batch.sequences.push_back({row, row + static_cast<int64_t>(text.size()), 0, {}});
      all.insert(all.end(), text.begin(), text.end());
    }
    return model.encoder->forward(context, all, batch);
  }

  ThreadPool pool{2};
  Model model = load_tiny("bert", pool);
  json expected = expected_of("bert");
};

TEST_F(TinyBert, StatesAreThoseOfHuggingFace) {
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  for (const json& text : expected["texts"]) {
    const Tensor out = states(context, {text["ids"].get<Ids>()});
    for (const json& row : text["states"]) {
      const std::vector<float> values = row["values"];
      EXPECT_LT(largest_difference(out.row(row["position"]), values), kTolerance);
    }
  }
}

TEST_F(TinyBert, NeighboursInABatchChangeNoBit) {
  for (Precision precision : {Precision::kExact, Precision::kFast}) {
    const ops::Context context{pool, best_kernels(), precision};
    std::vector<Ids> texts;
    for (const json& text : expected["texts"]) texts.push_back(text["ids"].get<Ids>());
    const Tensor together = states(context, texts);
    int64_t row = 0;
    for (const Ids& text : texts) {
      const auto tokens = static_cast<int64_t>(text.size());
      EXPECT_TRUE(same_bits(together.rows(row, row + tokens), states(context, {text})));
      row += tokens;
    }
  }
}

TEST_F(TinyBert, ComposedFormIsTheOracleOfTheFusedOne) {
  const ops::Context fused{pool, best_kernels(), Precision::kExact};
  ops::Context composed = fused;
  composed.form = ops::Form::kComposed;
  const std::vector<Ids> texts = {expected["texts"][2]["ids"].get<Ids>()};
  const Tensor a = states(fused, texts), b = states(composed, texts);
  const auto count = static_cast<size_t>(a.size());
  EXPECT_LT(largest_difference({a.data(), count}, {b.data(), count}), kTolerance);
}

TEST_F(TinyBert, TooLongATextIsAnErrorWithBothNumbers) {
  const ops::Context context{pool, best_kernels(), Precision::kExact};
  try {
    states(context, {Ids(161, 5)});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[encoder] tokens of a sequence; got 161, expected at most 160");
  }
}

}  // namespace
}  // namespace ondol::testing
