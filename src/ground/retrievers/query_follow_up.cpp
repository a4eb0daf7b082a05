// query = "follow-up" (after DRIFT of GraphRAG): the model is shown what was found so far, says
// what is still to be looked up, and that is searched too, up to `rounds` times. All lists are
// fused by reciprocal ranks, the question's own first among them. An answer without a new question
// ends the rounds of its question.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"

namespace ondol::ground {
namespace {

constexpr size_t kDepth = 20;  // of each list, at least k
constexpr size_t kShown = 4;   // passages the model reads
constexpr size_t kShownCharacters = 400;
constexpr int64_t kQuestionCharacters = 160;

constexpr Wording kSystem = {
    "You look for the answer to a question in documents. You are shown the passages found so far "
    "and name the one question that must be looked up next. You answer in JSON.",
    "문서에서 질문의 답을 찾고 있습니다. 지금까지 찾은 글을 보고 다음에 찾아야 할 질문 하나를 "
    "말합니다. "
    "JSON으로 답합니다."};
constexpr Wording kTask = {
    "Question: {}\n\nFound:\n{}\nWhich fact is still missing? Write a short question for it with "
    "names from the passages, as {{\"next\": \"...\"}}.",
    "질문: {}\n\n찾은 글:\n{}\n아직 빠진 사실은 무엇입니까? 글에 나온 이름을 써서 짧은 질문 하나를 "
    "{{\"next\": \"...\"}} 로 쓰세요."};

constexpr Wording kExample = {"Who designed the bridge that was opened after the flood of 1911?",
                              "1911년 홍수 뒤에 개통한 다리는 누가 설계했나요?"};
constexpr Wording kExampleFound = {
    "1. Floods: The Mill Bridge was opened two years after the flood of 1911.\n",
    "1. 홍수: 물레다리는 1911년 홍수가 있은 지 두 해 뒤에 개통했다.\n"};
constexpr Wording kExampleAnswer = {R"({"next":"Who designed the Mill Bridge?"})",
                                    R"({"next":"물레다리는 누가 설계했나요?"})"};

std::string task(std::string_view language_of, std::string_view question,
                 std::string_view passages) {
  return fmt::format(fmt::runtime(wording_for(language_of, kTask)), question, passages);
}

// One question on its way through the rounds.
struct Search {
  std::vector<std::vector<Evidence>> lists;
  std::set<std::string> asked;
  bool ended = false;
};

class FollowUpDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const size_t depth = std::max(k, kDepth);
    std::vector<Search> searches(queries.size());
    auto first = base().retrieve_all(queries, depth);
    for (size_t i = 0; i < queries.size(); ++i) {
      searches[i].asked.insert(question_key(queries[i].text));
      searches[i].ended = first[i].empty();  // nothing to follow up
      searches[i].lists.push_back(std::move(first[i]));
    }
    for (int64_t round = 0; round < config_.rounds; ++round) {
      if (!follow(queries, depth, round == 0, searches)) break;
    }
    std::vector<std::vector<Evidence>> results;
    for (const Search& search : searches) {
      results.push_back(fuse_evidence(search.lists, config_.rrf_constant, k));
    }
    return results;
  }

 private:
  // One round over the questions that go on; false: none did.
  bool follow(std::span<const Query> queries, size_t depth, bool first,
              std::vector<Search>& searches);
  ModelQuestion question_of(const Query& query, const Search& search) const;
};

ModelQuestion FollowUpDecorator::question_of(const Query& query, const Search& search) const {
  const auto found = fuse_evidence(search.lists, config_.rrf_constant, kShown);
  return {.system = std::string(wording_for(query.text, kSystem)),
          .user = task(query.text, fold_blanks(query.text),
                       passages_text(found, kShown, kShownCharacters)),
          .field = "next",
          .characters_max = kQuestionCharacters,
          .example = task(query.text, wording_for(query.text, kExample),
                          wording_for(query.text, kExampleFound)),
          .example_answer = std::string(wording_for(query.text, kExampleAnswer)),
          .sources = chunks_of(found, kShown),
          .remember = all_are_chunks(found, kShown)};
}

bool FollowUpDecorator::follow(std::span<const Query> queries, size_t depth, bool first,
                               std::vector<Search>& searches) {
  std::vector<ModelQuestion> questions;
  std::vector<size_t> of;
  for (size_t i = 0; i < queries.size(); ++i) {
    if (searches[i].ended) continue;
    questions.push_back(question_of(queries[i], searches[i]));
    of.push_back(i);
  }
  if (questions.empty()) return false;
  const auto answers = ask_model(corpus_.model(), questions);
  if (first) count_asked(of.size());
  std::vector<Query> next;
  std::vector<size_t> next_of;
  for (size_t a = 0; a < of.size(); ++a) {
    Search& search = searches[of[a]];
    if (answers[a].empty() || !search.asked.insert(question_key(answers[a][0])).second) {
      search.ended = true;
      if (first) count_plain(1);
      continue;
    }
    next.push_back(queries[of[a]]);
    next.back().text = answers[a][0];
    next_of.push_back(of[a]);
  }
  if (next.empty()) return false;
  auto found = base().retrieve_all(next, depth);
  for (size_t n = 0; n < next.size(); ++n) {
    searches[next_of[n]].lists.push_back(std::move(found[n]));
  }
  return true;
}

}  // namespace

std::unique_ptr<Retriever> make_follow_up(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<FollowUpDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground
