// ondol init: a folder with everything a person fills in.
#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct InitOptions {
  std::string folder;
  bool sample = false;
  bool json = false;
};

int init(const InitOptions& options, Context& context) {
  app::init_workspace(options.folder, options.sample);
  const auto folder = std::filesystem::absolute(options.folder).lexically_normal();
  if (options.json) {
    const nlohmann::ordered_json result = {{"workspace", folder.string()},
                                           {"config", (folder / "ondol.toml").string()},
                                           {"sample", options.sample}};
    context.print(json_line(result));
    return kExitDone;
  }
  std::string text = "made " + folder.string() + "\n";
  text += "next:\n  cd " + options.folder + "\n";
  if (!options.sample) {
    text += "  (put .txt .md .html .csv .jsonl files into documents/,\n";
    text += "   and questions with their answers into questions.jsonl)\n";
  }
  text += "  ondol ingest\n  ondol compare\n";
  context.print(text);
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<InitOptions>();
  options.positional("FOLDER", &o->folder, "the folder to make; `.` is this one");
  options.flag("--sample", &o->sample, "with the sample handbook's documents and questions");
  declare_json(options, &o->json);
  return [o](Context& context) { return init(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {"ondol init my-assistant",
                                                    "ondol init handbook --sample"};

}  // namespace

constinit const Command kInit = {
    .name = "init",
    .summary = {"make a workspace: ondol.toml, documents/, questions.jsonl",
                "작업 폴더를 만듭니다: ondol.toml, documents/, questions.jsonl"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
