// What tests of searches that ask a model share: a model that follows a script, and a reranker that
// counts shared words.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "ground/analysis.h"
#include "infer/cached_generator.h"
#include "infer/reranker.h"
#include "support/scripted_generator.h"

namespace ondol::ground::testing {

class ScriptedModel final : public ondol::testing::ScriptedGenerator {
 public:
  // The user's message to the answer; may throw.
  std::function<std::string(const std::string& user)> answer = [](const std::string&) {
    return std::string();
  };
  // The user's message and a continuation to its log-likelihood.
  std::function<double(const std::string& user, const std::string& continuation)> likelihood =
      [](const std::string&, const std::string&) { return -1.0; };
  // The same of a text without a template; two tokens.
  std::function<double(const std::string& text, const std::string& continuation)> raw_likelihood =
      [](const std::string&, const std::string&) { return -1.0; };

  ScriptedModel() {
    text = [this](const GenerateRequest& request, int64_t) {
      return answer(user_text(request.prompt));
    };
    token_log_likelihoods = [this](const ScoreRequest& request, const std::string& continuation) {
      const auto* raw = std::get_if<RawText>(&request.prompt);
      if (raw == nullptr) {
        return std::vector<double>{likelihood(user_text(request.prompt), continuation)};
      }
      return std::vector<double>(2, raw_likelihood(raw->text, continuation) / 2);
    };
    follows_schemas = true;
    context = 4096;
    name = "scripted";
  }
};

class MapCache final : public OutputCache {
 public:
  std::optional<std::string> find(const std::string& key) override {
    const auto found = kept.find(key);
    return found == kept.end() ? std::nullopt : std::optional(found->second);
  }
  void put(const std::string& key, const std::string& value, std::span<const int64_t> of) override {
    kept[key] = value;
    sources.insert(sources.end(), of.begin(), of.end());
  }
  std::map<std::string, std::string> kept;
  std::vector<int64_t> sources;
};

// How many of the question's words the text has.
inline double shared_words(const std::string& question, const std::string& text) {
  const Analyzer analyzer({.drop_stop_words = true});
  const std::vector<std::string> have = analyzer.terms(text);
  double shared = 0;
  for (const std::string& term : analyzer.terms(question)) {
    shared += std::find(have.begin(), have.end(), term) != have.end();
  }
  return shared;
}

class WordReranker final : public Reranker {
 public:
  std::vector<double> scores(const std::string& question,
                             std::span<const std::string> passages) override {
    std::vector<double> all;
    for (const std::string& passage : passages) {
      read.push_back(passage);
      all.push_back(shared_words(question, passage));
    }
    return all;
  }
  std::string id() const override { return "words"; }
  std::vector<std::string> read;
};

// The text of `user` behind `mark`, up to the end of its line.
inline std::string behind(const std::string& user, const std::string& mark) {
  const size_t at = user.find(mark);
  if (at == std::string::npos) return "";
  const size_t from = at + mark.size();
  return user.substr(from, user.find('\n', from) - from);
}

// The question of a prompt, in either language.
inline std::string question_in(const std::string& user) {
  const std::string english = behind(user, "Question: ");
  return english.empty() ? behind(user, "질문: ") : english;
}

}  // namespace ondol::ground::testing
