// query = "hyde" (Gao et al. 2022): the model writes passages that might answer the question, and
// the vector that is searched is the mean of the question's and theirs. Words are still searched
// with the question alone: a draft's names and numbers are invented, and BM25 weighs such rare
// words above everything that the question said.
//
// Whatever the kind, it embeds the question somewhere; so the kind is made over the same corpus
// with an embedder that knows the drafts.
#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <map>
#include <mutex>

#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"

namespace ondol::ground {
namespace {

constexpr int64_t kDraftCharactersMin = 40;
constexpr int64_t kDraftCharacters = 320;

constexpr Wording kSystem = {
    "You write a short passage as it might stand in a document that answers a question. You need "
    "not know whether it is true. You answer in JSON.",
    "질문에 답하는 문서에 있을 법한 짧은 글을 씁니다. 사실인지 몰라도 됩니다. JSON으로 답합니다."};
constexpr Wording kTask = {
    "Question: {}\n\nWrite the passage in two sentences, as {{\"passage\": \"...\"}}.",
    "질문: {}\n\n그 글을 두 문장으로 {{\"passage\": \"...\"}} 로 쓰세요."};
constexpr Wording kExample = {"Who designed the bridge that was opened after the flood of 1911?",
                              "1911년 홍수 뒤에 개통한 다리는 누가 설계했나요?"};
constexpr Wording kExampleAnswer = {
    R"({"passage":"The bridge over the river was opened two years after the flood of 1911. )"
    R"(It was designed by the engineer of the county, who also built the station."})",
    R"({"passage":"강을 건너는 다리는 1911년 홍수가 있은 지 두 해 뒤에 )"
    R"(개통했다. 설계는 역사도 지은 군의 기술자가 맡았다."})"};

std::string task(const std::string& text, std::string_view question) {
  return fmt::format(fmt::runtime(wording_for(text, kTask)), question);
}

// Embeds a question that has drafts as the mean of all their vectors, brought back to length 1;
// everything else as the embedder below. Drafts follow from the question, so two searches for one
// question at a time hold the same.
class DraftEmbedder final : public Embedder {
 public:
  explicit DraftEmbedder(Embedder& below) : below_(below) {}

  void hold(const std::string& question, const std::vector<std::string>& drafts) {
    const std::lock_guard guard(mutex_);
    Held& held = held_[question];
    ++held.users;
    held.drafts = drafts;
  }
  void let_go(const std::string& question) {
    const std::lock_guard guard(mutex_);
    const auto found = held_.find(question);
    if (found != held_.end() && --found->second.users == 0) held_.erase(found);
  }

  EmbedResult embed(std::span<const std::string> texts, const EmbedOptions& options) override {
    std::vector<std::string> all;
    std::vector<size_t> begins;
    {
      const std::lock_guard guard(mutex_);
      for (const std::string& text : texts) {
        begins.push_back(all.size());
        all.push_back(text);
        const auto found = held_.find(text);
        if (found == held_.end()) continue;
        all.insert(all.end(), found->second.drafts.begin(), found->second.drafts.end());
      }
    }
    begins.push_back(all.size());
    const EmbedResult below = below_.embed(all, options);
    EmbedResult result;
    result.tokens = below.tokens;
    for (size_t i = 0; i < texts.size(); ++i) {
      result.vectors.push_back(
          mean(std::span(below.vectors).subspan(begins[i], begins[i + 1] - begins[i])));
    }
    for (const size_t cut : below.truncated) {
      for (size_t i = 0; i < texts.size(); ++i) {
        if (begins[i] == cut) result.truncated.push_back(i);
      }
    }
    return result;
  }
  int64_t dimensions() const override { return below_.dimensions(); }
  int64_t tokens_max() const override { return below_.tokens_max(); }
  int64_t count_tokens(const std::string& text) const override { return below_.count_tokens(text); }
  std::string id() const override { return below_.id(); }
  std::vector<std::string> languages() const override { return below_.languages(); }

 private:
  struct Held {
    std::vector<std::string> drafts;
    int64_t users = 0;
  };

