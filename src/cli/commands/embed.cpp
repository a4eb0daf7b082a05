// ondol embed: vectors of texts, one text a line on standard input.
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct EmbedCommandOptions {
  std::string model = kDefaultEmbedder;
  EngineOptions engine;
  bool truncate = false;
  bool json = false;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    size_t last = end;
    if (last > begin && text[last - 1] == '\r') --last;
    lines.push_back(text.substr(begin, last - begin));
    begin = end + 1;
  }
  return lines;
}

// Shortest text that reads back as the same float.
std::string vector_line(const std::vector<float>& vector) {
  std::string line;
  for (const float value : vector) {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    if (!line.empty()) line += ' ';
    line.append(text, end);
  }
  return line + "\n";
}

int embed(const EmbedCommandOptions& options, Context& context) {
  app::Session session = make_session(options.engine);
  LocalEmbedder& embedder = session.local_embedder(options.model);
  show_notices(session, context);
  const std::vector<std::string> texts = lines_of(read_stdin());
  const EmbedResult result = embedder.embed(texts, {.truncate = options.truncate});
  if (!result.truncated.empty()) {
    context.progress.notice(std::to_string(result.truncated.size()) + " of " +
                            std::to_string(texts.size()) + " texts were cut to " +
                            std::to_string(embedder.tokens_max()) + " tokens");
  }
  if (options.json) {
    const nlohmann::ordered_json all = {{"dimensions", embedder.dimensions()},
                                        {"embeddings", result.vectors}};
    context.print(json_line(all));
    return kExitDone;
  }
  std::string lines;
  for (const auto& vector : result.vectors) lines += vector_line(vector);
  context.print(lines);
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<EmbedCommandOptions>();
  declare_model(options, &o->model);
  options.flag("--truncate", &o->truncate, "cut texts that are too long instead of refusing them");
  declare_engine(options, &o->engine);
  declare_weights(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return embed(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "echo \"Where is the ferry terminal?\" | ondol embed",
    "ondol embed -m all-minilm-l6-v2 --precision exact --json < sentences.txt"};

}  // namespace

constinit const Command kEmbed = {
    .name = "embed",
    .summary = {"turn texts into vectors, one text a line of standard input",
                "글을 벡터로 바꿉니다. 표준 입력 한 줄이 글 하나입니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
