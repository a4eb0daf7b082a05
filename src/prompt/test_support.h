// What tests of prompts and of what stands on them share: a generator that follows a script
// (support/scripted_generator.h), and an embedder that counts letters.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "infer/embedder.h"
#include "support/scripted_generator.h"

namespace ondol::prompt::testing {

using ondol::testing::ScriptedGenerator;

// 26 dimensions: how often each English letter stands in the text.
class LetterEmbedder final : public Embedder {
 public:
  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions&) override {
    EmbedResult result;
    for (const std::string& text : texts) {
      std::vector<float> vector(26, 0.0F);
      for (const char c : text) {
        if (c >= 'a' && c <= 'z') ++vector[static_cast<size_t>(c - 'a')];
      }
      float norm = 0;
      for (const float x : vector) norm += x * x;
      for (float& x : vector) x /= norm > 0 ? std::sqrt(norm) : 1;
      result.vectors.push_back(std::move(vector));
      ++texts_embedded;
    }
    return result;
  }
  int64_t dimensions() const override { return 26; }
  int64_t tokens_max() const override { return 1000; }
  int64_t count_tokens(const std::string& text) const override {
    return static_cast<int64_t>(text.size());
  }
  std::string id() const override { return "letters-1"; }
  std::vector<std::string> languages() const override { return {"en"}; }
  std::atomic<int64_t> texts_embedded = 0;
};

// What `call` threw; "no error" when nothing.
inline std::string error_text(const std::function<void()>& call,
                              ErrorCode code = ErrorCode::kInvalidArgument) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  return "no error";
}

}  // namespace ondol::prompt::testing
