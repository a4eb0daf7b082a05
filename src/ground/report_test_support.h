// What tests of reports share: a model that follows a script, and a store with a graph.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ground/extraction.h"
#include "ground/ingest.h"
#include "ground/retrievers/report_view.h"
#include "ground/stored_outputs.h"
#include "ground/test_support.h"
#include "support/scripted_generator.h"

namespace ondol::ground::testing {

// The user's text of a request.
inline std::string user_text(const GenerateRequest& request) {
  return ondol::testing::ScriptedGenerator::user_text(request.prompt);
}

// A report that cites the first sentence, whatever is shown of clubs, bands and keepers.
inline constexpr const char* kPlainReport =
    R"({"title":"A title","summary":"A summary.","rating":7,)"
    R"("findings":[{"summary":"Club, Band or Keeper","explanation":"Because.","sentences":[1]}]})";

// A token a word.
inline int64_t count_words(const PromptInput& prompt) {
  const auto* raw = std::get_if<RawText>(&prompt);
  std::string text = raw != nullptr ? raw->text : "";
  if (raw == nullptr) {
    for (const auto& m : std::get<Prompt>(prompt).messages) text += m.content + " ";
  }
  int64_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    count +=
        text[i] != ' ' && text[i] != '\n' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\n');
  }
  return count;
}

class ReportModel final : public ondol::testing::ScriptedGenerator {
 public:
  std::function<GeneratedSample(const GenerateRequest&)> answer = [](const GenerateRequest&) {
    return GeneratedSample{kPlainReport, {}, "stop", {}};
  };
  ReportModel() {
    sample = [this](const GenerateRequest& request, int64_t) { return answer(request); };
    tokens = &count_words;
    follows_schemas = true;
    context = 0;
  }
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
