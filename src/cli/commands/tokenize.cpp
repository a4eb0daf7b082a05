// ondol tokenize: text to token ids, as the model's tokenizer does it.
#include <array>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

struct TokenizeOptions {
  std::string model = kDefaultModel;
  std::optional<std::string> text;
  bool special = false;
  bool json = false;
};

int tokenize(const TokenizeOptions& options, Context& context) {
  const std::string text = text_or_stdin(options.text, "TEXT");
  app::Session session = make_session({.threads = 1});
  const auto model = session.model(options.model);
  const text::Tokenizer& tokenizer = *model->tokenizer;
  size_t bytes_dropped = 0;
  const std::vector<text::TokenId> ids =
      tokenizer.encode(text, {.add_special = options.special, .bytes_dropped = &bytes_dropped});
  if (bytes_dropped > 0) {
    context.progress.notice(std::to_string(bytes_dropped) +
                            " bytes have no piece in this vocabulary and give no token");
  }
  if (options.json) {
    nlohmann::ordered_json result = {{"ids", ids}, {"pieces", nlohmann::ordered_json::array()}};
    for (const text::TokenId id : ids) result["pieces"].push_back(tokenizer.piece(id));
    context.print(json_line(result));
    return kExitDone;
  }
  std::string lines;
  for (const text::TokenId id : ids) {
    lines += std::to_string(id) + "\t" + tokenizer.piece(id) + "\n";
  }
  context.print(lines);
  return kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<TokenizeOptions>();
  options.positional("TEXT", &o->text, "the text; absent or `-`: standard input");
  declare_model(options, &o->model);
  options.flag("--special", &o->special, "add what the model puts first and last");
  declare_json(options, &o->json);
  return [o](Context& context) { return tokenize(*o, context); };
}

constexpr std::array<std::string_view, 2> kLines = {
    "ondol tokenize \"The floor is warm.\"",
    "ondol tokenize -m all-minilm-l6-v2 --special --json \"The floor is warm.\""};

}  // namespace

constinit const Command kTokenize = {
    .name = "tokenize",
    .summary = {"show the tokens of a text", "글을 토큰으로 나누어 보여 줍니다"},
    .examples = kLines,
    .declare = declare};

}  // namespace ondol::cli
