// rerank: what a search found, ordered anew by a model that reads question and passage together. A
// cross-encoder by name; "model": the workspace's own, asked whether the passage answers the
// question, by how much likelier "yes" is than "no"; or "likelihood": by how likely it finds the
// question behind the passage (Sachan et al. 2022), which needs no instructions to be understood.
#include <algorithm>

#include "base/error.h"
#include "ground/chunker.h"
#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"

namespace ondol::ground {
namespace {

constexpr Wording kSystem = {"You judge whether a passage answers a question. You say Yes or No.",
                             "글이 질문에 답하는지 판단해서 예 또는 아니요로 말합니다."};
constexpr Wording kQuestion = {"Question: ", "질문: "};
constexpr Wording kPassage = {"Passage: ", "글: "};
constexpr Wording kTask = {"Does this passage answer the question? Yes or No.",
                           "이 글이 질문에 답합니까? 예 또는 아니요."};
constexpr Wording kYes = {"Yes", "예"};
constexpr Wording kNo = {"No", "아니요"};
constexpr Wording kAsked = {"\nA question that this passage answers:", "\n이 글이 답하는 질문:"};
constexpr size_t kPassageCharacters = 1500;

class ModelReranker final : public Reranker {
 public:
  ModelReranker(CachedGenerator& model, bool likelihood) : model_(model), likelihood_(likelihood) {
    if (model_.capabilities().score) return;
    throw Error(ErrorCode::kUnsupported,
                "[knowledge] reranking by the model needs a model that gives likelihoods, and '" +
                    model_.id() + "' gives none; try a local model or a cross-encoder");
  }

  std::vector<double> scores(const std::string& question,
                             std::span<const std::string> passages) override {
    std::vector<double> all;
    for (const std::string& passage : passages) {
      all.push_back(likelihood_ ? likelihood(question, passage) : verdict(question, passage));
    }
    return all;
  }
  std::string id() const override { return model_.id(); }

 private:
  // The question stands before the passage: prompts of one question share their beginning.
  double verdict(const std::string& question, const std::string& passage) {
    const auto say = [&](const Wording& words) {
      return std::string(wording_for(question, words));
    };
    ScoreRequest request;
    request.prompt =
        Prompt{.messages = {{"system", say(kSystem), {}},
                            {"user",
                             say(kQuestion) + question + "\n\n" + say(kPassage) +
                                 shorten(passage, kPassageCharacters) + "\n\n" + say(kTask),
                             {}}},
               .prefill = ""};
    request.continuations = {say(kYes), say(kNo)};
    const std::vector<Score> both = model_.score(request);
    return both.at(0).log_likelihood - both.at(1).log_likelihood;
  }

  // Mean over the question's tokens. Plain text: a chat template would ask for an answer.
  double likelihood(const std::string& question, const std::string& passage) {
    const std::string text = std::string(wording_for(question, kPassage)) +
                             shorten(passage, kPassageCharacters) +
                             std::string(wording_for(question, kAsked));
    const Score score =
        model_.score({.prompt = RawText{text}, .continuations = {" " + fold_blanks(question)}})
            .at(0);
    return score.log_likelihood / static_cast<double>(std::max<int64_t>(score.tokens, 1));
  }

  CachedGenerator& model_;
  bool likelihood_;
};

class RerankDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const size_t depth = std::max(k, static_cast<size_t>(config_.rerank_candidates));
    auto found = base().retrieve_all(queries, depth);
    if (std::ranges::all_of(found, [](const auto& list) { return list.empty(); })) return found;
    if (reranks_by_model(config_.rerank)) {
      ModelReranker reranker(corpus_.judge(), config_.rerank == "likelihood");
      for (size_t i = 0; i < queries.size(); ++i) order(queries[i], k, reranker, found[i]);
    } else {
      Reranker& reranker = corpus_.reranker(config_.rerank);
      for (size_t i = 0; i < queries.size(); ++i) order(queries[i], k, reranker, found[i]);
    }
    return found;
  }

 private:
  // What the embedder reads of a passage: its title and heading say what it is about.
  static void order(const Query& query, size_t k, Reranker& reranker,
                    std::vector<Evidence>& found) {
    std::vector<std::string> texts;
    for (const Evidence& piece : found) {
      texts.push_back(indexed_text(piece.title, piece.heading, piece.text));
    }
    const std::vector<double> scores = reranker.scores(query.text, texts);
    for (size_t i = 0; i < found.size(); ++i) found[i].score = scores[i];
    std::sort(found.begin(), found.end(), [](const Evidence& a, const Evidence& b) {
      return a.score != b.score ? a.score > b.score : a.chunk_id < b.chunk_id;
    });
    if (found.size() > k) found.resize(k);
  }
};

}  // namespace

bool reranks_by_model(std::string_view rerank) {
  return rerank == "model" || rerank == "likelihood";
}

std::unique_ptr<Retriever> make_reranking(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<RerankDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground
