// The makers of the extractors, for the registry. Internal to ground.
#pragma once

#include <optional>

#include "ground/extraction.h"

namespace ondol::ground {

// Tier 0: names and noun phrases by their form, English and Korean, no model.
std::unique_ptr<Extractor> make_name_extractor(const ExtractorResources& resources);
std::unique_ptr<Extractor> make_choice_extractor(const ExtractorResources& resources);
std::unique_ptr<Extractor> make_constrained_extractor(const ExtractorResources& resources);
std::unique_ptr<Extractor> make_open_extractor(const ExtractorResources& resources);

// A model's answer about one chunk, on its way. What fails is this chunk's failure and not the
// run's, but for a limit on calls or tokens: then ask_of_chunk waits for what was asked before, so
// that its answers are remembered, and throws.
struct AskedChunk {
  std::unique_ptr<Generation> running;  // null: nothing was asked
  std::string error;
};
void ask_of_chunk(Generator& generator, GenerateRequest request, std::vector<AskedChunk>& asked);
// nullopt: nothing was asked, or it failed; then `out` says so and will be read again.
std::optional<GeneratedSample> answer_of_chunk(AskedChunk& asked, store::Extraction& out);

// A chunk as the extractors with a model see it: its sentences, and the names in each.
struct NamedSentence {
  int64_t char_from = 0;  // code points of the chunk
  int64_t char_to = 0;
  std::string text;
  std::vector<size_t> names;  // indices, each once, in order of place
};
struct NamedChunk {
  std::vector<NamedSentence> sentences;
  std::vector<store::Mention> names;     // one mention a name: its first
  std::vector<store::Mention> mentions;  // all
};
// By the tier-0 extractor; at most `names_max` names, those of most mentions first.
NamedChunk named_chunk(const ChunkText& chunk, size_t names_max);

// "works_for" as people say it: its English label, or the name with blanks.
std::string relation_words(const OntologyRelation& relation);
// Puts a fact between two names of a sentence, and the mentions of its ends, into `out`. False and
// counted as rejected where the ontology does not allow it.
bool state_fact(const OntologyIndex& ontology, const NamedChunk& chunk, const NamedSentence& proof,
                size_t subject, size_t object, const OntologyRelation& relation, double confidence,
                store::Extraction& out);
// What a version must say of model and ontology.
std::string model_version(const ExtractorResources& resources, std::string_view own);

}  // namespace ondol::ground
