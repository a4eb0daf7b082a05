// Adapters of requests: side by side in one batch, and never mixed up by a cache.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "infer/adapted_generator.h"
#include "infer/test_support.h"

namespace ondol::testing {
namespace {

using AdapterPtr = std::shared_ptr<const LoadedAdapter>;

AdapterPtr golden_adapter(const std::string& name) {
  return std::make_shared<const LoadedAdapter>(
      load_adapter(golden_dir() / "adapters" / name, *tiny_llama()));
}

GenerateRequest ask(std::vector<TokenId> prompt, AdapterPtr adapter, int64_t tokens = 24) {
  GenerateRequest request{.prompt = std::move(prompt), .tokens_max = tokens};
  request.adapter = std::move(adapter);
  // The tiny model's likeliest token is the last one, whatever the adapter.
  request.sampler = {.temperature = 20, .seed = 5};
  return request;
}

std::vector<std::vector<TokenId>> ids_of(const GenerateResult& result) {
  std::vector<std::vector<TokenId>> ids;
  for (const GeneratedSample& sample : result.samples) ids.push_back(sample.ids);
  return ids;
}

class Adapters : public ::testing::Test {
 protected:
  Adapters()
      : folder(std::filesystem::temp_directory_path() /
               ("ondol_infer_adapter_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder);
  }
  ~Adapters() override { std::filesystem::remove_all(folder); }

  // Requests that begin alike, with each adapter and none, greedy and sampled.
  std::vector<GenerateRequest> mixed() {
    std::vector<GenerateRequest> requests;
    for (int64_t i = 0; i < 24; ++i) {
      std::vector<TokenId> prompt = some_ids(70 + 5 * (i / 6));
      if (i % 2 == 0) prompt.push_back(static_cast<TokenId>(i));
      requests.push_back(ask(std::move(prompt), all[static_cast<size_t>(i % 3)]));
      requests.back().sampler.temperature = i % 4 == 3 ? 0.0 : 20.0;
      requests.back().sampler.seed = static_cast<uint64_t>(i);
      requests.back().samples = i % 5 == 4 ? 2 : 1;
    }
    return requests;
  }

  void expect_as_alone(const LocalGeneratorOptions& options, int threads) {
    LocalGeneratorOptions plain = options;
    plain.prefix_cache = false;
    plain.speculation = Speculation::kOff;
    plain.kv_bytes_max = size_t{1} << 26;
    const auto generator = tiny_generator(options, threads);
    std::vector<std::unique_ptr<Generation>> running;
    for (GenerateRequest& request : mixed()) running.push_back(generator->submit(request));
    size_t index = 0;
    for (GenerateRequest& request : mixed()) {
      const GenerateResult alone = tiny_generator(plain)->generate(request);
      EXPECT_EQ(ids_of(running[index]->wait()), ids_of(alone)) << "request " << index;
      ++index;
    }
  }

  AdapterPtr a = golden_adapter("plain"), b = golden_adapter("rslora");
  std::vector<AdapterPtr> all = {nullptr, a, b};
  std::filesystem::path folder;
};

TEST_F(Adapters, ChangeWhatIsWritten) {
  const auto generator = tiny_generator();
  const auto none = ids_of(generator->generate(ask(some_ids(40), nullptr)));
  const auto first = ids_of(generator->generate(ask(some_ids(40), a)));
  const auto second = ids_of(generator->generate(ask(some_ids(40), b)));
  EXPECT_NE(none, first);
  EXPECT_NE(none, second);
  EXPECT_NE(first, second);
}

TEST_F(Adapters, InOneBatchEachGivesWhatItGivesAlone) {
  for (const Precision precision : {Precision::kExact, Precision::kFast}) {
    expect_as_alone({.precision = precision}, 2);
  }
  // Few pages: requests are put back and computed again.
  expect_as_alone({.kv_bytes_max = 8 * tiny_page_bytes(), .prefill_tokens_max = 64}, 1);
}

TEST_F(Adapters, APrefixIsOnlyReusedWithItsOwnAdapter) {
  const auto generator = tiny_generator();
  const auto cold = tiny_generator({.prefix_cache = false});
  const std::vector<TokenId> prompt = some_ids(150);
  for (const int round : {0, 1}) {
    for (const AdapterPtr& adapter : all) {
      const GenerateResult got = generator->generate(ask(prompt, adapter));
      EXPECT_EQ(got.usage.cached_tokens, round == 0 ? 0 : 149);
      EXPECT_EQ(ids_of(got), ids_of(cold->generate(ask(prompt, adapter))));
    }
  }
  // The same adapter in another object is the same.
  EXPECT_EQ(generator->generate(ask(prompt, golden_adapter("plain"))).usage.cached_tokens, 149);
  const LocalGeneratorStats stats = generator->stats();
  EXPECT_EQ(stats.pages_in_use, stats.pages_cached);
  generator->clear_prefix_cache();
  EXPECT_EQ(generator->stats().pages_in_use, 0);
}

TEST_F(Adapters, PagesOnDiskAreOfOneAdapter) {
  const std::vector<TokenId> prompt = some_ids(150);
  const auto expected = ids_of(tiny_generator()->generate(ask(prompt, a)));
  tiny_generator({.prefix_folder = folder})->generate(ask(prompt, a));
  for (const AdapterPtr& adapter : all) {
    const auto next = tiny_generator({.prefix_folder = folder});
    const GenerateResult got = next->generate(ask(prompt, adapter, 1));
    EXPECT_EQ(got.usage.cached_tokens, adapter == a ? 128 : 0);
  }
  const auto again = tiny_generator({.prefix_folder = folder});
  EXPECT_EQ(ids_of(again->generate(ask(prompt, a))), expected);
}

TEST_F(Adapters, GuessesChangeNothing) {
  std::vector<TokenId> prompt;  // repeats itself, so that there is much to look up
  for (int i = 0; i < 6; ++i) {
    for (const TokenId id : some_ids(12)) prompt.push_back(id);
  }
  for (const AdapterPtr& adapter : all) {
    const auto with = tiny_generator({.speculation = Speculation::kLookup, .draft_tokens = 4});
    const auto draft = tiny_generator({.draft_tokens = 3, .draft_model = tiny_llama()});
    const auto without = tiny_generator({.speculation = Speculation::kOff});
    const auto expected = ids_of(without->generate(ask(prompt, adapter, 60)));
    EXPECT_EQ(ids_of(with->generate(ask(prompt, adapter, 60))), expected);
    const GenerateResult drafted = draft->generate(ask(prompt, adapter, 60));
    EXPECT_EQ(ids_of(drafted), expected);
    EXPECT_GT(drafted.drafted_tokens, 0);
  }
}

TEST_F(Adapters, ScoresAreOfTheAdapter) {
  const auto generator = tiny_generator();
  ScoreRequest request{.prompt = some_ids(100), .continuations = {" hello", " world the"}};
  std::vector<std::vector<double>> cold, warm;
  for (const int round : {0, 1}) {
    for (const AdapterPtr& adapter : all) {
      request.adapter = adapter;
      const std::vector<Score> scores =
          round == 0 ? tiny_generator({.prefix_cache = false})->score(request)
                     : generator->score(request);
      (round == 0 ? cold : warm).push_back({scores[0].log_likelihood, scores[1].log_likelihood});
    }
  }
  EXPECT_EQ(cold, warm);
  EXPECT_NE(cold[0], cold[1]);
  EXPECT_NE(cold[1], cold[2]);
  const std::vector<TokenId> ids = some_ids(50);
  EXPECT_EQ(generator->token_log_likelihoods(ids, {}, nullptr),
            generator->token_log_likelihoods(ids));
  EXPECT_NE(generator->token_log_likelihoods(ids, {}, a.get()),
            generator->token_log_likelihoods(ids));
}

TEST_F(Adapters, AGeneratorWithAnAdapterIsAnotherGenerator) {
  const auto base = tiny_generator();
  AdaptedGenerator adapted(*base, a);
  EXPECT_EQ(adapted.id(), base->id() + "/adapter " + a->hash);
  EXPECT_EQ(ids_of(adapted.generate(ask(some_ids(40), nullptr))),
            ids_of(base->generate(ask(some_ids(40), a))));
  EXPECT_EQ(ids_of(adapted.generate(ask(some_ids(40), b))),
            ids_of(base->generate(ask(some_ids(40), b))));
  ScoreRequest request{.prompt = some_ids(30), .continuations = {" hello"}};
  const double own = adapted.score(request)[0].log_likelihood;
  request.adapter = a;
  EXPECT_EQ(own, base->score(request)[0].log_likelihood);
  EXPECT_THROW(AdaptedGenerator(*base, nullptr), Error);
}

TEST_F(Adapters, AnAdapterOfAnotherModelIsRefused) {
  LoadedAdapter foreign = *a;
  foreign.model_hash = "another";
  foreign.path = "runs/x/best";
  const auto other = std::make_shared<const LoadedAdapter>(foreign);
  const auto generator = tiny_generator();
  const auto refused = [&](const std::function<void()>& call) {
    expect_error(call, ErrorCode::kInvalidArgument, {"runs/x/best", "another model"});
  };
  refused([&] { generator->submit(ask(some_ids(5), other)); });
  refused([&] {
    generator->score({.prompt = some_ids(5), .continuations = {" a"}, .adapter = other});
  });
  refused([&] { generator->token_log_likelihoods(some_ids(5), {}, other.get()); });
}

}  // namespace
}  // namespace ondol::testing
