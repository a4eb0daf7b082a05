// The table of metrics, and which one a question is judged by.
#include "eval/metrics.h"

#include <algorithm>

#include "base/error.h"
#include "eval/metrics/script.h"
#include "text/fold.h"

namespace ondol::eval {
namespace {

using Value = std::optional<double>;

std::vector<std::string> gold_texts(const Question& q) {
  if (q.answers.empty() && q.answer_index) return {q.choices[static_cast<size_t>(*q.answer_index)]};
  return q.answers;
}

// The best over the gold answers.
template <class Compare>
Value best_over_gold(const Question& q, const GradedAnswer& a, Compare compare) {
  if (q.unanswerable()) return std::nullopt;
  double best = 0;
  for (const std::string& gold : gold_texts(q)) {
    best = std::max(best, static_cast<double>(compare(a.text, gold)));
  }
  return best;
}

Value numeric(const Question& q, const GradedAnswer& a) {
  const std::optional<double> got = last_number(a.text);
  Value result;
  for (const std::string& gold : gold_texts(q)) {
    const std::optional<double> wanted = last_number(gold);
    if (!wanted) continue;
    result = std::max(result.value_or(0), got && numbers_equal(*got, *wanted) ? 1.0 : 0.0);
  }
  return result;
}

template <ChoiceNormalization normalization>
Value choice(const Question& q, const GradedAnswer& a) {
  if (!q.answer_index || a.choice_log_likelihoods.empty()) return std::nullopt;
  return best_choice(a.choice_log_likelihoods, q.choices, normalization) == *q.answer_index ? 1 : 0;
}

Value refusal(const Question& q, const GradedAnswer& a) {
  return is_refusal(a) == q.unanswerable() ? 1 : 0;
}

std::vector<std::string> gold_documents(const Question& q) {
  std::vector<std::string> out;
  for (const GoldPassage& passage : q.gold) out.push_back(passage.document);
  return out;
}

template <class Rank>
Value ranking(const Question& q, const GradedAnswer& a, Rank rank) {
  if (q.gold.empty() || !(a.retrieves || !a.retrieved.empty())) return std::nullopt;
  return rank(a.retrieved, gold_documents(q));
}

Value citation_precision(const Question& q, const GradedAnswer& a) {
  if (q.gold.empty() || a.citations.empty()) return std::nullopt;
  const auto hits = std::count_if(a.citations.begin(), a.citations.end(), [&](const auto& cited) {
    return std::any_of(q.gold.begin(), q.gold.end(),
                       [&](const auto& gold) { return citation_hits(cited, gold); });
  });
  return static_cast<double>(hits) / static_cast<double>(a.citations.size());
}

Value citation_recall(const Question& q, const GradedAnswer& a) {
  if (q.gold.empty() || !(a.retrieves || !a.citations.empty())) return std::nullopt;
  const auto hits = std::count_if(q.gold.begin(), q.gold.end(), [&](const auto& gold) {
    return std::any_of(a.citations.begin(), a.citations.end(),
                       [&](const auto& cited) { return citation_hits(cited, gold); });
  });
  return static_cast<double>(hits) / static_cast<double>(q.gold.size());
}

template <int k>
Value recall(const Question& q, const GradedAnswer& a) {
  return ranking(q, a,
                 [](const auto& found, const auto& gold) { return recall_at(found, gold, k); });
}

// The answer against the expected text.
std::vector<Metric> text_metrics() {
  return {
      {"contains",
       {"Contains the answer", "정답 포함"},
       {"The expected answer appears in what the recipe said.", "답변 안에 정답이 들어 있습니다."},
       [](const Question& q, const GradedAnswer& a) {
         return best_over_gold(q, a, contains_answer);
       }},
      {"exact",
       {"Exact match", "정확히 일치"},
       {"The answer is the expected one, nothing more and nothing less.",
        "답변이 정답과 정확히 같습니다."},
       [](const Question& q, const GradedAnswer& a) { return best_over_gold(q, a, exact_match); }},
      {"f1",
       {"Word overlap (F1)", "단어 겹침 (F1)"},
       {"How many words the answer and the expected one share.",
        "답변과 정답이 공유하는 단어의 비율입니다."},
       [](const Question& q, const GradedAnswer& a) { return best_over_gold(q, a, token_f1); }},
      {"char_f1",
       {"Character overlap (F1)", "글자 겹침 (F1)"},
       {"How many characters the answer and the expected one share.",
        "답변과 정답이 공유하는 글자의 비율입니다."},
       [](const Question& q, const GradedAnswer& a) { return best_over_gold(q, a, character_f1); }},
  };
}

// Numbers, choices, refusals.
std::vector<Metric> judged_metrics() {
  return {
      {"numeric",
       {"Right number", "맞는 숫자"},
       {"The last number of the answer is the expected one.",
        "답변의 마지막 숫자가 정답과 같습니다."},
       numeric},
      {"acc",
       {"Right choice", "맞는 선택"},
       {"The choice the model finds most likely is the right one.",
        "모델이 가장 그럴듯하다고 본 보기가 정답입니다."},
       choice<ChoiceNormalization::kNone>},
      {"acc_norm",
       {"Right choice (per character)", "맞는 선택 (글자당)"},
       {"The same, with likelihood shared over the characters, so that long choices are not "
        "punished.",
        "위와 같되 긴 보기가 불리하지 않도록 글자 수로 나눕니다."},
       choice<ChoiceNormalization::kCharacters>},
      {"acc_bytes",
       {"Right choice (per byte)", "맞는 선택 (바이트당)"},
       {"The same, shared over the bytes.", "위와 같되 바이트 수로 나눕니다."},
       choice<ChoiceNormalization::kBytes>},
      {"refusal",
       {"Knows when to refuse", "거절의 정확성"},
       {"Refused what the documents do not say, and answered what they do.",
        "문서에 없는 것은 거절하고 있는 것은 답했습니다."},
       refusal},
  };
}

// Documents found and cited.
std::vector<Metric> evidence_metrics() {
  return {
      {"recall@1",
       {"Right document first", "첫 문서가 정답"},
       {"Share of the right documents found at rank 1.", "1순위에서 찾은 정답 문서의 비율입니다."},
       recall<1>},
      {"recall@5",
       {"Right document in 5", "상위 5개에 정답 문서"},
       {"Share of the right documents among the first 5 found.",
        "상위 5개 안에서 찾은 정답 문서의 비율입니다."},
       recall<5>},
      {"recall@10",
       {"Right document in 10", "상위 10개에 정답 문서"},
       {"Share of the right documents among the first 10 found.",
        "상위 10개 안에서 찾은 정답 문서의 비율입니다."},
       recall<10>},
      {"mrr",
       {"Rank of the right document (MRR)", "정답 문서의 순위 (MRR)"},
       {"1 when a right document comes first, 1/2 when second, and so on.",
        "정답 문서가 첫째면 1, 둘째면 1/2, ... 입니다."},
       [](const Question& q, const GradedAnswer& a) { return ranking(q, a, reciprocal_rank); }},
      {"ndcg@10",
       {"Order of documents (nDCG)", "문서 순서 (nDCG)"},
       {"How close the order of the first 10 is to the best possible.",
        "상위 10개의 순서가 최선에 얼마나 가까운지 봅니다."},
       [](const Question& q, const GradedAnswer& a) {
         return ranking(q, a, [](const auto& f, const auto& g) { return ndcg_at(f, g, 10); });
       }},
      {"citation_precision",
       {"Citations that are right", "맞는 인용"},
       {"Share of the citations that point at words holding the answer.",
        "정답이 있는 곳을 가리킨 인용의 비율입니다."},
       citation_precision},
      {"citation_recall",
       {"Evidence that is cited", "인용된 근거"},
       {"Share of the places holding the answer that are cited.",
        "정답이 있는 곳 가운데 인용된 비율입니다."},
       citation_recall},
  };
}

const std::vector<Metric>& table() {
  static const std::vector<Metric> rows = [] {
    std::vector<Metric> all = text_metrics();
    for (const auto& part : {judged_metrics(), evidence_metrics()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return rows;
}

// Nothing but digits, separators, a currency sign or a percent sign.
bool is_plain_number(std::string_view text) {
  bool digit = false;
  for (const char32_t c : text::to_code_points(text::nfkc_casefold(text))) {
    digit = digit || is_digit(c);
    if (!is_digit(c) && std::u32string_view(U" ,.-+$€£₩¥%/").find(c) == std::u32string_view::npos) {
      return false;
    }
  }
  return digit;
}

bool is_short(const std::string& gold) {
  constexpr size_t kWordsMax = 5, kCharactersMax = 12;
  const auto units = overlap_units(normalize_answer(gold));
  return units.size() <= (has_han_or_kana(gold) ? kCharactersMax : kWordsMax);
}

MetricChoice choose_by_form(const Question& q) {
  if (q.unanswerable()) {
    return {"refusal", {"the documents do not hold the answer", "문서에 답이 없는 질문입니다"}};
  }
  if (!q.choices.empty()) {
    return {"acc_norm", {"multiple choice", "객관식 질문입니다"}};
  }
  const auto all = [&](auto check) {
    return std::all_of(q.answers.begin(), q.answers.end(), check);
  };
  if (all(is_plain_number) && q.gold.empty()) {
    return {"numeric",
            {"the answer is a number to be worked out", "답이 계산해야 하는 숫자입니다"}};
  }
  if (std::any_of(q.answers.begin(), q.answers.end(), is_short)) {
    return {"contains", {"the expected answer is short", "정답이 짧습니다"}};
  }
  const bool joined = has_hangul(q.answers[0]) || has_han_or_kana(q.answers[0]);
  if (joined) {
    return {"char_f1",
            {"the expected answer is long; characters are compared, because words carry "
             "endings or no spaces",
             "정답이 길고 어미와 띄어쓰기가 달라질 수 있어 글자로 비교합니다"}};
  }
  return {"f1", {"the expected answer is long", "정답이 깁니다"}};
}

}  // namespace

std::span<const Metric> metrics() { return table(); }

const Metric* find_metric(std::string_view name) {
  for (const Metric& metric : table()) {
    if (name == metric.name) return &metric;
  }
  return nullptr;
}

bool is_refusal(const GradedAnswer& answer) {
  if (answer.refused) return true;
  const std::string text = text::nfkc_casefold(answer.text);
  const size_t start = text.find_first_not_of(" \n\"'");
  if (start == std::string::npos) return false;
  for (const char* phrase :
       {"the documents do not", "the document does not", "i don't know", "i do not know",
        "i'm not sure", "not stated", "not mentioned", "문서에 나와 있지 않", "문서에 없",
        "문서에는 없", "알 수 없", "모르겠습니다"}) {
    if (text.find(phrase) == start) return true;
  }
  return false;
}

MetricChoice choose_metric(const Question& question) {
  if (question.metric.empty() || question.metric == "auto") return choose_by_form(question);
  if (!find_metric(question.metric)) {
    std::string known;
    for (const Metric& metric : table()) known += std::string(" ") + metric.name;
    throw Error(ErrorCode::kNotFound, "[metrics] question '" + question.id +
                                          "' names an unknown metric; got '" + question.metric +
                                          "', expected one of auto" + known);
  }
  return {question.metric, {"the question names it", "질문에 지정되어 있습니다"}};
}

Score score_answer(const Question& question, const GradedAnswer& answer) {
  const MetricChoice chosen = choose_metric(question);
  Score score{0, chosen.metric, chosen.why};
  if (question.unanswerable()) {
    score.value = *refusal(question, answer);
    return score;
  }
  if (is_refusal(answer)) return score;
  std::optional<double> value = find_metric(chosen.metric)->score(question, answer);
  if (!value && !question.choices.empty()) {
    score.metric = "contains";
    score.why = {"multiple choice, answered in words", "객관식 질문에 글로 답했습니다"};
    value = find_metric("contains")->score(question, answer);
  }
  if (!value) {
    throw Error(ErrorCode::kInvalidArgument,
                "[metrics] question '" + question.id + "' cannot be scored by '" + score.metric +
                    "'; try \"metric\": \"auto\" or give it gold documents, numbers or choices");
  }
  score.value = *value;
  return score;
}

std::vector<MetricValue> all_scores(const Question& question, const GradedAnswer& answer) {
  std::vector<MetricValue> out;
  for (const Metric& metric : table()) {
    if (const auto value = metric.score(question, answer)) out.push_back({metric.name, *value});
  }
  return out;
}

}  // namespace ondol::eval
