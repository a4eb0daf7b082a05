// query = "rewrite": what the conversation said before is folded into one question that stands
// alone ("and on Sundays?" -> "When is the museum open on Sundays?"). Without a conversation the
// model is not asked: the question is only freed of what is not about its subject.
#include <algorithm>
#include <array>

#include "ground/retrievers/asking.h"
#include "ground/retrievers/decorators.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

constexpr size_t kTurnsMax = 6;
constexpr size_t kTurnCharacters = 400;
constexpr int64_t kQuestionCharacters = 240;

constexpr Wording kSystem = {
    "You rewrite the last question of a conversation so that it can be understood without the "
    "conversation. Names replace words such as it, they, there. You answer in JSON.",
    "대화의 마지막 질문을 대화 없이도 이해되는 질문 하나로 고쳐 씁니다. '그것', '거기' 같은 말은 "
    "이름으로 바꿉니다. JSON으로 답합니다."};
constexpr Wording kTask = {
    "Write the last question as one question that stands alone, as {\"question\": \"...\"}.",
    "마지막 질문을 혼자서도 뜻이 통하는 질문 하나로 써서 {\"question\": \"...\"} 로 답하세요."};
constexpr Wording kUser = {"Person: ", "사람: "};
constexpr Wording kAssistant = {"Assistant: ", "도우미: "};
constexpr Wording kLast = {"Last question: ", "마지막 질문: "};
constexpr Wording kExample = {
    "Person: When does the museum open?\nAssistant: At ten.\nLast question: And on Sundays?",
    "사람: 박물관은 언제 여나요?\n도우미: 열 시에 엽니다.\n마지막 질문: 그럼 일요일에는?"};
constexpr Wording kExampleAnswer = {R"({"question":"When does the museum open on Sundays?"})",
                                    R"({"question":"박물관은 일요일에 언제 여나요?"})"};

// What people put before and behind a question; longer ones first.
constexpr std::array<std::string_view, 14> kBefore = {"could you please tell me ",
                                                      "can you please tell me ",
                                                      "i would like to know ",
                                                      "could you tell me ",
                                                      "can you tell me ",
                                                      "please tell me ",
                                                      "i want to know ",
                                                      "tell me ",
                                                      "please ",
                                                      "hello, ",
                                                      "hi, ",
                                                      "안녕하세요. ",
                                                      "안녕하세요, ",
                                                      "안녕하세요! "};
constexpr std::array<std::string_view, 6> kBehind = {" please",  ", please",     " thank you",
                                                     " thanks.", " 알려 주세요", " 알려주세요"};

std::string lower_ascii(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string cleaned(std::string_view question) {
  std::string text = fold_blanks(question);
  for (bool cut = true; cut;) {
    cut = false;
    const std::string lower = lower_ascii(text);
    for (const std::string_view words : kBefore) {
      if (!lower.starts_with(words) || lower.size() <= words.size()) continue;
      text.erase(0, words.size());
      cut = true;
      break;
    }
  }
  const std::string lower = lower_ascii(text);
  for (const std::string_view words : kBehind) {
    const std::string_view body =
        lower.ends_with('.') || lower.ends_with('?') || lower.ends_with('!')
            ? std::string_view(lower).substr(0, lower.size() - 1)
            : std::string_view(lower);
    if (body.size() > words.size() && body.ends_with(words)) {
      text.resize(body.size() - words.size());
      break;
    }
  }
  return text.empty() ? std::string(question) : text;
}

ModelQuestion question_of(const Query& query) {
  std::string talk;
  const size_t turns = std::min(kTurnsMax, query.history.size());
  for (size_t i = query.history.size() - turns; i < query.history.size(); ++i) {
    const text::ChatMessage& turn = query.history[i];
    talk += wording_for(query.text, turn.role == "user" ? kUser : kAssistant);
    talk += shorten(fold_blanks(turn.content), kTurnCharacters) + "\n";
  }
  talk += std::string(wording_for(query.text, kLast)) + fold_blanks(query.text);
  const auto task = "\n\n" + std::string(wording_for(query.text, kTask));
  return {.system = std::string(wording_for(query.text, kSystem)),
          .user = talk + task,
          .field = "question",
          .characters_min = 4,
          .characters_max = kQuestionCharacters,
          .example = std::string(wording_for(query.text, kExample)) + task,
          .example_answer = std::string(wording_for(query.text, kExampleAnswer)),
          .remember = false};  // earlier answers quote documents
}

class RewriteDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    std::vector<Query> changed(queries.begin(), queries.end());
    std::vector<ModelQuestion> questions;
    std::vector<size_t> asked;
    for (size_t i = 0; i < changed.size(); ++i) {
      if (changed[i].history.empty()) {
        changed[i].text = cleaned(changed[i].text);
      } else {
        questions.push_back(question_of(changed[i]));
        asked.push_back(i);
      }
    }
    if (!questions.empty()) {
      const auto answers = ask_model(corpus_.model(), questions);
      count_asked(asked.size());
      for (size_t a = 0; a < asked.size(); ++a) {
        Query& query = changed[asked[a]];
        // What searches inside read is the rewritten question alone.
        query.history.clear();
        if (answers[a].empty()) {
          count_plain(1);
        } else {
          query.text = answers[a][0];
        }
      }
    }
    return base().retrieve_all(changed, k);
  }
};

}  // namespace

std::unique_ptr<Retriever> make_rewrite(std::unique_ptr<Retriever> base,
                                        const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<RewriteDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground
