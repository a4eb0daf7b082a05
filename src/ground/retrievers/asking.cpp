#include "ground/retrievers/asking.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "ground/document.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using Json = nlohmann::json;

// Of answers that are not the likeliest: enough to differ, near enough to stay on the subject.
constexpr double kTemperature = 0.7;
// A character is at most so many tokens (bytes of Hangul where the vocabulary has no syllables).
constexpr int64_t kTokensACharacter = 3;
constexpr int64_t kTokensOfForm = 24;  // braces, quotes and the field's name

std::string schema_of(const ModelQuestion& question) {
  const Json text = {{"type", "string"},
                     {"minLength", question.characters_min},
                     {"maxLength", question.characters_max}};
  Json value = text;
  if (question.texts > 1) {
    value = {{"type", "array"}, {"items", text}, {"minItems", 1}, {"maxItems", question.texts}};
  }
  return Json{{"type", "object"},
              {"properties", {{question.field, value}}},
              {"required", {question.field}},
              {"additionalProperties", false}}
      .dump();
}

GenerateRequest request_of(const ModelQuestion& question, bool json_schema) {
  GenerateRequest request;
  Prompt prompt{.messages = {{"system", question.system, {}}}, .prefill = ""};
  if (!question.example.empty()) {
    prompt.messages.push_back({"user", question.example, {}});
    prompt.messages.push_back({"assistant", question.example_answer, {}});
  }
  prompt.messages.push_back({"user", question.user, {}});
  request.prompt = std::move(prompt);
  request.tokens_max =
      kTokensOfForm + question.texts * (question.characters_max * kTokensACharacter / 2 + 8);
  request.sampler.temperature = question.seed > 0 ? kTemperature : 0.0;
  request.sampler.seed = question.seed;
  if (json_schema) request.json_schema = schema_of(question);
  request.sources = question.sources;
  request.remember = question.remember;
  return request;
}

bool has_word(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (text::script_of(text::next_code_point(text, at)) != text::Script::kCommon) return true;
  }
  return false;
}

void take(const Json& value, const ModelQuestion& question, std::vector<std::string>& out) {
  if (!value.is_string()) return;
  const std::string text = fold_blanks(value.get<std::string>());
  if (text.empty() || !has_word(text)) return;
  if (question.example_answer.find(text) != std::string::npos) return;
  out.push_back(shorten(text, static_cast<size_t>(question.characters_max)));
}

std::vector<std::string> read_answer(const std::string& answer, const ModelQuestion& question) {
  // Models without a grammar put words or a fence around the object.
  const size_t from = answer.find('{'), to = answer.rfind('}');
  if (from == std::string::npos || to == std::string::npos || to < from) return {};
  const Json json = Json::parse(answer.substr(from, to - from + 1), nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains(question.field)) return {};
  const Json& value = json.at(question.field);
  std::vector<std::string> texts;
  if (value.is_array()) {
    for (const Json& item : value) {
      if (texts.size() < static_cast<size_t>(question.texts)) take(item, question, texts);
    }
  } else {
    take(value, question, texts);
  }
  return texts;
}

}  // namespace

std::string_view wording_for(std::string_view text, const Wording& wording) {
  return guess_language(text) == "ko" ? wording.korean : wording.english;
}

std::vector<std::vector<std::string>> ask_model(CachedGenerator& model,
                                                std::span<const ModelQuestion> questions) {
  const bool json_schema = model.capabilities().json_schema;
  std::vector<std::unique_ptr<Generation>> running(questions.size());
  std::vector<std::vector<std::string>> answers(questions.size());
  const auto unless_it_fails = [](const auto& step) {
    try {
      step();
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kInternal) throw;
    }
  };
  for (size_t i = 0; i < questions.size(); ++i) {
    unless_it_fails([&] { running[i] = model.submit(request_of(questions[i], json_schema)); });
  }
  for (size_t i = 0; i < questions.size(); ++i) {
    if (!running[i]) continue;
    unless_it_fails([&] {
      const GenerateResult result = running[i]->wait();
      if (!result.samples.empty()) {
        answers[i] = read_answer(result.samples[0].text, questions[i]);
      }
    });
  }
  return answers;
}

std::string fold_blanks(std::string_view text) {
  std::string folded;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) {
      folded += c;
    } else if (!folded.empty() && folded.back() != ' ') {
      folded += ' ';
    }
  }
  if (!folded.empty() && folded.back() == ' ') folded.pop_back();
  return folded;
}

std::string shorten(std::string_view text, size_t characters_max) {
  size_t end = 0, count = 0, blank = 0;
  while (end < text.size() && count < characters_max) {
    if (text[end] == ' ') blank = end;
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
    ++count;
  }
  if (end == text.size() || text[end] == ' ') return std::string(text.substr(0, end));
  return std::string(text.substr(0, blank > 0 ? blank : end));
}

std::string question_key(std::string_view text) {
  std::string key = text::fold_for_search(fold_blanks(text));
  while (!key.empty() && (key.back() == '?' || key.back() == '.' || key.back() == ' ')) {
    key.pop_back();
  }
  return key;
}

std::string passages_text(std::span<const Evidence> passages, size_t count_max,
                          size_t characters_max) {
  std::string text;
  for (size_t i = 0; i < std::min(count_max, passages.size()); ++i) {
    text += fmt::format("{}. {}: {}\n", i + 1, passages[i].title,
                        shorten(fold_blanks(passages[i].text), characters_max));
  }
  return text;
}

std::vector<int64_t> chunks_of(std::span<const Evidence> passages, size_t count_max) {
  std::vector<int64_t> ids;
  for (size_t i = 0; i < std::min(count_max, passages.size()); ++i) {
    if (passages[i].chunk_id > 0) ids.push_back(passages[i].chunk_id);  // facts have ids below 0
  }
  return ids;
}

bool all_are_chunks(std::span<const Evidence> passages, size_t count_max) {
  const auto shown = passages.first(std::min(count_max, passages.size()));
  return std::ranges::all_of(shown, [](const Evidence& piece) { return piece.chunk_id > 0; });
}

}  // namespace ondol::ground
