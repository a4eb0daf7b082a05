#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "ground/extraction.h"
#include "infer/cached_generator.h"

namespace ondol::ground {
namespace {

// A text of this many terms that names nothing at all was not understood.
constexpr int64_t kTermsThatNameSomething = 50;
// Chunks handed to an extractor at a time: a model behind an endpoint answers several at once.
constexpr size_t kChunksAtATime = 32;
// A service that failed so often in a row will fail the rest.
constexpr int64_t kFailuresInARow = 16;

struct PendingDocument {
  store::Document document;
  std::vector<store::ChunkExtraction> fresh;
  std::vector<ChunkText> texts;  // of the fresh ones
  int64_t terms = 0;
  bool all_fresh = true;
};

class Builder {
 public:
  Builder(store::Store& store, store::CollectionId collection, const Extractor& extractor,
          const GraphBuildOptions& options)
      : store_(store), collection_(collection), extractor_(extractor), options_(options) {
    for (store::ExtractionState& state : store.extractions(collection)) {
      if (state.extractor == extractor.name()) {
        known_.emplace(state.chunk, std::move(state.version));
      }
    }
  }

  void add(const store::Document& document) {
    PendingDocument pending{.document = document, .fresh = {}, .texts = {}};
    for (store::Chunk& chunk : store_.chunks_of(document.id)) {
      ++report_.chunks;
      pending.terms += chunk.length;
      const auto before = known_.find(chunk.id);
      if (before != known_.end() && before->second == extractor_.version()) {
        pending.all_fresh = false;
        continue;
      }
      pending.fresh.push_back({chunk.id, {}});
      pending.texts.push_back({document.title, chunk.heading, std::move(chunk.text), chunk.id});
    }
    if (pending.fresh.empty()) return;
    waiting_ += pending.fresh.size();
    pending_.push_back(std::move(pending));
    if (waiting_ >= kChunksAtATime) flush();
  }

  bool stopped() const { return !report_.stopped.empty(); }

  void flush() {
    std::vector<ChunkText> texts;
    for (PendingDocument& one : pending_) {
      std::move(one.texts.begin(), one.texts.end(), std::back_inserter(texts));
    }
    std::vector<store::Extraction> said;
    try {
      said = extractor_.extract_all(texts);
    } catch (const LimitReached& error) {
      report_.stopped = error.what();
      return;
    }
    auto next = said.begin();
    for (PendingDocument& one : pending_) {
      for (store::ChunkExtraction& row : one.fresh) row.extraction = std::move(*next++);
      keep(one);
    }
    pending_.clear();
    waiting_ = 0;
    if (in_a_row_ >= kFailuresInARow) {
      report_.stopped = fmt::format(
          "[graph] the last {} calls of the model failed ({}); what was read is kept; try again "
          "when it answers",
          in_a_row_, last_failure_);
    }
  }

  const GraphBuildReport& report() const { return report_; }

 private:
  void keep(const PendingDocument& one) {
    int64_t mentions = 0;
    bool failed = false;
    for (const store::ChunkExtraction& row : one.fresh) {
      count(row.extraction);
      mentions += static_cast<int64_t>(row.extraction.mentions.size());
      failed = failed || row.extraction.version == kFailedVersion;
    }
    report_.mentions += mentions;
    report_.extracted += static_cast<int64_t>(one.fresh.size());
    if (options_.dry) return;
    // What failed leaves what an earlier version found, and is read again the next time.
    std::vector<store::ChunkExtraction> done;
    for (const store::ChunkExtraction& row : one.fresh) {
      if (row.extraction.version != kFailedVersion) done.push_back(row);
    }
    if (!done.empty()) store_.put_extractions(collection_, done);
    if (one.all_fresh && !failed && mentions == 0 && one.terms >= kTermsThatNameSomething) {
      ++report_.empty;
      store_.put_job(
          collection_,
          {one.document.uri, "failed",
           fmt::format("[graph] '{}' names nothing that {} knows; got {} words and no entity; try "
                       "another tier, or leave it to plain search",
                       one.document.uri, extractor_.name(), one.terms)});
    }
  }

  void count(const store::Extraction& one) {
    report_.facts += static_cast<int64_t>(one.facts.size());
    report_.claims += static_cast<int64_t>(one.claims.size());
    for (const auto& [reason, times] : one.rejected) report_.rejected[reason] += times;
    if (one.version != kFailedVersion) {
      in_a_row_ = 0;
      return;
    }
    ++report_.failed;
    ++in_a_row_;
    last_failure_ = one.rejected.empty() ? "" : one.rejected.begin()->first;
  }

  store::Store& store_;
  store::CollectionId collection_;
  const Extractor& extractor_;
  GraphBuildOptions options_;
  GraphBuildReport report_;
  std::map<store::ChunkId, std::string> known_;
  std::vector<PendingDocument> pending_;
  size_t waiting_ = 0;
  int64_t in_a_row_ = 0;
  std::string last_failure_;
};

}  // namespace

GraphBuildReport build_graph(store::Store& store, store::CollectionId collection,
                             const Extractor& extractor, ProgressSink& progress,
                             const GraphBuildOptions& options) {
  Builder builder(store, collection, extractor, options);
  const std::vector<store::Document> documents = store.documents(collection);
  uint64_t done = 0;
  for (const store::Document& document : documents) {
    progress.update("graph", done++, documents.size());
    builder.add(document);
    if (builder.stopped()) return builder.report();
  }
  builder.flush();
  progress.update("graph", done, documents.size());
  return builder.report();
}

}  // namespace ondol::ground
