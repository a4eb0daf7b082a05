#include <algorithm>
#include <map>

#include "base/sha256.h"
#include "ground/extractors/extractors.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// Code points at the byte offsets of the spans, which ascend.
std::vector<NamedSentence> cut_sentences(const std::string& text) {
  const text::Segmenter segmenter;
  std::vector<NamedSentence> out;
  for (const text::Span& span : segmenter.sentences(text)) {
    NamedSentence sentence;
    sentence.text = text.substr(span.from, span.to - span.from);
    sentence.char_from =
        static_cast<int64_t>(text::count_code_points(std::string_view(text).substr(0, span.from)));
    sentence.char_to =
        sentence.char_from + static_cast<int64_t>(text::count_code_points(sentence.text));
    out.push_back(std::move(sentence));
  }
  return out;
}

}  // namespace

NamedChunk named_chunk(const ChunkText& chunk, size_t names_max) {
  NamedChunk out;
  out.mentions = make_name_extractor({})->extract(chunk).mentions;
  out.sentences = cut_sentences(chunk.text);
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

std::vector<const OntologyRelation*> usable_relations(const OntologyIndex& ontology) {
  std::vector<const OntologyRelation*> out;
  for (const OntologyRelation& relation : ontology.ontology().relations) out.push_back(&relation);
  return out;
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
