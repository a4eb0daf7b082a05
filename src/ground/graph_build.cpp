#include <fmt/format.h>

#include <map>

#include "ground/extraction.h"

namespace ondol::ground {
namespace {

// A text of this many terms that names nothing at all was not understood.
constexpr int64_t kTermsThatNameSomething = 50;

struct DocumentFindings {
  std::vector<store::ChunkExtraction> fresh;
  int64_t terms = 0;
  int64_t mentions = 0;  // of the fresh ones
  bool all_fresh = true;
};

}  // namespace

GraphBuildReport build_graph(store::Store& store, store::CollectionId collection,
                             const Extractor& extractor, ProgressSink& progress) {
  GraphBuildReport report;
  std::map<store::ChunkId, std::string> known;
  for (store::ExtractionState& state : store.extractions(collection)) {
    if (state.extractor == extractor.name()) known.emplace(state.chunk, std::move(state.version));
  }
  const std::vector<store::Document> documents = store.documents(collection);
  uint64_t done = 0;
  for (const store::Document& document : documents) {
    progress.update("graph", done++, documents.size());
    DocumentFindings found;
    std::vector<ChunkText> texts;
    for (store::Chunk& chunk : store.chunks_of(document.id)) {
      ++report.chunks;
      found.terms += chunk.length;
      const auto before = known.find(chunk.id);
      if (before != known.end() && before->second == extractor.version()) {
        found.all_fresh = false;
        continue;
      }
      found.fresh.push_back({chunk.id, {}});
      texts.push_back({document.title, chunk.heading, std::move(chunk.text), chunk.id});
    }
    std::vector<store::Extraction> said = extractor.extract_all(texts);
    for (size_t i = 0; i < said.size(); ++i) {
      found.mentions += static_cast<int64_t>(said[i].mentions.size());
      report.facts += static_cast<int64_t>(said[i].facts.size());
      for (const auto& [reason, count] : said[i].rejected) report.rejected[reason] += count;
      found.fresh[i].extraction = std::move(said[i]);
    }
    if (found.fresh.empty()) continue;
    store.put_extractions(collection, found.fresh);
    report.extracted += static_cast<int64_t>(found.fresh.size());
    report.mentions += found.mentions;
    if (found.all_fresh && found.mentions == 0 && found.terms >= kTermsThatNameSomething) {
      ++report.empty;
      store.put_job(collection,
                    {document.uri, "failed",
                     fmt::format("[graph] '{}' names nothing that {} knows; got {} words and no "
                                 "entity; try another tier, or leave it to plain search",
                                 document.uri, extractor.name(), found.terms)});
    }
  }
  progress.update("graph", done, documents.size());
  return report;
}

}  // namespace ondol::ground
