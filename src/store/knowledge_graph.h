// An external knowledge graph (Wikidata, DBpedia, a vocabulary of one's own) in a file beside the
// store: terms, triples and labels, so that the user's own graph stays small.
//
//   KnowledgeWriter writer("kg.db", {});           // fills kg.db.partial
//   writer.add({.text = "http://.../Q42"}, {...}, {...});
//   writer.add_label({.term = id, .folded = "douglas adams", ...}, words);
//   writer.commit(progress);                       // sorts, and kg.db is the new graph
//
//   auto graph = open_knowledge_graph("kg.db");
//   for (const KgLabel& l : graph->labels_equal("douglas adams", 20)) graph->facts_of(l.term, 50);
//
// A term's id is a hash of what it is: the same terms have the same ids in every file, finding a
// term by its text is one look-up, and no dictionary is held in memory while importing. Two terms
// with one id (64 bits: never seen, and not to be made on purpose without effort) end the import.
// The file is replaced as a whole: readers keep what they opened, a killed import changes nothing.
// Folding and words are the caller's (this room knows no languages). KnowledgeGraph is thread-safe;
// a writer belongs to one thread. Errors as in store.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"

namespace ondol::store {

using KgTermId = int64_t;  // above 0

enum class KgTermKind : uint8_t { kIri = 0, kBlank = 1, kLiteral = 2 };

struct KgTerm {
  KgTermKind kind = KgTermKind::kIri;
  std::string text;      // IRI, name of the blank node, or the literal's characters
  std::string language;  // of a literal: "ko", "en-gb"; empty: none
  std::string datatype;  // of a literal: IRI; empty: a plain string
  bool operator==(const KgTerm&) const = default;
};
KgTermId kg_term_id(const KgTerm& term);

struct KgTriple {
  KgTermId subject = 0;
  KgTermId predicate = 0;
  KgTermId object = 0;
  auto operator<=>(const KgTriple&) const = default;
};

// A name of an entity.
struct KgLabel {
  KgTermId term = 0;
  std::string folded;  // what it is found by
  std::string label;   // as it was written
  std::string language;
  int32_t rank = 0;    // 0: the preferred name, 1: an alternative
  int64_t degree = 0;  // of the term: triples it stands in; given by the store
  bool operator==(const KgLabel&) const = default;
};

// One triple seen from an entity.
struct KgFact {
  KgTriple triple;
  KgTerm subject, predicate, object;
};

struct KgStatistics {
  int64_t triples = 0;
  int64_t terms = 0;
  int64_t labels = 0;
  std::vector<std::string> namespaces;  // of IRIs, the most frequent first
  std::string source;                   // what was imported, as the importer described it (JSON)
};

class KnowledgeGraph {
 public:
  virtual ~KnowledgeGraph() = default;
  virtual KgStatistics statistics() = 0;
  // Changes when the file holds another graph: part of the key of kept results.
  virtual std::string fingerprint() = 0;
  virtual std::optional<KgTerm> term(KgTermId id) = 0;
  // Labels with this folded form; the highest degree first.
  virtual std::vector<KgLabel> labels_equal(std::string_view folded, size_t limit) = 0;
  // Labels that begin with it, in their order.
  virtual std::vector<KgLabel> labels_beginning(std::string_view folded, size_t limit) = 0;
  // Labels that have all of these words; the highest degree first.
  virtual std::vector<KgLabel> labels_with_words(std::span<const std::string> words,
                                                 size_t limit) = 0;
  virtual std::vector<KgLabel> labels_of(KgTermId term) = 0;  // by rank, language, label
  // Triples with it as subject, as object; by (predicate, object), (predicate, subject). Where
  // there are more than `limit`, an equal share of each predicate: a country has a thousand towns
  // and one capital.
  virtual std::vector<KgFact> facts_of(KgTermId subject, size_t limit) = 0;
  virtual std::vector<KgFact> facts_to(KgTermId object, size_t limit) = 0;
  virtual int64_t degree(KgTermId term) = 0;
  // Every triple in the order of (subject, predicate, object), from `after` on (exclusive), at most
  // `limit`: for exports, which go through the graph in pieces.
  virtual std::vector<KgFact> scan(const KgTriple& after, size_t limit) = 0;
};

// Throws Error(kNotFound) when there is no file.
std::unique_ptr<KnowledgeGraph> open_knowledge_graph(const std::filesystem::path& path);

struct KnowledgeWriterOptions {
  bool add = false;  // to what the file holds; false: the new graph replaces it
};

// Holds `<path>.lock` while it lives. What is not committed is gone with it; a partial file that a
// killed import left is removed by the next.
class KnowledgeWriter {
 public:
  KnowledgeWriter(const std::filesystem::path& path, const KnowledgeWriterOptions& options);
  ~KnowledgeWriter();
  KnowledgeWriter(const KnowledgeWriter&) = delete;
  KnowledgeWriter& operator=(const KnowledgeWriter&) = delete;

  // Terms and triples may come any number of times.
  KgTermId add_term(const KgTerm& term);
  void add_triple(const KgTriple& triple);
  void add_label(const KgLabel& label, std::span<const std::string> words);
  // Sorts, counts degrees, and puts the file in place. `source` is kept for statistics(). Throws
  // what `progress` throws; then nothing is changed.
  KgStatistics commit(const std::string& source, ProgressSink& progress);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ondol::store
