// How right one answer is: a table of metrics (add one: a file in metrics/ and a row in
// metrics.cpp).
//
//   GradedAnswer answer{.text = "In Busan.", .retrieved = {"offices.md"}};
//   Score score = score_answer(question, answer);   // {1.0, "contains", "short answer from ..."}
//   for (const MetricValue& m : all_scores(question, answer)) ...   // the side columns
//
// Every score is in [0, 1], higher is better. A metric that says nothing about this question or
// answer (retrieval without gold documents, choices without log-likelihoods) gives nullopt, never
// 0. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/question.h"

namespace ondol::eval {

// A sentence for people, in both languages of the program.
struct Text {
  std::string en{};
  std::string ko{};
  bool operator==(const Text&) const = default;
};

struct CitedSpan {
  std::string document{};
  std::string quote{};    // the cited words
  int64_t char_from = 0;  // offsets in the document, code points; from == to: unknown
  int64_t char_to = 0;
};

// What a recipe gave for one question, as far as metrics look at it.
struct GradedAnswer {
  std::string text{};
  bool refused = false;                  // the recipe said "the documents do not say"
  bool retrieves = false;                // the recipe looks documents up, even if it found none
  std::vector<std::string> retrieved{};  // documents in rank order, one entry a chunk
  std::vector<CitedSpan> citations{};
  std::vector<double> choice_log_likelihoods{};  // one a choice: sum of log p(tokens | question)
};

struct Metric {
  const char* name;
  Text title{};
  Text meaning{};  // one sentence for somebody who never saw it
  std::optional<double> (*score)(const Question&, const GradedAnswer&);
};

std::span<const Metric> metrics();
const Metric* find_metric(std::string_view name);  // nullptr: no such metric

struct MetricChoice {
  std::string metric{};
  Text why{};
};
// The metric of this question: its own if it names one, else by the form of the gold answer:
//   no answers -> refusal; choices -> acc_norm; numbers with no gold document -> numeric; at most 5
//   words (12 characters without spaces in Chinese and Japanese) -> contains; longer -> f1, in
//   Korean and Chinese char_f1. Throws Error(kNotFound) for an unknown name.
MetricChoice choose_metric(const Question& question);

struct Score {
  double value = 0;
  std::string metric{};
  Text why{};
};
// The headline score: choose_metric's, with refusals judged first: refusing an answerable question
// scores 0, answering an unanswerable one scores 0, refusing it 1. Choices without log-likelihoods
// are scored by `contains`.
Score score_answer(const Question& question, const GradedAnswer& answer);

struct MetricValue {
  std::string metric{};
  double value = 0;
};
// Every metric that applies, in table order.
std::vector<MetricValue> all_scores(const Question& question, const GradedAnswer& answer);

// The answer says that it does not know: GradedAnswer::refused, or its text opens with one of the
// usual phrases ("the documents do not say", "I don't know", "문서에 나와 있지 않습니다", ...).
bool is_refusal(const GradedAnswer& answer);

// --- The functions behind the table, for callers with their own data. ---

// SQuAD's normalisation (lower case, no punctuation, no English articles, single spaces) after
// Unicode NFKC and case folding; two differences: the point of "3.5" and the sign of "-3" stay, so
// that "35" and "3" are other answers; a text of nothing but punctuation stays as it is.
std::string normalize_answer(std::string_view text);
// The same, and Korean particles and copulas taken off the end of words.
std::string normalize_korean(std::string_view text);

double exact_match(std::string_view answer, std::string_view gold);
double token_f1(std::string_view answer, std::string_view gold);       // multiset of words
double character_f1(std::string_view answer, std::string_view gold);   // multiset, spaces left out
bool contains_answer(std::string_view answer, std::string_view gold);  // at word boundaries

// The number an answer ends on: after "####" if there is one, else the last number. Understands
// "1,234.5", "-3", "$5", "12%", "3/4" (as 0.75), full-width digits. nullopt: no number.
std::optional<double> last_number(std::string_view text);
// |a - b| <= max(absolute, relative * |b|)
bool numbers_equal(double a, double b, double relative = 1e-6, double absolute = 1e-9);

// lm-evaluation-harness: the index of the greatest log-likelihood; _norm divides by the choice's
// length in characters (code points), _bytes by its length in UTF-8 bytes. Ties: the first.
enum class ChoiceNormalization { kNone, kCharacters, kBytes };
int best_choice(std::span<const double> log_likelihoods, std::span<const std::string> choices,
                ChoiceNormalization normalization);

// Retrieval over documents: repeated documents in `retrieved` count once, at their first rank.
std::vector<std::string> distinct_documents(std::span<const std::string> retrieved);
double recall_at(std::span<const std::string> retrieved, std::span<const std::string> gold, int k);
double reciprocal_rank(std::span<const std::string> retrieved, std::span<const std::string> gold);
double ndcg_at(std::span<const std::string> retrieved, std::span<const std::string> gold, int k);

// A citation is right when it is in a gold document and, where the gold passage has a quote, shares
// words with it: one text holds the other, or half of the shorter one's words in a row.
bool citation_hits(const CitedSpan& citation, const GoldPassage& gold);

}  // namespace ondol::eval
