// What this room's tests share: a temporary folder, a deterministic embedder, benchmark files.
#pragma once

#include <stdlib.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/rng.h"
#include "ground/analysis.h"
#include "infer/embedder.h"

namespace ondol::ground::testing {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "ondol_ground_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Hashes the terms of a text into a unit vector: texts that share words are near.
class HashEmbedder final : public Embedder {
 public:
  explicit HashEmbedder(std::vector<std::string> languages = {"en"}, std::string id = "hash-1")
      : languages_(std::move(languages)), id_(std::move(id)) {}

  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions&) override {
    EmbedResult result;
    const Analyzer analyzer;
    for (const std::string& text : texts) {
      std::vector<float> vector(kDimensions, 0.0f);
      for (const std::string& term : analyzer.terms(text)) {
        Rng rng(std::hash<std::string>()(term));
        for (float& x : vector) x += static_cast<float>(rng.normal());
      }
      float norm = 0;
      for (const float x : vector) norm += x * x;
      for (float& x : vector) x /= norm > 0 ? std::sqrt(norm) : 1.0f;
      result.vectors.push_back(std::move(vector));
      if (count_tokens(text) > tokens_max()) {
        result.truncated.push_back(result.vectors.size() - 1);
      }
      ++texts_embedded;
    }
    return result;
  }
  int64_t dimensions() const override { return kDimensions; }
  int64_t tokens_max() const override { return 256; }
  int64_t count_tokens(const std::string& text) const override {
    int64_t count = 0;
    bool in_word = false;
    for (const char c : text) {
      const bool blank = c == ' ' || c == '\n' || c == '\t';
      count += !blank && !in_word;
      in_word = !blank;
    }
    return count;
  }
  std::string id() const override { return id_; }
  std::vector<std::string> languages() const override { return languages_; }

  std::atomic<int64_t> texts_embedded = 0;

 private:
  static constexpr int64_t kDimensions = 32;
  std::vector<std::string> languages_;
  std::string id_;
};

class RecordedProgress final : public ProgressSink {
 public:
  void update(std::string_view, uint64_t, uint64_t) override { ++updates; }
  void notice(std::string_view sentence) override { notices.emplace_back(sentence); }
  int updates = 0;
  std::vector<std::string> notices;
};

}  // namespace ondol::ground::testing
