#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ground/extractors/extractors.h"

namespace ondol::ground {
namespace {

constexpr ExtractorInfo kRegistry[] = {
    {"names", 0, "names and noun phrases by their form, no model", false, &make_name_extractor},
    {"choices", 1, "relations of an ontology, chosen by likelihood", true, &make_choice_extractor},
    {"constrained", 2, "facts written under a grammar of names and relations", true,
     &make_constrained_extractor},
    {"open", 3, "entities, facts and claims that a larger model reads, each with a quote", true,
     &make_open_extractor},
};

}  // namespace

std::span<const ExtractorInfo> extractor_registry() { return kRegistry; }

std::unique_ptr<Extractor> make_extractor(std::string_view name,
                                          const ExtractorResources& resources) {
  const auto row = std::find_if(std::begin(kRegistry), std::end(kRegistry),
                                [&](const ExtractorInfo& info) { return info.name == name; });
  if (row != std::end(kRegistry)) {
    if (row->needs_model && (resources.generator == nullptr || resources.ontology == nullptr)) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[graph] extractor '{}' needs a model and an ontology; got {}{}; try "
                              "'names', or name them",
                              name, resources.generator ? "" : "no model ",
                              resources.ontology ? "" : "no ontology"));
    }
    return row->make(resources);
  }
  std::string known;
  for (const ExtractorInfo& info : kRegistry) {
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] unknown extractor; got '{}', expected one of {}", name, known));
}

}  // namespace ondol::ground
