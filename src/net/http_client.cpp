#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::net {
namespace {

constexpr int64_t kCancelLooksMs = 50;

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CurlDeleter>;

void start_libcurl() {
  // Once a process, before the first handle (https://curl.se/libcurl/c/curl_global_init.html).
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kStarted != CURLE_OK) {
    throw Error(ErrorCode::kInternal, "[http] libcurl does not start");
  }
}

// One attempt: what came so far, and why it was ended from our side.
struct Attempt {
  const HttpRequest& request;
  size_t bytes_max;
  CURL* handle;
  std::string body = {};
  int64_t retry_after_ms = 0;
  bool too_large = false;
  bool refused = false;    // on_data said so
  bool delivered = false;  // a piece went to on_data
  size_t streamed = 0;
  std::exception_ptr thrown = {};

  bool cancelled() const { return request.cancelled != nullptr && *request.cancelled; }
};

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& attempt = *static_cast<Attempt*>(user);
  const std::string_view piece(data, size * count);
  long status = 0;
  curl_easy_getinfo(attempt.handle, CURLINFO_RESPONSE_CODE, &status);
  if (attempt.request.on_data && status == 200) {
    attempt.delivered = true;
    attempt.streamed += piece.size();
    if (attempt.streamed > attempt.bytes_max) {
      attempt.too_large = true;
      return 0;
    }
    try {  // an exception must not pass through C
      attempt.refused = !attempt.request.on_data(piece);
    } catch (...) {
      attempt.thrown = std::current_exception();
    }
    return attempt.refused || attempt.thrown ? 0 : piece.size();
  }
  if (attempt.body.size() + piece.size() > attempt.bytes_max) {
    attempt.too_large = true;
    return 0;
  }
  attempt.body.append(piece);
  return piece.size();
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& attempt = *static_cast<Attempt*>(user);
  std::string line(data, size * count);
  std::transform(line.begin(), line.end(), line.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kRetryAfter = "retry-after:";
  if (line.starts_with(kRetryAfter)) {
    const size_t at = line.find_first_not_of(' ', kRetryAfter.size());
    int64_t seconds = 0;  // the form with a date is not read: then our own pause holds
    if (at != std::string::npos) {
      std::from_chars(line.data() + at, line.data() + line.size(), seconds);
    }
    attempt.retry_after_ms = std::clamp<int64_t>(seconds, 0, 3600) * 1000;
  }
  return size * count;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Attempt*>(user)->cancelled() ? 1 : 0;
}

bool passes_by_itself(long status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
         status == 504;
}

bool passes_by_itself(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

// The address without what may be secret in it: user, password, query.
std::string shown(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t end = std::min(url.find_first_of("?#", begin), url.size());
  const size_t host_end = std::min(url.find('/', begin), end);
  const size_t user = url.substr(begin, host_end - begin).rfind('@');
  std::string out(url.substr(0, begin));
  return out.append(url.substr(user == std::string_view::npos ? begin : begin + user + 1,
                               end - (user == std::string_view::npos ? begin : begin + user + 1)));
}

struct HeaderList {
  curl_slist* list = nullptr;
  explicit HeaderList(const std::vector<std::string>& headers) {
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    // Without it libcurl waits a second for "100 Continue" before long bodies.
    list = curl_slist_append(list, "Expect:");
  }
  ~HeaderList() { curl_slist_free_all(list); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
};

void prepare(CURL* handle, const HttpOptions& options, const HttpRequest& request,
             const HeaderList& headers, Attempt& attempt) {
  curl_easy_reset(handle);  // connections stay
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout_ms));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &attempt);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &attempt);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &attempt);
  curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  if (!options.certificates.empty()) {
    curl_easy_setopt(handle, CURLOPT_CAINFO, options.certificates.c_str());
  }
  if (request.method == "POST") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  } else {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
  }
}

// False: cancelled meanwhile.
bool wait(int64_t milliseconds, const std::atomic<bool>* cancelled) {
  for (int64_t left = milliseconds; left > 0; left -= kCancelLooksMs) {
    if (cancelled != nullptr && *cancelled) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, kCancelLooksMs)));
  }
  return cancelled == nullptr || !*cancelled;
}

