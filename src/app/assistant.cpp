#include "app/assistant.h"

#include <algorithm>

#include "app/refusal_fit.h"
#include "app/search.h"
#include "base/error.h"

namespace ondol::app {
namespace {

// Of a plain conversation; a recipe says its own.
constexpr int64_t kChatTokensMax = 256;
constexpr const char* kChatSystem = "You are a helpful assistant.";

bool needs_embedder(const Recipe& recipe) {
  return (recipe.prompt.shots > 0 && recipe.prompt.select == "nearest") ||
         std::any_of(recipe.knowledge.begin(), recipe.knowledge.end(),
                     [](const KnowledgeConfig& knowledge) {
                       return retriever_uses_embedder(knowledge.retriever.kind);
                     });
}

bool needs_train(const Recipe& recipe) { return recipe.prompt.shots > 0; }

}  // namespace

Assistant::Assistant(const Workspace& workspace, Session& session, const std::string& name) {
  const RecipeBook& book = workspace.book();
  session.add_endpoints(book.endpoints);
  const Recipe& recipe = book.recipe(name.empty() ? book.chosen : name);
  // What can fail fast goes before what loads slowly.
  opened_ = OpenedCorpus(workspace, knowledge_kinds(std::span(&recipe, 1)));
  if (needs_train(recipe) && std::filesystem::exists(workspace.questions())) {
    train_ = eval::in_split(eval::read_questions(workspace.questions()), eval::Split::kTrain);
  }
  Embedder* embedder = nullptr;
  if (needs_embedder(recipe) && !book.embedder.empty()) {
    embedder = &session.embedder(book.embedder);
  }
  generator_ = &session.generator(recipe.model, workspace.adapter_path(recipe));
  compiled_ = std::make_unique<CompiledRecipe>(
      recipe, Resources{.generator = generator_,
                        .embedder = embedder,
                        .corpus = opened_.corpus(kDocumentsCollection, embedder, session, book),
                        .train = train_});
  if (compiled_->wants_refusal_fit()) {
    compiled_->refuse_below(load_refusal(workspace, recipe).value_or(0));
  }
}

Assistant::Assistant(Session& session, const std::string& model) {
  Recipe recipe;
  recipe.name = "chat";
  recipe.model = model;
  recipe.prompt.system = kChatSystem;
  recipe.prompt.user_template = "{question}";
  recipe.decode.tokens_max = kChatTokensMax;
  recipe.refusal.mode = "off";
  generator_ = &session.generator(model);
  compiled_ = std::make_unique<CompiledRecipe>(recipe, Resources{.generator = generator_});
}

Answer Assistant::answer(const Query& query, const AnswerOptions& options) const {
  return compiled_->answer(query, options);
}

}  // namespace ondol::app
