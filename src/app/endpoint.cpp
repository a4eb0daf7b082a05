#include "app/endpoint.h"

#include <cstdlib>

#include "base/error.h"

namespace ondol::app {

net::Endpoint to_endpoint(const std::string& name, const EndpointConfig& config) {
  net::Endpoint endpoint{.name = name,
                         .url = config.url,
                         .model = config.model,
                         .key = "",
                         .concurrency = static_cast<int>(config.concurrency),
                         .context_tokens_max = config.context_tokens};
  endpoint.http.timeout_ms = static_cast<int64_t>(config.timeout_seconds * 1000);
  endpoint.http.attempts = static_cast<int>(config.attempts);
  endpoint.http.certificates = config.certificates;
  if (!config.key_env.empty()) {
    const char* key = std::getenv(config.key_env.c_str());
    if (key == nullptr || *key == '\0') {
      throw Error(ErrorCode::kInvalidArgument,
                  "[endpoint." + name + "] the variable " + config.key_env +
                      " is not set; expected the key of the service in it; try `export " +
                      config.key_env + "=...`");
    }
    endpoint.key = key;
  }
  net::check_endpoint(endpoint);
  return endpoint;
}

}  // namespace ondol::app
