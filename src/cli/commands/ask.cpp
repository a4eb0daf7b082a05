// ondol ask: one question, answered by a recipe, with its sources.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "app/assistant.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

struct AskOptions {
  std::optional<std::string> question;
  std::string recipe;
  std::string workspace = ".";
  std::string principal;
  EngineOptions engine;
  bool json = false;
};

Json answer_json(const Answer& answer, const std::string& recipe) {
  Json citations = Json::array();
  for (const Citation& citation : answer.citations) {
    citations.push_back({{"document", citation.document},
                         {"heading", citation.heading},
                         {"chunk_id", citation.chunk_id},
                         {"char_from", citation.char_from},
                         {"char_to", citation.char_to},
                         {"quote", citation.quote}});
  }
  Json evidence = Json::array();
  for (const Evidence& piece : answer.evidence) {
    evidence.push_back({{"chunk_id", piece.chunk_id},
                        {"document", piece.document},
                        {"heading", piece.heading},
                        {"score", piece.score},
                        {"text", piece.text}});
  }
  return {{"answer", answer.text},
          {"refused", answer.refused},
          {"citations", citations},
          {"evidence", evidence},
          {"recipe", recipe},
          {"finish_reason", answer.finish_reason},
          {"usage",
           {{"prompt_tokens", answer.usage.prompt_tokens},
            {"completion_tokens", answer.usage.completion_tokens}}},
          {"timing",
           {{"first_token_ms", answer.milliseconds_to_first_token},
            {"total_ms", answer.milliseconds}}}};
}

std::string answer_text(const Answer& answer, Language language) {
  if (answer.refused) return std::string(say(kRefused, language)) + "\n";
  std::string text = answer.text + "\n";
  if (answer.citations.empty()) return text;
  text += "\n" + std::string(say(kSources, language)) + "\n";
  for (const Citation& citation : answer.citations) {
    text += fmt::format("  {}{}{}, characters {}-{}\n", citation.document,
                        citation.heading.empty() ? "" : " > ", citation.heading, citation.char_from,
                        citation.char_to);
    text += "    \"" + wrap(citation.quote, 79, 5) + "\"\n";
  }
  return text;
}

int ask(const AskOptions& options, Context& context) {
  const std::string question = text_or_stdin(options.question, "QUESTION");
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  app::Session session = make_session(options.engine);
  const app::Assistant assistant(workspace, session, options.recipe);
  show_notices(session, context);
  const Answer answer =
      assistant.answer({.text = question, .principal = options.principal},
                       {.on_text = [](const StreamEvent&) { return !interrupted(); }});
  const std::string& recipe = assistant.recipe().name;
  context.print(options.json ? json_line(answer_json(answer, recipe))
                             : answer_text(answer, context.language));
  return answer.refused ? kExitNegative : kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<AskOptions>();
  options.positional("QUESTION", &o->question, "in quotes; absent or `-`: standard input");
  options.text("--recipe", "NAME", &o->recipe, "of ondol.toml; default: the one it chooses");
  options.text("--principal", "NAME", &o->principal, "see what this person may see");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_prefix_folder(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return ask(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol ask \"How long is a day ticket valid?\"",
    "ondol ask --recipe bm25 --json \"Who answers the radio at night?\""};

}  // namespace

constinit const Command kAsk = {.name = "ask",
                                .summary = {"answer a question from the documents, with sources",
                                            "문서를 근거로 물음에 답하고 출처를 댑니다"},
                                .examples = kLines,
                                .declare = declare};

}  // namespace ondol::cli
