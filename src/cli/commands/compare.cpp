// ondol compare: every recipe on the questions; one is recommended.
#include "app/compare.h"

#include <array>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/comparison_text.h"

namespace ondol::cli {
namespace {

constexpr int64_t kQuestionsMax = 1000000;
constexpr int64_t kRepeatsMax = 1000;

struct CompareCommandOptions {
  app::CompareOptions compare;
  std::string workspace = ".";
  std::string questions;
  std::string data = "data";
  std::string split = "test";
  int64_t repeats = 1;
  int64_t seed = 0;
  bool resume = false;
  bool apply = false;
  EngineOptions engine;
  bool json = false;
};

app::CompareOptions checked(const CompareCommandOptions& options, const Context& context) {
  if (options.resume && options.compare.fresh) {
    throw Error(ErrorCode::kInvalidArgument,
                "[compare] got --resume and --fresh; expected one of them");
  }
  if (!options.questions.empty() && !options.compare.dataset.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[compare] got --questions and --dataset; expected one of them");
  }
  app::CompareOptions compare = options.compare;
  if (!options.questions.empty()) compare.questions = options.questions;
  compare.data = options.data;
  compare.split = eval::parse_split(options.split);  // "all" is no split: every question
  compare.repeats = static_cast<int>(options.repeats);
  compare.seed = static_cast<uint64_t>(options.seed);
  compare.korean = context.language == Language::kKorean;
  compare.command = context.command_line;
  return compare;
}

int compare(const CompareCommandOptions& options, Context& context) {
  const app::CompareOptions wanted = checked(options, context);
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  EngineOptions engine = options.engine;
  begin_profile(engine);
  app::Session session = make_session(engine);
  const app::CompareOutcome outcome = app::compare(workspace, session, wanted, context.progress);
  write_profile(engine);
  if (options.apply) app::apply_recommendation(workspace, outcome);
  context.print(options.json ? eval::report_json(outcome.report) + "\n"
                             : comparison_text(outcome, context.language));
  return kExitDone;
}

void declare_questions(Options& options, CompareCommandOptions* o) {
  options.list("--recipes", "A,B", &o->compare.recipes, "only these recipes of ondol.toml", ',');
  options.text("--questions", "FILE", &o->questions, "instead of the workspace's questions.jsonl");
  options.text(
      "--dataset", "NAME", &o->compare.dataset,
      "a public set instead: rag_xquad, rag_musique, rag_hotpotqa, gsm8k, arc_easy, boolq");
  options.text("--data", "DIR", &o->data, "the folder of the public sets");
  options.text("--language", "CODE", &o->compare.language, "of the public set");
  options.flag("--given-facts", &o->compare.given_facts,
               "the set's own facts are its graph (rag_musique)");
  options.choice("--split", &o->split, {"train", "dev", "test", "all"}, "which questions");
  options.integer("--limit", "N", &o->compare.questions_max, {0, kQuestionsMax},
                  "questions at most; 0: all of the split");
}

Action declare(Options& options) {
  const auto o = std::make_shared<CompareCommandOptions>();
  declare_questions(options, o.get());
  options.integer("--repeat", "K", &o->repeats, {1, kRepeatsMax},
                  "answers to each question, with other seeds");
  options.number("--margin", "X", &o->compare.margin, {0, 1},
                 "quality that a cheaper recipe may lack and still be recommended");
  options.integer("--latency-questions", "N", &o->compare.latency_questions, {0, kQuestionsMax},
                  "of the serial pass that measures speed; 0: none");
  options.flag("--retrieval-only", &o->compare.retrieval_only, "compare search alone, by recall");
  options.flag("--resume", &o->resume, "go on where a comparison stopped (it always does)");
  options.flag("--fresh", &o->compare.fresh, "do not use answers of earlier comparisons");
  options.flag("--apply", &o->apply, "write the recommendation into ondol.toml");
  options.integer("--seed", "N", &o->seed, {0, INT64_MAX}, "of resampling");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_profile(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return compare(*o, context); };
}

constexpr std::array<std::string_view, 3> kLines = {
    "ondol compare", "ondol compare --recipes zero-shot,hybrid --limit 40 --apply",
    "ondol compare --dataset rag_xquad --data data --limit 200 --json"};

}  // namespace

constinit const Command kCompare = {
    .name = "compare",
    .summary = {"measure every recipe on your questions and recommend one",
                "내 질문으로 모든 방법을 재고 하나를 권합니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
