#include "net/remote_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "net/remote_embedder.h"
#include "net/test_support.h"

namespace ondol::net {
namespace {

using Json = nlohmann::json;
using testing::chat_answer;
using testing::http_answer;
using testing::LoopbackServer;
using testing::Reply;
using testing::ServedRequest;

Endpoint endpoint(const std::string& url) {
  return {.name = "test",
          .url = url,
          .model = "m-1",
          .key = "k3y",
          .concurrency = 2,
          .http = {.timeout_ms = 1000, .attempts = 2, .pause_ms = 5, .certificates = {}}};
}

GenerateRequest asks(const std::string& text, const std::string& schema = "") {
  GenerateRequest request;
  request.prompt = Prompt{.messages = {{"system", "Be short.", {}}, {"user", text, {}}}};
  request.tokens_max = 20;
  request.json_schema = schema;
  return request;
}

std::string quoted(const std::string& text) { return Json(text).dump(); }

std::string error_of(const std::function<void()>& act, ErrorCode expected) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), expected) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

constexpr const char* kSchema =
    R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"enum":["x","y"]}},)"
    R"("required":["a","b"],"additionalProperties":false})";

TEST(RemoteGenerator, AsksAsTheServiceExpects) {
  LoopbackServer server(
      [](const ServedRequest&, int) { return Reply{{chat_answer(quoted("Hello."))}}; });
  RemoteGenerator model(endpoint(server.url() + "/"));
  GenerateRequest request = asks("안녕?");
  request.stop = {"\n"};
  request.sampler.seed = 7;
  const GenerateResult result = model.generate(request);
  EXPECT_EQ(result.samples.at(0).text, "Hello.");
  EXPECT_EQ(result.samples.at(0).finish_reason, "stop");
  EXPECT_EQ(result.usage.prompt_tokens, 11);
  EXPECT_EQ(result.usage.completion_tokens, 5);
  const ServedRequest sent = server.requests().at(0);
  EXPECT_TRUE(sent.head.starts_with("POST /v1/chat/completions ")) << sent.head;
  EXPECT_NE(sent.head.find("Authorization: Bearer k3y"), std::string::npos);
  const Json body = Json::parse(sent.body);
  EXPECT_EQ(body["model"], "m-1");
  EXPECT_EQ(body["messages"][1]["content"], "안녕?");
  EXPECT_EQ(body["max_tokens"], 20);
  EXPECT_EQ(body["temperature"], 0.0);
  EXPECT_EQ(body["seed"], 7);
  EXPECT_EQ(body["stop"][0], "\n");
  EXPECT_FALSE(body.contains("response_format"));
  EXPECT_EQ(model.id().find("k3y"), std::string::npos);
}

TEST(RemoteGenerator, RawTextGoesToCompletions) {
  LoopbackServer server([](const ServedRequest&, int) {
    return Reply{{http_answer(200, R"({"choices":[{"text":" time","finish_reason":"length"}]})")}};
  });
  RemoteGenerator model(endpoint(server.url()));
  GenerateRequest request;
  request.prompt = RawText{"Once upon a"};
  request.samples = 3;
  const GenerateResult result = model.generate(request);
  EXPECT_EQ(result.samples.size(), 3u);
  EXPECT_EQ(result.samples.at(2).text, " time");
  EXPECT_EQ(result.samples.at(2).finish_reason, "length");
  EXPECT_GT(result.usage.prompt_tokens, 0);  // estimated: the service told nothing
  EXPECT_TRUE(server.requests().at(0).head.starts_with("POST /v1/completions "));
  std::set<int64_t> seeds;
  for (const auto& sent : server.requests())
    seeds.insert(Json::parse(sent.body)["seed"].get<int64_t>());
  EXPECT_EQ(seeds.size(), 3u);
}

TEST(RemoteGenerator, TakesTheStrongestJsonThatTheServiceKnows) {
  // Knows neither form of response_format, and wraps its JSON in words, in another order.
  LoopbackServer server([](const ServedRequest& request, int) {
    const Json body = Json::parse(request.body);
    if (body.contains("response_format")) {
      return Reply{{http_answer(400, R"({"error":{"message":"unknown field response_format"}})")}};
    }
    return Reply{{chat_answer(quoted("Sure! ```json\n{\"b\": \"y\", \"a\": 3}\n``` Done."))}};
  });
  RemoteGenerator model(endpoint(server.url()));
  EXPECT_EQ(model.generate(asks("x", kSchema)).samples.at(0).text, R"({"a":3,"b":"y"})");
  EXPECT_EQ(model.json_form(), JsonForm::kPrompt);
  EXPECT_EQ(server.served(), 3);
  model.generate(asks("x", kSchema));
  EXPECT_EQ(server.served(), 4);  // the form is remembered
  const Json body = Json::parse(server.requests().at(3).body);
  EXPECT_NE(body["messages"][1]["content"].get<std::string>().find(R"("enum":["x","y"])"),
            std::string::npos);
}

