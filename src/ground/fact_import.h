// Facts that somebody else extracted, into the property graph: with proof, or not at all.
//
//   FactImport done = import_facts(*store, shelf, {{"guide.md", "the office", "opens at", "9"}});
//   // done.taken, done.rejected: {"neither end is in the document": 2}
//
// A fact's proof is the sentence that names both its ends, else the passage that names one of them.
// What an earlier import of the same passages wrote is replaced; what extractors found stays.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/progress.h"
#include "store/store.h"

namespace ondol::ground {

struct GivenFact {
  std::string document;  // uri
  std::string subject;
  std::string label;
  std::string object;
  std::string subject_type;
  std::string object_type;
  std::string valid_from;  // YYYY, YYYY-MM or YYYY-MM-DD; empty: always
  std::string valid_to;
  bool operator==(const GivenFact&) const = default;
};

struct FactImport {
  int64_t taken = 0;
  std::map<std::string, int64_t> rejected;  // reason -> how many
};

// One transaction a document. Facts of documents that are not there are counted as rejected.
FactImport import_facts(store::Store& store, store::CollectionId collection,
                        std::span<const GivenFact> facts, ProgressSink& progress);

}  // namespace ondol::ground
