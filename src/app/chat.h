// A conversation: turns remembered, the oldest forgotten when they no longer fit.
//
//   Conversation conversation(assistant);
//   Answer answer = conversation.say("And on Sundays?", {}, progress);
#pragma once

#include <string>
#include <vector>

#include "app/assistant.h"
#include "base/progress.h"

namespace ondol::app {

class Conversation {
 public:
  explicit Conversation(const Assistant& assistant) : assistant_(assistant) {}
  // A turn that throws, or is cancelled before any text, leaves the conversation as it was. A
  // notice tells when turns are forgotten.
  Answer say(const std::string& message, const AnswerOptions& options, ProgressSink& progress);
  void reset() { history_.clear(); }
  const std::vector<text::ChatMessage>& history() const { return history_; }

 private:
  void forget_old_turns(ProgressSink& progress);

  const Assistant& assistant_;
  std::vector<text::ChatMessage> history_;  // user, assistant, user, ...
};

}  // namespace ondol::app