// As llama-cpp-python answers: a status that would else be waited out.
TEST(RemoteGenerator, AServerErrorAboutTheFormIsNotWaitedOut) {
  LoopbackServer server([](const ServedRequest& request, int) {
    const Json body = Json::parse(request.body);
    if (body["response_format"]["type"] == "json_schema") {
      return Reply{
          {http_answer(500, R"({"error":{"message":"loc: body, response_format, type"}})")}};
    }
    return Reply{{chat_answer(quoted(R"({"a":1,"b":"x"})"))}};
  });
  RemoteGenerator model(endpoint(server.url()));
  model.generate(asks("x", kSchema));
  EXPECT_EQ(server.served(), 2);
  EXPECT_EQ(model.json_form(), JsonForm::kObject);
  const Json body = Json::parse(server.requests().at(1).body);
  EXPECT_EQ(body["response_format"]["schema"], Json::parse(kSchema));
}

TEST(RemoteGenerator, SchemasGoWithTheRequestWhereTheyAreKnown) {
  LoopbackServer server(
      [](const ServedRequest&, int) { return Reply{{chat_answer(quoted(R"({"a":3,"b":"x"})"))}}; });
  RemoteGenerator model(endpoint(server.url()));
  model.generate(asks("x", kSchema));
  EXPECT_EQ(model.json_form(), JsonForm::kSchema);
  const Json body = Json::parse(server.requests().at(0).body);
  EXPECT_EQ(body["response_format"]["type"], "json_schema");
  EXPECT_EQ(body["response_format"]["json_schema"]["schema"], Json::parse(kSchema));
}

TEST(RemoteGenerator, NonsenseInsteadOfJsonIsAskedOnceMoreAndThenAnError) {
  for (const char* nonsense : {"I will not.", "{\"a\": \"three\", \"b\": \"x\"}", "{\"a\": 3",
                               "[[[[[[[[[[", "", "{\"a\":1,\"b\":\"z\"}"}) {
    LoopbackServer server(
        [&](const ServedRequest&, int) { return Reply{{chat_answer(quoted(nonsense))}}; });
    RemoteGenerator model(endpoint(server.url()));
    error_of([&] { model.generate(asks("x", kSchema)); }, ErrorCode::kCorruptData);
    EXPECT_EQ(server.served(), 2) << nonsense;
  }
  LoopbackServer server([](const ServedRequest&, int n) {
    return Reply{{chat_answer(quoted(n == 0 ? "Hm." : R"({"a":1,"b":"x"})"))}};
  });
  RemoteGenerator model(endpoint(server.url()));
  EXPECT_EQ(model.generate(asks("x", kSchema)).samples.at(0).text, R"({"a":1,"b":"x"})");
}

TEST(RemoteGenerator, ThoughtsAreTakenOffAndAnAnswerCutInThemIsAnError) {
  LoopbackServer server([](const ServedRequest&, int n) {
    return Reply{{n == 0 ? chat_answer(quoted("<think>\nhm {\"a\"}\n</think>\n\nSeoul"))
                         : chat_answer(quoted("<think> so many"), "length")}};
  });
  RemoteGenerator model(endpoint(server.url()));
  EXPECT_EQ(model.generate(asks("x")).samples.at(0).text, "Seoul");
  const std::string what = error_of([&] { model.generate(asks("x")); }, ErrorCode::kCorruptData);
  EXPECT_NE(what.find("still thinking"), std::string::npos) << what;
}

TEST(RemoteGenerator, StreamsAndNoticesABrokenStream) {
  const auto event = [](const std::string& text, const std::string& reason) {
    return "data: {\"choices\":[{\"delta\":{\"content\":" + quoted(text) +
           "},\"finish_reason\":" + reason + "}]}\r\n\r\n";
  };
  const std::string head =
      "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\r\n";
  LoopbackServer server([&](const ServedRequest&, int n) {
    const std::string all =
        head + event("Se", "null") + event("oul", "\"length\"") + "data: [DONE]\n\n";
    if (n == 0) return Reply{{all.substr(0, 90), all.substr(90, 31), all.substr(121)}, 5};
    return Reply{{head + event("Se", "null")}};
  });
  RemoteGenerator model(endpoint(server.url()));
  std::string streamed;
  GenerateRequest request = asks("x");
  request.on_text = [&](const StreamEvent& piece) {
    streamed += piece.text;
    return true;
  };
  const GenerateResult result = model.generate(request);
  EXPECT_EQ(streamed, "Seoul");
  EXPECT_EQ(result.samples.at(0).text, "Seoul");
  EXPECT_EQ(result.samples.at(0).finish_reason, "length");
  EXPECT_TRUE(Json::parse(server.requests().at(0).body)["stream"]);
  const std::string what = error_of([&] { model.generate(request); }, ErrorCode::kUnavailable);
  EXPECT_NE(what.find("broke off"), std::string::npos) << what;
}

