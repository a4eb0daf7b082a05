#include "net/http_client.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "net/test_support.h"

namespace ondol::net {
namespace {

using testing::http_answer;
using testing::LoopbackServer;
using testing::Reply;
using testing::ServedRequest;

constexpr HttpOptions kQuick{.connect_timeout_ms = 2000,
                             .timeout_ms = 400,
                             .attempts = 3,
                             .pause_ms = 5,
                             .pause_ms_max = 40,
                             .body_bytes_max = 1000,
                             .certificates = {}};

ErrorCode code_of(const std::function<void()>& act, std::string* what = nullptr) {
  try {
    act();
  } catch (const Error& error) {
    if (what != nullptr) *what = error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

TEST(HttpClient, SendsWhatItIsGivenAndReadsTheAnswer) {
  LoopbackServer server([](const ServedRequest&, int) { return Reply{{http_answer(200, "hi")}}; });
  const HttpClient client(kQuick);
  const HttpResponse got =
      client.send({.url = server.url() + "/x", .headers = {"X-Key: k"}, .body = "{\"a\":1}"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hi");
  EXPECT_EQ(got.attempts, 1);
  const ServedRequest request = server.requests().at(0);
  EXPECT_TRUE(request.head.starts_with("POST /v1/x HTTP/1.1")) << request.head;
  EXPECT_NE(request.head.find("X-Key: k"), std::string::npos);
  EXPECT_EQ(request.body, "{\"a\":1}");
}

TEST(HttpClient, TriesAgainWhatPassesByItself) {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    LoopbackServer server([&](const ServedRequest&, int n) {
      return Reply{{n < 2 ? http_answer(status, "busy") : http_answer(200, "done")}};
    });
    const HttpResponse got = HttpClient(kQuick).send({.url = server.url()});
    EXPECT_EQ(got.status, 200) << status;
    EXPECT_EQ(got.attempts, 3) << status;
  }
}

TEST(HttpClient, DoesNotRepeatWhatWasUnderstoodAndRefused) {
  for (const int status : {301, 400, 401, 404, 422}) {
    LoopbackServer server([&](const ServedRequest&, int) {
      return Reply{{http_answer(status, "no", "Location: http://127.0.0.1:1/\r\n")}};
    });
    EXPECT_EQ(HttpClient(kQuick).send({.url = server.url()}).status, status);
    EXPECT_EQ(server.served(), 1);
  }
}

TEST(HttpClient, TheLastRefusalComesBackAndRetryAfterIsBounded) {
  LoopbackServer server([](const ServedRequest&, int) {
    return Reply{{http_answer(429, "slow down", "Retry-After: 3000\r\n")}};
  });
  const auto start = std::chrono::steady_clock::now();
  const HttpResponse got = HttpClient(kQuick).send({.url = server.url()});
  EXPECT_EQ(got.status, 429);
  EXPECT_EQ(got.attempts, 3);
  EXPECT_EQ(got.body, "slow down");
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(2 * 40));  // the longest pause, twice
  EXPECT_LT(took, std::chrono::seconds(5));
}

TEST(HttpClient, EndsByItselfWhateverTheServerDoes) {
  const std::string part = "HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\nhalf";
  const std::vector<Reply> bad = {
      {{}},                                      // closes without a word
      {{http_answer(200, "late")}, 1000},        // too late
      {{part}},                                  // breaks off
      {{part, "x", "x", "x", "x", "x"}, 150},    // dribbles
      {{std::string(200, '\x01') + "\r\n\r\n"}}  // no HTTP
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    LoopbackServer server([&](const ServedRequest&, int) { return bad[i]; });
    std::string what;
    const ErrorCode code = code_of([&] { HttpClient(kQuick).send({.url = server.url()}); }, &what);
    EXPECT_EQ(code, ErrorCode::kUnavailable) << i << what;
    EXPECT_NE(what.find("127.0.0.1"), std::string::npos) << what;
  }
  EXPECT_EQ(code_of([] { HttpClient(kQuick).send({.url = "http://127.0.0.1:1/v1"}); }),
            ErrorCode::kUnavailable);
}

TEST(HttpClient, LargeAnswersAndWrongAddressesAreErrors) {
  LoopbackServer server(
      [](const ServedRequest&, int) { return Reply{{http_answer(200, std::string(5000, 'x'))}}; });
  EXPECT_EQ(code_of([&] { HttpClient(kQuick).send({.url = server.url()}); }),
            ErrorCode::kCorruptData);
  EXPECT_EQ(server.served(), 1);
  for (const char* url : {"", "http://", "file:///etc/passwd", "ftp://127.0.0.1/", "http:///x",
                          "http://127.0.0.1/\r\nX-Evil: 1", "127.0.0.1:80"}) {
    EXPECT_EQ(code_of([&] { HttpClient(kQuick).send({.url = url}); }), ErrorCode::kInvalidArgument)
        << url;
  }
}

TEST(HttpClient, ErrorsNameTheHostAndNothingSecret) {
  std::string what;
  code_of([] { HttpClient(kQuick).send({.url = "http://user:secret@127.0.0.1:1/v1?key=s3"}); },
          &what);
  EXPECT_NE(what.find("127.0.0.1:1/v1"), std::string::npos) << what;
  EXPECT_EQ(what.find("secret"), std::string::npos) << what;
  EXPECT_EQ(what.find("s3"), std::string::npos) << what;
}

TEST(HttpClient, CancelledWhileItWaits) {
  LoopbackServer server([](const ServedRequest&, int) {
    return Reply{{http_answer(200, "late")}, 5000};
  });
  std::atomic<bool> cancelled{false};
  HttpOptions patient = kQuick;
  patient.timeout_ms = 60'000;
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancelled = true;
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(
      code_of([&] { HttpClient(patient).send({.url = server.url(), .cancelled = &cancelled}); }),
      ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
}

TEST(HttpClient, StreamsPiecesAndStopsWhenTold) {
  const std::string head = "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n";
  LoopbackServer server([&](const ServedRequest&, int) {
    return Reply{{head, "one", "two", "three"}, 20};
  });
  std::string all;
  HttpClient(kQuick).send({.url = server.url(), .on_data = [&](std::string_view piece) {
                             all += piece;
                             return true;
                           }});
  EXPECT_EQ(all, "onetwothree");
  EXPECT_EQ(code_of([&] {
              HttpClient(kQuick).send(
                  {.url = server.url(), .on_data = [](std::string_view) { return false; }});
            }),
            ErrorCode::kCancelled);
}

}  // namespace
}  // namespace ondol::net
