// ondol search: passages for a question, without an answer.
#include "app/search.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kResultsMax = 10000;
constexpr size_t kExcerptColumns = 300;

struct SearchOptions {
  std::string query;
  std::string workspace = ".";
  std::string mode;
  int64_t k = 5;
  std::vector<std::string> filter;
  std::string principal;
  ground::RetrieverConfig how;
  EngineOptions engine;
  bool json = false;
};

std::map<std::string, std::string> filter_of(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> filter;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[search] --filter is '" + pair + "'; expected KEY=VALUE, as in format=md");
    }
    filter[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return filter;
}

Json results_json(const std::vector<Evidence>& found) {
  Json results = Json::array();
  for (const Evidence& piece : found) {
    results.push_back({{"chunk_id", piece.chunk_id},
                       {"document", piece.document},
                       {"score", piece.score},
                       {"text", piece.text},
                       {"title", piece.title},
                       {"heading", piece.heading},
                       {"ordinal", piece.ordinal},
                       {"char_from", piece.char_from},
                       {"char_to", piece.char_to},
                       {"page", piece.page},
                       {"provider", piece.provider}});
    if (piece.sources.empty()) continue;
    Json& sources = results.back()["sources"] = Json::array();
    for (const Citation& source : piece.sources) {
      sources.push_back({{"document", source.document},
                         {"chunk_id", source.chunk_id},
                         {"char_from", source.char_from},
                         {"char_to", source.char_to},
                         {"quote", source.quote}});
    }
  }
  return {{"results", results}};
}

std::string results_text(const std::vector<Evidence>& found) {
  std::string text;
  for (size_t i = 0; i < found.size(); ++i) {
    const Evidence& piece = found[i];
    text += fmt::format("{}. {}{}{}  (score {:.4f}, characters {}-{})\n", i + 1, piece.document,
                        piece.heading.empty() ? "" : " > ", piece.heading, piece.score,
                        piece.char_from, piece.char_to);
    const std::string_view excerpt = clip_columns(piece.text, kExcerptColumns);
    const bool cut = excerpt.size() < piece.text.size();
    text += "   " + wrap(std::string(excerpt) + (cut ? " ..." : ""), 80, 3) + "\n";
  }
  return text;
}

int search(const SearchOptions& options, Context& context) {
  const app::Workspace workspace = app::Workspace::open(options.workspace);
  app::Session session = make_session(options.engine);
  const app::SearchRequest request{
      .query = {.text = options.query,
                .principal = options.principal,
                .filter = filter_of(options.filter)},
      .mode = options.mode,
      .k = options.k,
      .how = options.how,
      .on_notice = [&](const std::string& notice) { context.progress.notice(notice); }};
  const std::vector<Evidence> found = app::search_workspace(workspace, session, request);
  show_notices(session, context);
  if (options.json) {
    context.print(json_line(results_json(found)));
  } else if (found.empty()) {
    context.progress.notice(say(kNothingFound, context.language));
  } else {
    context.print(results_text(found));
  }
  return found.empty() ? kExitNegative : kExitDone;
}

Action declare(Options& options) {
  const auto o = std::make_shared<SearchOptions>();
  options.positional("QUERY", &o->query, "what to look for");
  options.choice("--mode", &o->mode, app::search_modes(),
                 "how to search; default hybrid, or bm25 in a workspace without an embedder");
  options.integer("-k,--top-k", "K", &o->k, {1, kResultsMax}, "results at most");
  options.choice("--query", &o->how.query, {"plain", "rewrite", "multi-query", "hyde", "follow-up"},
                 "what the workspace's model does to the question first; default plain");
  options.text("--rerank", "MODEL", &o->how.rerank,
               "order by a cross-encoder, or `model` or `likelihood`: the workspace's model");
  options.choice("--expand", &o->how.expand, {"none", "parent", "neighbours"},
                 "give what stands around a passage too; default none");
  options.text("--as-of", "DATE", &o->how.as_of,
               "graph searches: leave out facts that do not hold then");
  options.list("--filter", "KEY=VALUE", &o->filter, "only documents with this tag");
  options.text("--principal", "NAME", &o->principal, "see what this person may see");
  declare_workspace(options, &o->workspace);
  declare_engine(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return search(*o, context); };
}

constexpr std::array<std::string_view, 3> kLines = {
    "ondol search \"lost property\"", "ondol search --mode bm25 -k 3 --json \"lost property\"",
    "ondol search --filter format=csv \"fare to the island\""};

}  // namespace

constinit const Command kSearch = {.name = "search",
                                   .summary = {"find passages in the workspace's documents",
                                               "작업 폴더의 문서에서 대목을 찾습니다"},
                                   .examples = kLines,
                                   .declare = declare};

}  // namespace ondol::cli
