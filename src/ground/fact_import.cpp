#include "ground/fact_import.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/sha256.h"
#include "ground/entity_name.h"
#include "ground/sentences.h"
#include "ground/validity.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// One sentence of a chunk, comparable.
struct Line {
  size_t chunk = 0;
  int32_t number = 0;
  int64_t char_from = 0;  // code points of the chunk
  int64_t char_to = 0;
  std::string key;  // " folded words "
};

struct Proof {
  size_t chunk = 0;
  int32_t sentence = 0;
  int64_t char_from = 0;
  int64_t char_to = 0;
};

bool names(const std::string& line, const std::string& key) {
  return line.find(" " + key + " ") != std::string::npos;
}

// A document's text, looked up by names.
class DocumentText {
 public:
  DocumentText(const store::Document& document, const std::vector<store::Chunk>& chunks)
      : chunks_(chunks) {
    for (size_t c = 0; c < chunks.size(); ++c) {
      int32_t number = 0;
      for (const PlacedSentence& sentence : placed_sentences(chunks[c].text)) {
        lines_.push_back({c, number++, sentence.char_from, sentence.char_to,
                          " " + entity_key(sentence.text) + " "});
      }
    }
    title_ = " " + entity_key(document.title) + " ";
  }

  // The sentence with both; else the chunk with one, when the title or another sentence of it has
  // the other; else the chunk with one.
  std::optional<Proof> proof(const std::string& subject, const std::string& object) const {
    for (const Line& line : lines_) {
      if (names(line.key, subject) && names(line.key, object)) return whole(line);
    }
    for (const Line& line : lines_) {
      const bool has_subject = names(line.key, subject);
      const bool has_object = names(line.key, object);
      if ((has_subject && names(title_, object)) || (has_object && names(title_, subject))) {
        return whole(line);
      }
    }
    for (const Line& line : lines_) {
      if (!names(line.key, subject) && !names(line.key, object)) continue;
      const auto size = static_cast<int64_t>(text::count_code_points(chunks_[line.chunk].text));
      return Proof{line.chunk, line.number, 0, size};
    }
    return std::nullopt;
  }

 private:
  static Proof whole(const Line& line) {
    return {line.chunk, line.number, line.char_from, line.char_to};
  }

  const std::vector<store::Chunk>& chunks_;
  std::vector<Line> lines_;
  std::string title_;
};

store::Mention mention_of(const store::EntityName& name, const std::string& surface,
                          const std::string& text, const Proof& proof) {
  // In the sentence that proves the fact, where it is there; else where the passage has it first.
  size_t begin = 0;
  for (int64_t i = 0; i < proof.char_from; ++i) text::next_code_point(text, begin);
  size_t at = text.find(surface, begin);
  if (at == std::string::npos) at = text.find(surface);
  if (at == std::string::npos) {
    return {name, surface, proof.char_from, proof.char_to, proof.sentence};
  }
  const auto from = static_cast<int64_t>(text::count_code_points(text.substr(0, at)));
  return {name, surface, from, from + static_cast<int64_t>(text::count_code_points(surface)),
          proof.sentence};
}

// What is wrong with a fact by itself; empty: nothing.
std::string refusal(const store::EntityName& subject, const store::EntityName& object,
                    const std::string& label) {
  if (subject.key.empty() || object.key.empty()) return "an end has no letters or digits";
  if (label.empty()) return "no relation";
  if (subject == object) return "both ends are the same";
  return "";
}

class Importer {
 public:
  Importer(store::Store& store, store::CollectionId collection)
      : store_(store), collection_(collection) {}

  void document(const std::string& uri, std::span<const GivenFact* const> facts) {
    const auto document = store_.find_document(collection_, uri);
    if (!document) {
      report_.rejected["no such document"] += static_cast<int64_t>(facts.size());
      return;
    }
    const std::vector<store::Chunk> chunks = store_.chunks_of(document->id);
    const DocumentText text(*document, chunks);
    std::vector<store::Extraction> found(chunks.size());
    Sha256 hash;
    for (const GivenFact* fact : facts) {
      hash.update(fact->subject + "\n" + fact->label + "\n" + fact->object + "\n" +
                  fact->valid_from + "\n" + fact->valid_to + "\n");
      take(*fact, text, chunks, found);
    }
    const std::string version = hash.hex_digest().substr(0, 16);
    std::vector<store::ChunkExtraction> all;
    for (size_t c = 0; c < chunks.size(); ++c) {
      found[c].extractor = "import";
      found[c].version = version;
      all.push_back({chunks[c].id, std::move(found[c])});
    }
    store_.put_extractions(collection_, all);
  }
  FactImport report() const { return report_; }

 private:
  void take(const GivenFact& fact, const DocumentText& text,
            const std::vector<store::Chunk>& chunks, std::vector<store::Extraction>& found) {
    const store::EntityName subject{entity_key(fact.subject), fact.subject_type};
    const store::EntityName object{entity_key(fact.object), fact.object_type};
    std::string wrong = refusal(subject, object, fact.label);
    for (const std::string& date : {fact.valid_from, fact.valid_to}) {
      if (!date.empty() && !is_date(date)) wrong = "a date is none";
    }
    if (!wrong.empty()) {
      ++report_.rejected[wrong];
      return;
    }
    const auto proof = text.proof(subject.key, object.key);
    if (!proof) {
      ++report_.rejected["neither end is in the document"];
      return;
    }
    store::Extraction& out = found[proof->chunk];
    const std::string& body = chunks[proof->chunk].text;
    out.mentions.push_back(mention_of(subject, fact.subject, body, *proof));
    out.mentions.push_back(mention_of(object, fact.object, body, *proof));
    out.facts.push_back({subject, fact.label, object, proof->char_from, proof->char_to, 1.0,
                         fact.valid_from, fact.valid_to});
    ++report_.taken;
  }

  store::Store& store_;
  store::CollectionId collection_;
  FactImport report_;
};

}  // namespace

FactImport import_facts(store::Store& store, store::CollectionId collection,
                        std::span<const GivenFact> facts, ProgressSink& progress) {
  std::map<std::string, std::vector<const GivenFact*>> by_document;
  for (const GivenFact& fact : facts) by_document[fact.document].push_back(&fact);
  Importer importer(store, collection);
  uint64_t done = 0;
  for (const auto& [uri, its] : by_document) {
    progress.update("import", done++, by_document.size());
    importer.document(uri, its);
  }
  progress.update("import", done, by_document.size());
  return importer.report();
}

}  // namespace ondol::ground