TEST(RemoteGenerator, RefusalsSayWhatToTryAndNeverTheKey) {
  struct Row {
    int status;
    ErrorCode code;
    const char* try_this;
  };
  for (const Row& row :
       {Row{401, ErrorCode::kInvalidArgument, "key_env"}, Row{404, ErrorCode::kNotFound, "/v1"},
        Row{429, ErrorCode::kUnavailable, "later"},
        Row{400, ErrorCode::kInvalidArgument, "it takes"}}) {
    LoopbackServer server([&](const ServedRequest&, int) {
      return Reply{
          {http_answer(row.status, "{\"error\":{\"message\":\"bad\\u001b[31m\\nthing k3y\"}}")}};
    });
    RemoteGenerator model(endpoint(server.url()));
    const std::string what = error_of([&] { model.generate(asks("x")); }, row.code);
    EXPECT_NE(what.find(row.try_this), std::string::npos) << what;
    EXPECT_NE(what.find("bad [31m thing"), std::string::npos) << what;
    EXPECT_EQ(what.find("k3y"), std::string::npos);
  }
}

TEST(RemoteGenerator, AnswersThatAreNoneAreErrorsOfTheirCallAlone) {
  const std::vector<std::string> bad = {http_answer(200, ""),
                                        http_answer(200, "<html>login</html>"),
                                        http_answer(200, "[]"),
                                        http_answer(200, R"({"choices":[]})"),
                                        http_answer(200, R"({"choices":{"0":1}})"),
                                        http_answer(200, R"({"choices":[{"message":null}]})"),
                                        http_answer(200, R"({"choices":[3],"usage":"much"})")};
  LoopbackServer server([&](const ServedRequest&, int n) {
    return Reply{{static_cast<size_t>(n) < bad.size() ? bad[static_cast<size_t>(n)]
                                                      : chat_answer("\"fine\"")}};
  });
  RemoteGenerator model(endpoint(server.url()));
  for (size_t i = 0; i < bad.size(); ++i) {
    error_of([&] { model.generate(asks("x")); }, ErrorCode::kCorruptData);
  }
  EXPECT_EQ(model.generate(asks("x")).samples.at(0).text, "fine");
}

