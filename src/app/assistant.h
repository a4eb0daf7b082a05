// A recipe of a workspace with everything it needs opened: what `ask` and `chat` talk to.
//
//   Assistant assistant(workspace, session, "");            // the recipe ondol.toml chooses
//   Answer answer = assistant.answer({.text = "When is the last ferry?"}, {});
//
// Workspace and session outlive it. Thread-safe once made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/opened_corpus.h"
#include "app/pipeline.h"
#include "app/session.h"
#include "app/workspace.h"

namespace ondol::app {

class Assistant {
 public:
  // `recipe` empty: the one ondol.toml chooses. Loads its models, opens the store if it searches.
  Assistant(const Workspace& workspace, Session& session, const std::string& recipe);
  // A model alone, without workspace or documents.
  Assistant(Session& session, const std::string& model);

  Answer answer(const Query& query, const AnswerOptions& options) const;
  const Recipe& recipe() const { return compiled_->recipe(); }
  Generator& generator() const { return *generator_; }

 private:
  OpenedCorpus opened_;
  std::vector<eval::Question> train_;
  Generator* generator_ = nullptr;
  std::unique_ptr<CompiledRecipe> compiled_;
};

}  // namespace ondol::app
