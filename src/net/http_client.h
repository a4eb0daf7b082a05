// HTTP requests that end: with time limits, repeats and a limit on what is read.
//
//   HttpClient client({.timeout_ms = 60'000});
//   HttpResponse r = client.send({.url = "http://127.0.0.1:8000/v1/models", .method = "GET"});
//   if (r.status != 200) ...
//
// What may pass by itself is tried again, with growing pauses: no connection, a time-out, a
// connection that breaks off, and the statuses 408, 429, 500, 502, 503 and 504 (Retry-After is
// honoured up to the longest pause). Redirects are not followed. http and https only; the usual
// proxy variables (https_proxy, no_proxy, ...) hold, as libcurl reads them. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::net {

struct HttpOptions {
  int64_t connect_timeout_ms = 10'000;
  int64_t timeout_ms = 120'000;  // of one attempt, from its start to the last byte
  int attempts = 4;
  int64_t pause_ms = 500;  // before the second attempt; doubled each time
  int64_t pause_ms_max = 30'000;
  size_t body_bytes_max = size_t{16} << 20;  // of an answer
  std::string certificates;                  // a file of authorities; empty: the system's
};

struct HttpRequest {
  std::string url;
  std::string method = "POST";            // or "GET"
  std::vector<std::string> headers = {};  // "Name: value"
  std::string body = {};
  // Called with the pieces of a 200 answer as they come, which are then not in the response's
  // body; false ends the request. After the first piece nothing is tried again.
  std::function<bool(std::string_view)> on_data = {};
  // Asked about an answer that would be waited out: true if waiting cannot help.
  std::function<bool(int status, std::string_view body)> is_final = {};
  const std::atomic<bool>* cancelled = nullptr;  // looked at while waiting; null: never
};

struct HttpResponse {
  int status = 0;
  std::string body;
  int attempts = 1;
};

class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();

  // Throws Error(kUnavailable) when the last attempt gave no answer, kCancelled, kCorruptData for
  // an answer above the limit, kInvalidArgument for an address that is none.
  HttpResponse send(const HttpRequest& request) const;
  const HttpOptions& options() const { return options_; }

 private:
  class Handles;  // connections kept for the next request
  HttpOptions options_;
  std::unique_ptr<Handles> handles_;
};

// Whether a person's text may be an address here: http:// or https:// and a host.
bool is_http_url(std::string_view url);

}  // namespace ondol::net
