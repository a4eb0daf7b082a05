#include "app/answer_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace ondol::app {
namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const Answer& answer) {
  json trace = json::array();
  for (const TraceStep& step : answer.trace)
    trace.push_back({step.stage, step.text, step.milliseconds});
  return {
      {"text", answer.text},
      {"refused", answer.refused},
      {"choices", answer.choice_log_likelihoods},
      {"usage",
       {answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.cached_tokens}},
      {"ms", {answer.milliseconds, answer.milliseconds_to_first_token}},
      {"finish", answer.finish_reason},
      {"trace", trace}};
}

Answer from_json(const json& value) {
  Answer answer;
  value.at("text").get_to(answer.text);
  value.at("refused").get_to(answer.refused);
  value.at("choices").get_to(answer.choice_log_likelihoods);
  answer.usage = {.prompt_tokens = value.at("usage").at(0),
                  .completion_tokens = value.at("usage").at(1),
                  .cached_tokens = value.at("usage").at(2)};
  value.at("ms").at(0).get_to(answer.milliseconds);
  value.at("ms").at(1).get_to(answer.milliseconds_to_first_token);
  value.at("finish").get_to(answer.finish_reason);
  for (const json& step : value.at("trace")) {
    answer.trace.push_back({step.at(0), step.at(1), step.at(2)});
  }
  return answer;
}

}  // namespace

AnswerCache::AnswerCache(const std::filesystem::path& file) {
  std::error_code failed;  // then opening says so
  std::filesystem::create_directories(file.parent_path(), failed);
  std::ifstream stream(file);
  bool torn = false;
  for (std::string line; std::getline(stream, line);) {
    torn = stream.eof();  // no line end: the writer was stopped
    const json row = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!row.is_object() || !row.contains("key") || !row.contains("value")) continue;
    if (const auto* key = row["key"].get_ptr<const std::string*>()) {
      lines_[*key] = dump(row["value"]);
    }
  }
  fd_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    throw Error(ErrorCode::kResourceExhausted,
                "[cache] cannot write '" + file.string() + "': " + std::strerror(errno));
  }
  // What follows a torn line must not become part of it.
  if (torn && ::write(fd_, "\n", 1) != 1) {
    throw Error(ErrorCode::kResourceExhausted, "[cache] cannot write '" + file.string() + "'");
  }
}

AnswerCache::~AnswerCache() {
  ::fsync(fd_);
  ::close(fd_);
}

std::optional<std::string> AnswerCache::find_text(const std::string& key) const {
  std::lock_guard lock(mutex_);
  const auto line = lines_.find(key);
  if (line == lines_.end()) return std::nullopt;
  return line->second;
}

std::optional<Answer> AnswerCache::find(const std::string& key) const {
  const auto line = find_text(key);
  if (!line) return std::nullopt;
  try {
    return from_json(json::parse(*line));
  } catch (const json::exception&) {
    return std::nullopt;  // of an older program: computed again
  }
}

void AnswerCache::put(const std::string& key, const Answer& answer) {
  append(key, dump(to_json(answer)));
}

void AnswerCache::put_text(const std::string& key, const std::string& value) { append(key, value); }

void AnswerCache::append(const std::string& key, const std::string& value) {
  const std::string line = R"({"key":")" + key + R"(","value":)" + value + "}\n";
  std::lock_guard lock(mutex_);
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw Error(ErrorCode::kResourceExhausted,
                std::string("[cache] cannot write an answer: ") + std::strerror(errno));
  }
  lines_[key] = value;
}

}  // namespace ondol::app
