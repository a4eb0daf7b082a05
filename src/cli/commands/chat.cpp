// ondol chat: a conversation on the terminal, or lines through a pipe.
#include "app/chat.h"

#include <unistd.h>

#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct ChatOptions {
  std::string model;
  std::string recipe;
  std::string workspace = ".";
  EngineOptions engine;
  bool json = false;
};

app::Assistant open_assistant(const ChatOptions& options, app::Session& session,
                              std::optional<app::Workspace>& workspace) {
  if (!options.model.empty()) return {session, options.model};
  workspace = app::Workspace::open(options.workspace);
  return {*workspace, session, options.recipe};
}

void say_turn(const ChatOptions& options, app::Conversation& conversation,
              const std::string& message, Context& context) {
  const auto show = [&](const StreamEvent& event) {
    return (options.json || context.output.write(event.text)) && !interrupted();
  };
  const Answer answer = conversation.say(message, {.on_text = show}, context.progress);
  if (options.json) {
    nlohmann::ordered_json line = {{"answer", answer.text},
                                   {"refused", answer.refused},
                                   {"finish_reason", answer.finish_reason}};
    line["documents"] = nlohmann::ordered_json::array();
    for (const Citation& citation : answer.citations)
      line["documents"].push_back(citation.document);
    context.print(json_line(line));
    return;
  }
  std::string end = "\n";
  if (answer.refused) end = std::string(say(kRefused, context.language)) + "\n";
  for (const Citation& citation : answer.citations) {
    end += "  [" + citation.document + (citation.heading.empty() ? "" : " > ") + citation.heading +
           "]\n";
  }
  context.print(end);
}

int chat(const ChatOptions& options, Context& context) {
  app::Session session = make_session(options.engine);
  std::optional<app::Workspace> workspace;
  const app::Assistant assistant = open_assistant(options, session, workspace);
  show_notices(session, context);
  app::Conversation conversation(assistant);
  Output prompt(STDERR_FILENO);
  const bool person = ::isatty(STDIN_FILENO) == 1 && prompt.is_terminal();
  if (person) prompt.line(std::string(say(kChatHint, context.language)));
  std::string message;
  while (!interrupted() && context.output.failure() == 0) {
    if (person) prompt.write("> ");
    if (!std::getline(std::cin, message) || message == "/quit") break;
    if (message == "/reset") {
      conversation.reset();
    } else if (!message.empty()) {
      say_turn(options, conversation, message, context);
    }
  }
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<ChatOptions>();
  options.text("-m,--model", "MODEL", &o->model,
               "talk to this model alone; default: the workspace's recipe");
  options.text("--recipe", "NAME", &o->recipe, "of ondol.toml; default: the one it chooses");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_prefix_folder(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return chat(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {"ondol chat",
                                                    "ondol chat -m smollm2-135m-instruct"};

}  // namespace

constinit const Command kChat = {
    .name = "chat",
    .summary = {"talk to a model or to the workspace's recipe, turn by turn",
                "모델이나 작업 폴더의 방법과 대화합니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