TEST(RemoteGenerator, KeepsToItsConcurrencyAndCancels) {
  LoopbackServer server([](const ServedRequest&, int) {
    return Reply{{chat_answer("\"ok\"")}, 60};
  });
  {
    RemoteGenerator model(endpoint(server.url()));
    std::vector<std::unique_ptr<Generation>> all;
    for (int i = 0; i < 8; ++i) all.push_back(model.submit(asks(std::to_string(i))));
    for (auto& one : all) EXPECT_EQ(one->wait().samples.at(0).text, "ok");
    EXPECT_EQ(server.most_at_a_time(), 2);
  }
  LoopbackServer slow([](const ServedRequest&, int) {
    return Reply{{chat_answer("\"ok\"")}, 800};
  });
  const auto start = std::chrono::steady_clock::now();
  RemoteGenerator model(endpoint(slow.url()));
  const auto running = model.submit(asks("x"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  running->cancel();
  EXPECT_EQ(running->wait().samples.at(0).finish_reason, "cancelled");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(700));
}

TEST(RemoteGenerator, RefusesWhatNoServiceCanBeAsked) {
  RemoteGenerator model(endpoint("http://127.0.0.1:1/v1"));
  GenerateRequest request;
  request.prompt = std::vector<TokenId>{1, 2};
  error_of([&] { model.submit(request); }, ErrorCode::kUnsupported);
  request = asks("x");
  request.logprobs = true;
  error_of([&] { model.submit(request); }, ErrorCode::kUnsupported);
  error_of([&] { model.score({}); }, ErrorCode::kUnsupported);
  EXPECT_FALSE(model.capabilities().score);
  Endpoint broken = endpoint("127.0.0.1");
  error_of([&] { RemoteGenerator no(broken); }, ErrorCode::kInvalidArgument);
  broken = endpoint("http://127.0.0.1");
  broken.key = "a\r\nX-Evil: 1";
  error_of([&] { RemoteGenerator no(broken); }, ErrorCode::kInvalidArgument);
}

TEST(RemoteEmbedder, VectorsInOrderUnitLengthAndChecked) {
  LoopbackServer server([](const ServedRequest& request, int) {
    const Json body = Json::parse(request.body);
    Json data = Json::array();
    for (size_t i = body["input"].size(); i-- > 0;) {  // another order
      data.push_back({{"index", i}, {"embedding", {3.0 * static_cast<double>(i + 1), 4.0}}});
    }
    return Reply{
        {http_answer(200, Json{{"data", data}, {"usage", {{"prompt_tokens", 9}}}}.dump())}};
  });
  RemoteEmbedder embedder(endpoint(server.url()), {"en", "ko"});
  const std::vector<std::string> texts(70, "text");
  const EmbedResult result = embedder.embed(texts, {});
  ASSERT_EQ(result.vectors.size(), 70u);
  EXPECT_NEAR(result.vectors[0][0], 0.6, 1e-6);
  EXPECT_NEAR(result.vectors[1][0], 6.0 / std::sqrt(52.0), 1e-6);
  EXPECT_EQ(server.served(), 2);
  EXPECT_EQ(embedder.dimensions(), 2);
  EXPECT_EQ(result.tokens, 18);
  const std::vector<std::string> long_text = {std::string(90'000, 'a')};
  error_of([&] { embedder.embed(long_text, {}); }, ErrorCode::kInvalidArgument);
  EXPECT_EQ(embedder.embed(long_text, {.truncate = true}).truncated.size(), 1u);

  for (const char* bad :
       {R"({"data":[]})", R"({"data":[{"embedding":[]}]})", R"({"data":[{"embedding":[0,0]}]})",
        R"({"data":[{"embedding":[1e200,1]}]})", R"({"data":[{"embedding":[1e-160,0]}]})",
        R"({"data":[{"embedding":["x"]}]})", R"({"data":[{"index":4,"embedding":[1]}]})",
        R"({"data":[{"index":0,"embedding":[1,2,3]}]})"}) {
    LoopbackServer broken([&](const ServedRequest&, int n) {
      return Reply{{http_answer(200, n == 0 ? R"({"data":[{"embedding":[1,1]}]})" : bad)}};
    });
    RemoteEmbedder other(endpoint(broken.url()), {"en"});
    EXPECT_EQ(other.dimensions(), 2);
    const std::vector<std::string> one = {"t"};
    error_of([&] { other.embed(one, {}); }, ErrorCode::kCorruptData);
  }
}

TEST(OpenAiProtocol, FindsJsonInWordsAndStaysQuickOnHostileOnes) {
  EXPECT_EQ(json_in("so {\"a\": \"}\"} there"), "{\"a\": \"}\"}");
  EXPECT_EQ(json_in("{not} [1, 2]"), "[1, 2]");
  EXPECT_EQ(json_in("no"), "");
  EXPECT_EQ(json_in("\"\\"), "");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(json_in(std::string(4 << 20, '[')), "");
  std::string pairs;
  for (int i = 0; i < (1 << 20); ++i) pairs += "{]";
  EXPECT_EQ(json_in(pairs), "");
  EXPECT_EQ(follow_schema("{}", std::string(1 << 20, '[') + std::string(1 << 20, ']')), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(OpenAiProtocol, ThoughtsDoNotStream) {
  const auto streamed = [](const std::string& text, size_t step) {
    ThoughtFilter filter;
    std::string out;
    for (size_t at = 0; at < text.size(); at += step) out += filter.feed(text.substr(at, step));
    return out;
  };
  for (const size_t step : {1u, 3u, 100u}) {
    EXPECT_EQ(streamed("\n<think>a <b> c</think>\n\nSeoul is", step), "Seoul is");
    EXPECT_EQ(streamed("<thin ice", step), "<thin ice");
    EXPECT_EQ(streamed("plain\n<think>x</think>", step), "plain\n<think>x</think>");
    EXPECT_EQ(streamed("<think>never ends", step), "");
  }
}

TEST(OpenAiProtocol, MessagesOfServicesAreOneCleanLine) {
  EXPECT_EQ(message_in(R"({"error":"no"})"), "no");
  EXPECT_EQ(message_in(R"({"message":"no\nway"})"), "no way");
  EXPECT_EQ(message_in("plain"), "plain");
  std::string korean;
  for (int i = 0; i < 200; ++i) korean += "가";
  const std::string cut = message_in(korean);
  EXPECT_LE(cut.size(), 300u);
  EXPECT_EQ(cut.size() % 3, 0u);
}

TEST(RemoteGenerator, EstimatesAreRatherTooHigh) {
  EXPECT_EQ(estimated_tokens(""), 0);
  EXPECT_EQ(estimated_tokens("abc"), 1);
  EXPECT_EQ(estimated_tokens("안녕"), 2);
}

}  // namespace
}  // namespace ondol::net
