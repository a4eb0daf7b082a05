#include "app/chat.h"

namespace ondol::app {

Answer Conversation::say(const std::string& message, const AnswerOptions& options,
                         ProgressSink& progress) {
  forget_old_turns(progress);
  Answer answer = assistant_.answer({.text = message, .history = history_}, options);
  if (!answer.text.empty()) {
    history_.push_back({"user", message, {}});
    history_.push_back({"assistant", answer.text, {}});
  }
  return answer;
}

// History gets half of the context; the other half is for passages, question and answer.
void Conversation::forget_old_turns(ProgressSink& progress) {
  const Generator& generator = assistant_.generator();
  const int64_t limit = generator.capabilities().context_tokens_max / 2;
  size_t forgotten = 0;
  while (!history_.empty() && generator.count_tokens(Prompt{.messages = history_}) > limit) {
    history_.erase(history_.begin(), history_.begin() + 2);
    ++forgotten;
  }
  if (forgotten > 0) {
    progress.notice("the conversation has outgrown half of the model's context (" +
                    std::to_string(limit) + " tokens); its first " + std::to_string(forgotten) +
                    (forgotten == 1 ? " turn is" : " turns are") + " forgotten");
  }
}

}  // namespace ondol::app
