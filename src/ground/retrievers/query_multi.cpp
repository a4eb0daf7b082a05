// query = "multi-query": the question in other words and in parts, each searched, and the lists
// fused by reciprocal ranks. The question itself always stands among them.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"

namespace ondol::ground {
namespace {

constexpr size_t kDepth = 20;  // of each list, at least k: what stands deeper adds next to nothing
constexpr int64_t kQuestionCharactersMin = 6;
constexpr int64_t kQuestionCharacters = 160;
constexpr int64_t kExampleQueries = 3;

constexpr Wording kSystem = {
    "You prepare searches in documents. For a question you write other questions: the same in "
    "other words, or its parts where it has several. You answer in JSON.",
    "문서 검색을 준비합니다. 질문 하나를 받아 다른 질문들을 씁니다: 같은 뜻을 다른 말로, 여러 "
    "부분이 "
    "있으면 부분으로 나누어 씁니다. JSON으로 답합니다."};
constexpr Wording kTask = {
    "Question: {}\n\nWrite {} short questions to search for, as {{\"queries\": [\"...\"]}}.",
    "질문: {}\n\n찾아볼 짧은 질문 {}개를 {{\"queries\": [\"...\"]}} 로 쓰세요."};
constexpr Wording kExample = {"Who designed the bridge that was opened after the flood of 1911?",
                              "1911년 홍수 뒤에 개통한 다리는 누가 설계했나요?"};
constexpr Wording kExampleAnswer = {
    R"({"queries":["Which bridge was opened after the flood of 1911?",)"
    R"("Who was the architect of the bridge?","Bridge built after the 1911 flood"]})",
    R"({"queries":["1911년 홍수 뒤에 개통한 다리는 무엇인가요?",)"
    R"("그 다리의 건축가는 누구인가요?","1911년 홍수 뒤에 지은 다리"]})"};

class MultiQueryDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::vector<ModelQuestion> questions;
    for (const Query& query : queries) questions.push_back(question_of(query.text));
    const auto answers = ask_model(corpus_.model(), questions);
    count_asked(queries.size());
    std::vector<Query> all;
    std::vector<size_t> begins;
    for (size_t i = 0; i < queries.size(); ++i) {
      begins.push_back(all.size());
      all.push_back(queries[i]);
      std::set<std::string> seen = {question_key(queries[i].text)};
      for (const std::string& text : answers[i]) {
        if (!seen.insert(question_key(text)).second) continue;
        all.push_back(queries[i]);
        all.back().text = text;
      }
      if (seen.size() == 1) count_plain(1);
    }
    begins.push_back(all.size());
    const auto lists = base().retrieve_all(all, std::max(k, kDepth));
    std::vector<std::vector<Evidence>> results;
    for (size_t i = 0; i < queries.size(); ++i) {
      results.push_back(fuse_evidence(
          std::span(lists).subspan(begins[i], begins[i + 1] - begins[i]), config_.rrf_constant, k));
    }
    return results;
  }

 private:
  ModelQuestion question_of(const std::string& text) const {
    return {.system = std::string(wording_for(text, kSystem)),
            .user = task(text, fold_blanks(text), config_.variants),
            .field = "queries",
            .texts = config_.variants,
            .characters_min = kQuestionCharactersMin,
            .characters_max = kQuestionCharacters,
            .example = task(text, wording_for(text, kExample), kExampleQueries),
            .example_answer = std::string(wording_for(text, kExampleAnswer))};
  }
  static std::string task(const std::string& text, std::string_view question, int64_t count) {
    return fmt::format(fmt::runtime(wording_for(text, kTask)), question, count);
  }
};

}  // namespace

std::unique_ptr<Retriever> make_multi_query(std::unique_ptr<Retriever> base,
                                            const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<MultiQueryDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground
