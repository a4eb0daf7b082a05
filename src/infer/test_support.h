// What this room's tests share: the tiny models of tests/golden/models, and what an error said.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "infer/local_generator.h"
#include "support/paths.h"

namespace ondol::testing {

inline std::shared_ptr<Model> load_tiny(const std::string& name) {
  ThreadPool pool(1);
  return std::make_shared<Model>(load_model(golden_dir() / "models" / name, pool));
}

// Two layers, 288 pieces, 256 tokens of context, random weights. Loaded once.
inline std::shared_ptr<const Model> tiny_llama() {
  static const std::shared_ptr<const Model> kModel = load_tiny("llama_tied");
  return kModel;
}

inline std::unique_ptr<LocalGenerator> tiny_generator(LocalGeneratorOptions options = {},
                                                      int threads = 1) {
  return std::make_unique<LocalGenerator>(tiny_llama(), std::make_unique<ThreadPool>(threads),
                                          options);
}

inline size_t tiny_page_bytes() {
  KvShape shape = tiny_llama()->decoder->kv_shape();
  shape.type = LocalGeneratorOptions{}.kv();
  return KvPool(shape, 0).page_bytes();
}

// Ids of plain pieces, different for every `seed`.
inline std::vector<TokenId> some_ids(int64_t count, int64_t seed = 0) {
  std::vector<TokenId> ids;
  for (int64_t i = 0; i < count; ++i) {
    ids.push_back(static_cast<TokenId>((i * 37 + seed * 101 + i * i) % 256));
  }
  return ids;
}

// Keeps the answer to printable ASCII and off the token that ends it.
inline std::map<TokenId, float> ascii_only() {
  std::map<TokenId, float> bias;
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocab_size()); ++id) {
    const std::string bytes = tokenizer.token_bytes(id);
    bool ascii = !bytes.empty();
    for (const char c : bytes) ascii &= c >= ' ' && c <= '~';
    if (!ascii) bias[id] = -1000.0F;
  }
  return bias;
}

struct Thrown {
  bool thrown = false;
  ErrorCode code = ErrorCode::kInternal;
  std::string message = "nothing was thrown";
};

inline Thrown error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return {true, error.code(), error.what()};
  }
  return {};
}

inline void expect_error(const std::function<void()>& call, ErrorCode code,
                         const std::vector<std::string>& words) {
  const Thrown got = error_of(call);
  EXPECT_TRUE(got.thrown && got.code == code) << got.message;
  for (const std::string& word : words) {
    EXPECT_NE(got.message.find(word), std::string::npos)
        << got.message << " lacks '" << word << "'";
  }
}

}  // namespace ondol::testing
