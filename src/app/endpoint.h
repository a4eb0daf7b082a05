// A remote model as a workspace names it: a table [endpoint.NAME] of ondol.toml, then
// "endpoint:NAME" wherever a model may stand (a recipe, [workspace], [roles], --model).
//
//   [endpoint.big]
//   url = "http://127.0.0.1:8000/v1"      # any OpenAI-compatible service
//   model = "qwen2.5-7b-instruct"
//   key_env = "BIG_KEY"                   # the variable that holds the key; never the key itself
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/remote_generator.h"

namespace ondol::app {

struct EndpointConfig {
  std::string url;
  std::string model;
  std::string key_env;
  int64_t concurrency = 4;
  int64_t context_tokens = 8192;
  double timeout_seconds = 120;
  int64_t attempts = 4;
  int64_t max_calls = 0;   // of one run of the program; 0: no limit
  int64_t max_tokens = 0;  // of prompts and answers of one run; 0: no limit
  std::string certificates;
  std::vector<std::string> languages = {"en", "ko"};  // of an embedding model
};

inline constexpr std::string_view kEndpointPrefix = "endpoint:";

// Reads the key from the environment. Throws Error(kInvalidArgument) naming the field or the
// variable that is not set.
net::Endpoint to_endpoint(const std::string& name, const EndpointConfig& config);

}  // namespace ondol::app
