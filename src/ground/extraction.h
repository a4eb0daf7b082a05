// What a chunk says of entities: extractors, one a tier. A new one is one file in extractors/ and
// one row in registry.cpp.
//
//   auto names = make_extractor("names");
//   store::Extraction found = names->extract({.title = "Ondol", .text = "..."});
//
// An extractor is a function of the chunk alone: the same chunk always gives the same rows, in
// whatever order documents come (what depends on the whole collection, such as how often a name
// occurs, is decided when the graph is read: knowledge_graph.h). Every mention stands in the text
// at its range, or at 0-0 for the document's title. Thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "store/store.h"

namespace ondol::ground {

struct ChunkText {
  std::string title;
  std::string heading;
  std::string text;
};

class Extractor {
 public:
  virtual ~Extractor() = default;
  virtual std::string name() const = 0;
  // Changes whenever the same chunk would give other rows.
  virtual std::string version() const = 0;
  virtual store::Extraction extract(const ChunkText& chunk) const = 0;
};

struct ExtractorInfo {
  std::string_view name;
  int tier;
  std::string_view summary;  // one line for help
  std::unique_ptr<Extractor> (*make)();
};
std::span<const ExtractorInfo> extractor_registry();
// Throws Error(kInvalidArgument) for an unknown name; the message lists the known ones.
std::unique_ptr<Extractor> make_extractor(std::string_view name);

struct GraphBuildReport {
  int64_t chunks = 0;     // in the collection
  int64_t extracted = 0;  // of them, now
  int64_t mentions = 0;   // found now
  int64_t facts = 0;
  int64_t empty = 0;  // documents of 50 words or more in which nothing was found
};

// Extracts every chunk that this version of the extractor has not read yet, one transaction a
// document: killed and started again it goes on. A document of some length that yields nothing is
// a failed job in the store, not a success.
GraphBuildReport build_graph(store::Store& store, store::CollectionId collection,
                             const Extractor& extractor, ProgressSink& progress);

}  // namespace ondol::ground
