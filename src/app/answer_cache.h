// Answers kept between runs: one JSON line each, appended whole, the last one of a key wins. A torn
// last line (the process was killed while writing) is skipped.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "app/recipe.h"
#include "infer/slots.h"

namespace ondol::app {

class AnswerCache {
 public:
  // Reads the file; makes its folder. Throws Error(kResourceExhausted) when it cannot be written.
  explicit AnswerCache(const std::filesystem::path& file);
  ~AnswerCache();
  AnswerCache(const AnswerCache&) = delete;
  AnswerCache& operator=(const AnswerCache&) = delete;

  // Text, refusal, log-likelihoods, usage, timing and trace; evidence and citations are found again
  // by the caller.
  std::optional<Answer> find(const std::string& key) const;
  void put(const std::string& key, const Answer& answer);

  // Costs of a recipe, as JSON text.
  std::optional<std::string> find_text(const std::string& key) const;
  void put_text(const std::string& key, const std::string& value);

 private:
  void append(const std::string& key, const std::string& value);
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::string> lines_;
  int fd_ = -1;
};

}  // namespace ondol::app
