#include "net/remote_embedder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace ondol::net {
namespace {

constexpr size_t kTextsACall = 64;

// The beginning of a text that is estimated at no more than this many tokens.
std::string beginning(const std::string& text, int64_t tokens_max) {
  size_t low = 0, high = text.size();
  while (low < high) {
    const size_t middle = (low + high + 1) / 2;
    if (estimated_tokens(std::string_view(text).substr(0, middle)) <= tokens_max)
      low = middle;
    else
      high = middle - 1;
  }
  while (low > 0 && low < text.size() && (static_cast<unsigned char>(text[low]) & 0xC0) == 0x80) {
    --low;
  }
  return text.substr(0, low);
}

}  // namespace

RemoteEmbedder::RemoteEmbedder(Endpoint endpoint, std::vector<std::string> languages)
    : endpoint_(std::move(endpoint)), languages_(std::move(languages)), client_(endpoint_.http) {
  check_endpoint(endpoint_);
  while (endpoint_.url.ends_with('/')) endpoint_.url.pop_back();
}

EmbeddingsReply RemoteEmbedder::ask(std::span<const std::string> texts) const {
  const HttpResponse response = client_.send({.url = endpoint_.url + "/embeddings",
                                              .headers = request_headers(endpoint_),
                                              .body = embeddings_body(endpoint_.model, texts)});
  if (response.status != 200) fail_status(endpoint_, response);
  EmbeddingsReply reply = read_embeddings(response.body, texts.size());
  const auto width = static_cast<int64_t>(reply.vectors.at(0).size());
  int64_t known = 0;
  if (!dimensions_.compare_exchange_strong(known, width) && known != width) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[endpoint.{}] vectors of {} numbers, expected {} as before; try "
                            "whether the service changed its model",
                            endpoint_.name, width, known));
  }
  return reply;
}

EmbedResult RemoteEmbedder::embed(std::span<const std::string> texts, const EmbedOptions& options) {
  std::vector<std::string> fitting(texts.begin(), texts.end());
  EmbedResult result;
  for (size_t i = 0; i < fitting.size(); ++i) {
    const int64_t tokens = estimated_tokens(fitting[i]);
    if (tokens <= tokens_max()) continue;
    if (!options.truncate) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[endpoint.{}] a text has about {} tokens; expected at most {}; try "
                              "shorter chunks or a larger context_tokens",
                              endpoint_.name, tokens, tokens_max()));
    }
    fitting[i] = beginning(fitting[i], tokens_max());
    result.truncated.push_back(i);
  }
  for (size_t at = 0; at < fitting.size(); at += kTextsACall) {
    const size_t count = std::min(kTextsACall, fitting.size() - at);
    EmbeddingsReply reply = ask(std::span(fitting).subspan(at, count));
    result.tokens += reply.tokens;
    for (auto& vector : reply.vectors) result.vectors.push_back(std::move(vector));
  }
  return result;
}

int64_t RemoteEmbedder::dimensions() const {
  if (dimensions_ == 0) {
    const std::vector<std::string> probe = {"ondol"};
    ask(probe);
  }
  return dimensions_;
}

std::string RemoteEmbedder::id() const {
  return "endpoint " + endpoint_.url + " " + endpoint_.model;
}

}  // namespace ondol::net
