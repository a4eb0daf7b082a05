// What tests of reports share: a model that follows a script, and a store with a graph.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/retrievers/report_view.h"
#include "ground/stored_outputs.h"
#include "ground/test_support.h"

namespace ondol::ground::testing {

// The user's text of a request.
inline std::string user_text(const GenerateRequest& request) {
  return std::get<Prompt>(request.prompt).messages.back().content;
}

// A report that cites the first sentence, whatever is shown of clubs, bands and keepers.
inline constexpr const char* kPlainReport =
    R"({"title":"A title","summary":"A summary.","rating":7,)"
    R"("findings":[{"summary":"Club, Band or Keeper","explanation":"Because.","sentences":[1]}]})";

class ReportModel final : public Generator {
 public:
  std::function<GeneratedSample(const GenerateRequest&)> answer = [](const GenerateRequest&) {
    return GeneratedSample{kPlainReport, {}, "stop", {}};
  };
  bool follows_schemas = true;
  int64_t context = 0;
  std::vector<GenerateRequest> requests;

  std::unique_ptr<Generation> submit(GenerateRequest request) override {
    const std::lock_guard guard(mutex_);
    requests.push_back(request);
    auto done = std::make_unique<Done>();
    done->result.samples.push_back(answer(request));
    done->result.usage = {.prompt_tokens = count_tokens(request.prompt), .completion_tokens = 30};
    return done;
  }
  std::vector<Score> score(const ScoreRequest&) override { return {}; }
  GeneratorCapabilities capabilities() const override {
    return {.json_schema = follows_schemas, .context_tokens_max = context};
  }
  // A token a word.
  int64_t count_tokens(const PromptInput& prompt) const override {
    const auto* raw = std::get_if<RawText>(&prompt);
    std::string text = raw != nullptr ? raw->text : "";
    if (raw == nullptr) {
      for (const auto& m : std::get<Prompt>(prompt).messages) text += m.content + " ";
    }
    int64_t count = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      count += text[i] != ' ' && text[i] != '\n' &&
               (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n');
    }
    return count;
  }
  std::string id() const override { return "report-model-1"; }

 private:
  struct Done final : Generation {
    GenerateResult result;
    GenerateResult wait() override { return result; }
    void cancel() override {}
  };
  std::mutex mutex_;
};

// Documents with their graph, a model, and what it said kept in the store.
class ReportBench {
 public:
  explicit ReportBench(const std::vector<WholeText>& texts,
                       const std::vector<DocumentRule>& rules = {}) {
    put(texts, rules);
  }
  void put(const std::vector<WholeText>& texts, const std::vector<DocumentRule>& rules = {}) {
    SilentProgress silent;
    ingest_texts(*store, shelf, texts, nullptr, {.rules = rules, .extractor = names.get()}, silent);
  }
  Corpus& corpus() {
    if (!corpus_) {
      corpus_ = std::make_unique<Corpus>(CorpusSources{
          .store = store.get(), .collection = shelf, .model = [this]() -> CachedGenerator& {
            return cached;
          }});
    }
    return *corpus_;
  }
  ReportView view(const std::string& principal = "") {
    return open_reports(corpus(), {.principal = principal}, &cached);
  }
  ReportsMade make_all(const std::string& principal = "") {
    SilentProgress silent;
    const ReportView its = view(principal);
    return its.reporter->make(its.reporter->wanted(0, 100), silent);
  }

  TempFolder folder;
  std::unique_ptr<store::Store> store = store::open_sqlite_store(folder.path() / "s.db");
  store::CollectionId shelf = store->open_collection("c");
  std::unique_ptr<Extractor> names = make_extractor("names");
  StoredOutputs outputs{*store, shelf};
  ReportModel model;
  CachedGenerator cached{model, &outputs};

 private:
  std::unique_ptr<Corpus> corpus_;
};

// Two clubs that have nothing to do with each other, and one in Korean.
inline std::vector<WholeText> two_clubs() {
  return {{"tarn1", "Tarn Club", "The Tarn Club was founded by Ada Quill. It swims in the lake."},
          {"tarn2", "Tarn Club", "Ada Quill opens the fair of the Tarn Club every summer."},
          {"moor1", "Moor Band", "The Moor Band plays with Bo Lee. It plays in the hall."},
          {"moor2", "Moor Band", "Bo Lee pays the Moor Band from the box at the door."}};
}

}  // namespace ondol::ground::testing
