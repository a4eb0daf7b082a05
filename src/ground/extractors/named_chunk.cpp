#include <algorithm>
#include <map>

#include "base/sha256.h"
#include "ground/extractors/extractors.h"
#include "ground/sentences.h"

namespace ondol::ground {
NamedChunk named_chunk(const ChunkText& chunk, size_t names_max) {
  NamedChunk out;
  out.mentions = make_name_extractor({})->extract(chunk).mentions;
  for (const PlacedSentence& sentence : placed_sentences(chunk.text)) {
    out.sentences.push_back({sentence.char_from, sentence.char_to, std::string(sentence.text), {}});
  }
  std::map<store::EntityName, int64_t> counts;
  for (const store::Mention& mention : out.mentions) ++counts[mention.entity];
  std::vector<store::Mention> first;
  for (const store::Mention& mention : out.mentions) {
    const bool known = std::any_of(first.begin(), first.end(), [&](const store::Mention& other) {
      return other.entity == mention.entity;
    });
    if (!known) first.push_back(mention);
  }
  std::stable_sort(first.begin(), first.end(),
                   [&](const store::Mention& a, const store::Mention& b) {
                     return counts[a.entity] > counts[b.entity];
                   });
  first.resize(std::min(first.size(), names_max));
  out.names = std::move(first);
  for (NamedSentence& sentence : out.sentences) {
    for (const store::Mention& mention : out.mentions) {
      if (mention.char_to == 0 || mention.char_from < sentence.char_from ||
          mention.char_to > sentence.char_to) {
        continue;
      }
      for (size_t n = 0; n < out.names.size(); ++n) {
        const bool listed =
            std::find(sentence.names.begin(), sentence.names.end(), n) != sentence.names.end();
        if (out.names[n].entity == mention.entity && !listed) sentence.names.push_back(n);
      }
    }
  }
  return out;
}

std::string relation_words(const OntologyRelation& relation) {
  const auto english = relation.labels.find("en");
  if (english != relation.labels.end()) return english->second;
  const auto any = relation.labels.find("");
  if (any != relation.labels.end()) return any->second;
  std::string words = relation.name;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

bool state_fact(const OntologyIndex& ontology, const NamedChunk& chunk, const NamedSentence& proof,
                size_t subject, size_t object, const OntologyRelation& relation, double confidence,
                store::Extraction& out) {
  const store::EntityName& from = chunk.names[subject].entity;
  const store::EntityName& to = chunk.names[object].entity;
  if (!ontology.check({from.key, from.type, relation.name, to.key, to.type}).empty()) {
    ++out.rejected["the ontology does not allow it"];
    return false;
  }
  for (const store::EntityName& end : {from, to}) {
    const auto is_end = [&](const store::Mention& m) { return m.entity == end; };
    if (std::any_of(out.mentions.begin(), out.mentions.end(), is_end)) continue;
    std::copy_if(chunk.mentions.begin(), chunk.mentions.end(), std::back_inserter(out.mentions),
                 is_end);
  }
  out.facts.push_back({from, relation.name, to, proof.char_from, proof.char_to, confidence});
  return true;
}

std::string model_version(const ExtractorResources& resources, std::string_view own) {
  std::string relations;
  for (const OntologyRelation& relation : resources.ontology->ontology().relations) {
    relations += relation.name + "|" + relation_words(relation);
    for (const RelationPattern& p : relation.patterns)
      relations += "|" + p.subject + ">" + p.object;
    relations += "\n";
  }
  return std::string(own) + " " +
         sha256_hex(resources.generator->id() + "\n" + relations).substr(0, 16);
}

}  // namespace ondol::ground
