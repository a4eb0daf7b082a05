// What a chunk says of entities: extractors, one a tier. A new one is one file in extractors/ and
// one row in registry.cpp.
//
//   auto names = make_extractor("names", {});
//   store::Extraction found = names->extract({.title = "Ondol", .text = "..."});
//
//   names        tier 0: names and noun phrases by their form; no model
//   choices      tier 1: which relation of the ontology holds between two names of a sentence, by
//                the likelihood of saying so; the model writes nothing
//   constrained  tier 2: facts written by a model that can only write numbers of names and of
//                sentences of the chunk, and relations of the ontology
//   open         tier 3: entities, facts and claims that a larger model writes freely; only what is
//                found in the chunk is taken
//
// An extractor is a function of the chunk alone: the same chunk always gives the same rows, in
// whatever order documents come (what depends on the whole collection, such as how often a name
// occurs, is decided when the graph is read: entity_graph.h). Every mention stands in the text
// at its range, or at 0-0 for the document's title. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "ground/ontology.h"
#include "infer/generator.h"
#include "store/store.h"

namespace ondol::ground {

struct ChunkText {
  std::string title;
  std::string heading;
  std::string text;
  store::ChunkId id = 0;  // what is remembered of a model's answer goes with it; 0: not stored
};

// What extractors with a model need; must outlive them.
struct ExtractorResources {
  Generator* generator = nullptr;
  const OntologyIndex* ontology = nullptr;
};

// The version of what was found when the model's call failed: it is not stored, and read again.
inline constexpr const char* kFailedVersion = "failed";

class Extractor {
 public:
  virtual ~Extractor() = default;
  virtual std::string name() const = 0;
  // Changes whenever the same chunk would give other rows.
  virtual std::string version() const = 0;
  // One result a chunk, in order; several are worked on at a time where a model does the work.
  virtual std::vector<store::Extraction> extract_all(std::span<const ChunkText> chunks) const = 0;
  store::Extraction extract(const ChunkText& chunk) const {
    return std::move(extract_all({&chunk, 1}).front());
  }
};

struct ExtractorInfo {
  std::string_view name;
  int tier;
  std::string_view summary;  // one line for help
  bool needs_model;          // a generator and an ontology
  std::unique_ptr<Extractor> (*make)(const ExtractorResources& resources);
};
std::span<const ExtractorInfo> extractor_registry();
// Throws Error(kInvalidArgument) for an unknown name (the message lists the known ones) and for
// resources that are missing.
std::unique_ptr<Extractor> make_extractor(std::string_view name,
                                          const ExtractorResources& resources = {});

struct GraphBuildReport {
  int64_t chunks = 0;     // in the collection
  int64_t extracted = 0;  // of them, now
  int64_t mentions = 0;   // found now
  int64_t facts = 0;
  int64_t claims = 0;
  std::map<std::string, int64_t> rejected;  // reason -> how many, now
  int64_t empty = 0;    // documents of 50 words or more in which nothing was found
  int64_t failed = 0;   // chunks whose model call failed; they are read again the next time
  std::string stopped;  // why it ended early, with what was done kept; empty: it did not
};

struct GraphBuildOptions {
  bool dry = false;  // writes nothing: what a model would be asked is counted by its generator
};

// Extracts every chunk that this version of the extractor has not read yet, one transaction a
// document: killed and started again it goes on. A document of some length that yields nothing is
// a failed job in the store, not a success. Stops, and says so, at a limit on calls or tokens and
// when many calls in a row failed.
GraphBuildReport build_graph(store::Store& store, store::CollectionId collection,
                             const Extractor& extractor, ProgressSink& progress,
                             const GraphBuildOptions& options = {});

}  // namespace ondol::ground