  static std::vector<float> mean(std::span<const std::vector<float>> vectors) {
    if (vectors.size() == 1) return vectors[0];
    std::vector<double> sum(vectors[0].size(), 0.0);
    for (const std::vector<float>& vector : vectors) {
      for (size_t d = 0; d < sum.size(); ++d) sum[d] += vector[d];
    }
    double norm = 0;
    for (const double x : sum) norm += x * x;
    std::vector<float> out;
    for (const double x : sum) {
      out.push_back(static_cast<float>(norm > 0 ? x / std::sqrt(norm) : 0.0));
    }
    return out;
  }

  Embedder& below_;
  std::mutex mutex_;
  std::map<std::string, Held> held_;
};

class HydeDecorator final : public Retriever {
 public:
  HydeDecorator(MakeBase make, const RetrieverConfig& config, Corpus& corpus)
      : config_(config),
        corpus_(corpus),
        embedder_(*corpus.embedder()),
        moved_(corpus.with_embedder(embedder_)),
        base_(make(config, moved_)) {}
  std::string_view kind() const override { return base_->kind(); }

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    const auto drafts = drafts_of(queries);
    const Holding holding(embedder_, queries, drafts);
    return base_->retrieve_all(queries, k);
  }

  std::vector<std::string> take_notices() override {
    std::vector<std::string> notices = base_->take_notices();
    const int64_t asked = asked_.exchange(0), plain = plain_.exchange(0);
    if (plain > 0) {
      notices.push_back(fmt::format(
          "query = \"hyde\": no usable draft for {} of {} questions; they were searched as they "
          "stand.",
          plain, asked));
    }
    return notices;
  }

 private:
  // Drafts are held as long as one search runs.
  class Holding {
   public:
    Holding(DraftEmbedder& embedder, std::span<const Query> queries,
            const std::vector<std::vector<std::string>>& drafts)
        : embedder_(embedder), queries_(queries) {
      for (size_t i = 0; i < queries.size(); ++i) embedder_.hold(queries[i].text, drafts[i]);
    }
    ~Holding() {
      for (const Query& query : queries_) embedder_.let_go(query.text);
    }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

   private:
    DraftEmbedder& embedder_;
    std::span<const Query> queries_;
  };

  std::vector<std::vector<std::string>> drafts_of(std::span<const Query> queries);

  RetrieverConfig config_;
  Corpus& corpus_;
  DraftEmbedder embedder_;
  Corpus moved_;
  std::unique_ptr<Retriever> base_;
  std::atomic<int64_t> asked_{0};
  std::atomic<int64_t> plain_{0};
};

// The first draft is the likeliest text, the others are drawn, each with a seed of its own.
std::vector<std::vector<std::string>> HydeDecorator::drafts_of(std::span<const Query> queries) {
  std::vector<ModelQuestion> questions;
  std::vector<size_t> of;
  for (size_t i = 0; i < queries.size(); ++i) {
    const std::string& text = queries[i].text;
    if (!corpus_.embeds(text)) continue;  // no vector is searched
    ++asked_;
    for (int64_t n = 0; n < config_.variants; ++n) {
      questions.push_back({.system = std::string(wording_for(text, kSystem)),
                           .user = task(text, fold_blanks(text)),
                           .field = "passage",
                           .characters_min = kDraftCharactersMin,
                           .characters_max = kDraftCharacters,
                           .seed = static_cast<uint64_t>(n),
                           .example = task(text, wording_for(text, kExample)),
                           .example_answer = std::string(wording_for(text, kExampleAnswer))});
      of.push_back(i);
    }
  }
  std::vector<std::vector<std::string>> drafts(queries.size());
  if (questions.empty()) return drafts;
  const auto answers = ask_model(corpus_.model(), questions);
  for (size_t a = 0; a < answers.size(); ++a) {
    // A draft in letters that the embedder does not read would pull the mean into noise.
    if (!answers[a].empty() && corpus_.embeds(answers[a][0])) {
      drafts[of[a]].push_back(answers[a][0]);
    }
  }
  for (size_t i = 0; i < queries.size(); ++i) {
    if (corpus_.embeds(queries[i].text) && drafts[i].empty()) ++plain_;
  }
  return drafts;
}

}  // namespace

std::unique_ptr<Retriever> make_hyde(MakeBase make, const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<HydeDecorator>(make, config, corpus);
}

}  // namespace ondol::ground
