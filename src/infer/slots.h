// What travels between the slots of a recipe (architecture, contract 1): weights -> context
// providers -> prompt builder -> strategy -> filters. Plain values, owned by whoever holds them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "text/chat.h"

namespace ondol {

// What a user asked.
struct Query {
  std::string id;  // stable within a question set; empty for a live question
  std::string text;
  std::vector<std::string> choices;           // non-empty: a multiple-choice question
  std::vector<text::ChatMessage> history;     // earlier turns, oldest first
  std::string principal;                      // who asks; searches see what this principal may see
  std::map<std::string, std::string> filter;  // metadata key -> value that evidence must have
};

struct Citation {
  std::string document;
  std::string heading;
  int64_t chunk_id = 0;
  int64_t char_from = 0;
  int64_t char_to = 0;
  std::string quote;
};

// One piece of support for an answer, found by a context provider.
struct Evidence {
  int64_t chunk_id = 0;
  std::string document;  // path relative to the documents folder
  std::string title;
  std::string heading;  // "Opening hours > Winter"
  std::string text;
  int64_t ordinal = 0;    // of the chunk in its document: prompts order by (document, ordinal)
  int64_t char_from = 0;  // offsets in the document's extracted text, in code points
  int64_t char_to = 0;
  int32_t page = 0;      // page or line of the start; 0: unknown
  double score = 0;      // the provider's own scale, higher is better
  std::string provider;  // "bm25", "vector", "hybrid", ...
  // Of a text that was made of others (a report): what it rests on. "[n]" in it is sources[n - 1].
  // Empty: the text is the document's own.
  std::vector<Citation> sources;
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of prompt_tokens, not computed again
};

// What is put to a generator. Messages go through the model's chat template; prefill is the
// beginning of the assistant's turn that the model continues.
struct Prompt {
  std::vector<text::ChatMessage> messages;
  std::string prefill;
};

// One thing that happened on the way to an answer, for the drill-down of reports.
struct TraceStep {
  std::string stage;  // "retrieve", "prompt", "generate", "vote", ...
  std::string text;
  double milliseconds = 0;
};

struct Answer {
  std::string text;
  bool refused = false;  // "the documents do not say"
  std::vector<Citation> citations;
  std::vector<Evidence> evidence;
  std::vector<double> choice_log_likelihoods;  // one a choice, when the query had choices
  Usage usage;
  double milliseconds = 0;
  double milliseconds_to_first_token = 0;
  std::string finish_reason;  // "stop", "length", "cancelled"
  std::vector<TraceStep> trace;
};

}  // namespace ondol
