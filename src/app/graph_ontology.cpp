#include "app/graph_ontology.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/ontology_file.h"

namespace ondol::app {
namespace {

// A comment of one line, whatever stands in the text.
std::string comment(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 127; }, ' ');
  return "# " + text + "\n";
}

std::string with_comments(const ground::OntologySuggestion& suggestion) {
  std::string text = comment(
      "Proposed from the documents: look it through, take out what is none, and keep it as "
      "ontology.toml.");
  text +=
      comment("문서에서 제안한 온톨로지입니다. 살펴보고 아닌 것은 지운 뒤 ontology.toml로 두세요.");
  for (const ground::SuggestedClass& one : suggestion.classes) {
    if (one.names == 0) continue;
    text += comment(fmt::format("{}: {} names, such as {}", one.name, one.names,
                                fmt::join(one.examples, ", ")));
  }
  for (const ground::SuggestedRelation& one : suggestion.relations) {
    text += comment(fmt::format("{}: {} pairs of names", one.name, one.pairs));
    for (const std::string& example : one.examples) text += comment("  " + example);
  }
  return text + "\n" + ontology_toml(suggestion.ontology);
}

}  // namespace

OntologyProposal propose_ontology(GraphDesk& desk, Generator* model,
                                  const GenerationLimits& limits) {
  const auto text_of = [&desk](int32_t passage) {
    const auto views = desk.passages({passage});
    return views.empty() ? std::string() : views[0].chunk.text;
  };
  OntologyProposal made{ground::suggest_ontology(desk.graph(), text_of), ""};
  if (model != nullptr) {
    const std::unique_ptr<OutputCache> outputs = desk.outputs();
    CachedGenerator asked(*model, outputs.get(), limits);
    ground::name_classes(made.suggestion, asked);
  }
  made.toml = with_comments(made.suggestion);
  return made;
}

}  // namespace ondol::app