[[noreturn]] void fail_attempt(const HttpRequest& request, const Attempt& attempt, CURLcode code,
                               int attempts) {
  if (attempt.thrown) std::rethrow_exception(attempt.thrown);
  const std::string where = "[http] " + shown(request.url);
  if (attempt.too_large) {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("{} sent more than the {} bytes that an answer may have; expected "
                            "less; try another service",
                            where, attempt.bytes_max));
  }
  if (code == CURLE_URL_MALFORMAT) {
    throw Error(ErrorCode::kInvalidArgument,
                where + " is no address; expected http://HOST or https://HOST; try another");
  }
  if (code == CURLE_UNSUPPORTED_PROTOCOL) {  // what is no answer of HTTP/1 is taken for HTTP/0.9
    throw Error(ErrorCode::kUnavailable,
                where + " does not speak HTTP; expected an answer of HTTP/1.1; try another port");
  }
  throw Error(ErrorCode::kUnavailable,
              fmt::format("{} does not answer: {} ({} attempts); expected an answer; try whether "
                          "the service runs, a longer timeout, or the proxy variables",
                          where, curl_easy_strerror(code), attempts));
}

}  // namespace

// Handles are lent to one request at a time.
class HttpClient::Handles {
 public:
  CurlHandle take() {
    const std::lock_guard guard(mutex_);
    if (free_.empty()) return CurlHandle(curl_easy_init());
    CurlHandle handle = std::move(free_.back());
    free_.pop_back();
    return handle;
  }
  void give_back(CurlHandle handle) {
    const std::lock_guard guard(mutex_);
    free_.push_back(std::move(handle));
  }
  // Of the pauses: requests that were refused together do not come back together.
  double spread() {
    const std::lock_guard guard(mutex_);
    return 0.5 + rng_.uniform();
  }

 private:
  std::mutex mutex_;
  std::vector<CurlHandle> free_;
  Rng rng_{0x68747470};
};

HttpClient::HttpClient(HttpOptions options)
    : options_(std::move(options)), handles_(std::make_unique<Handles>()) {
  start_libcurl();
}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::send(const HttpRequest& request) const {
  if (!is_http_url(request.url)) {
    throw Error(ErrorCode::kInvalidArgument, "[http] '" + shown(request.url) +
                                                 "' is no address; expected http://HOST or "
                                                 "https://HOST; try another");
  }
  const HeaderList headers(request.headers);
  int64_t pause = options_.pause_ms;
  for (int tries = 1;; ++tries) {
    CurlHandle handle = handles_->take();
    if (!handle) throw Error(ErrorCode::kResourceExhausted, "[http] no memory for a connection");
    Attempt attempt{
        .request = request, .bytes_max = options_.body_bytes_max, .handle = handle.get()};
    prepare(handle.get(), options_, request, headers, attempt);
    const CURLcode code = curl_easy_perform(handle.get());
    long status = 0;
    curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    handles_->give_back(std::move(handle));
    if (attempt.cancelled() || attempt.refused) {
      throw Error(ErrorCode::kCancelled, "[http] the request was cancelled");
    }
    const bool passes =
        code != CURLE_OK
            ? passes_by_itself(code)
            : passes_by_itself(status) &&
                  !(request.is_final && request.is_final(static_cast<int>(status), attempt.body));
    const bool again =
        tries < options_.attempts && !attempt.delivered && !attempt.too_large && passes;
    if (!again) {
      if (code != CURLE_OK) fail_attempt(request, attempt, code, tries);
      return {static_cast<int>(status), std::move(attempt.body), tries};
    }
    const auto own = static_cast<int64_t>(static_cast<double>(pause) * handles_->spread());
    const int64_t wanted = std::max(own, attempt.retry_after_ms);
    if (!wait(std::min(wanted, options_.pause_ms_max), request.cancelled)) {
      throw Error(ErrorCode::kCancelled, "[http] the request was cancelled");
    }
    pause = std::min(pause * 2, options_.pause_ms_max);
  }
}

bool is_http_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) {
      return url.size() > scheme.size() && url[scheme.size()] != '/' &&
             std::none_of(url.begin(), url.end(),
                          [](unsigned char c) { return c <= ' ' || c == 127; });
    }
  }
  return false;
}

}  // namespace ondol::net
