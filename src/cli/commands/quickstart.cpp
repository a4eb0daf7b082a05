// ondol quickstart: the whole story in minutes, on the sample workspace.
#include "app/quickstart.h"

#include <array>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/comparison_text.h"

namespace ondol::cli {
namespace {

struct QuickstartCommandOptions {
  std::string folder = "ondol-quickstart";
  bool full = false;
  int64_t questions = 60;
  EngineOptions engine;
  bool json = false;
};

int quickstart(const QuickstartCommandOptions& options, Context& context) {
  app::Session session = make_session(options.engine);
  const app::CompareOutcome outcome =
      app::quickstart(session,
                      {.folder = options.folder,
                       .full = options.full,
                       .questions_max = options.questions,
                       .korean = context.language == Language::kKorean},
                      context.progress);
  context.print(options.json ? eval::report_json(outcome.report) + "\n"
                             : comparison_text(outcome, context.language));
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<QuickstartCommandOptions>();
  options.text("--folder", "DIR", &o->folder, "the workspace to make, or to go on with");
  options.flag("--full", &o->full, "also the recipes that take longer");
  options.integer("--limit", "N", &o->questions, {1, 1000000}, "test questions at most");
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return quickstart(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {"ondol quickstart",
                                                    "ondol quickstart --folder try --limit 20"};

}  // namespace

constinit const Command kQuickstart = {
    .name = "quickstart",
    .summary = {"fetch the models, ingest the sample, compare six recipes, recommend",
                "모델을 가져와 보기 문서로 여섯 방법을 견주고 하나를 권합니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
