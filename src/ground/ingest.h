// Documents into the store: only what changed is worked on, and a kill at any moment loses nothing.
//
//   IngestReport r = ingest_folder(*store, shelf, "documents", embedder, {}, progress);
//   // r.added, r.changed, r.unchanged, r.removed, r.failures
//
// A file with the same bytes and settings costs one hash. A changed file keeps every chunk whose
// indexed text is the same, with its id and vector. A file that is gone is removed. Each document
// is one transaction. A document that cannot be read is recorded (its old version goes: it no
// longer says what the file says) and the others go on. Documents in a language the embedder was
// not made for get no vectors, with one notice a language (contract 17).
// Throws Error(kNotFound) for a missing folder; store errors end the run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "ground/chunker.h"
#include "ground/document.h"
#include "ground/extraction.h"
#include "infer/embedder.h"
#include "store/store.h"

namespace ondol::ground {

// Who may see, and what is noted of, the documents below a path. Every rule that matches applies.
struct DocumentRule {
  std::string prefix;                   // of the uri; empty: all
  std::vector<std::string> principals;  // added to who may see it; none by any rule: everyone
  std::map<std::string, std::string> tags;
};

struct IngestOptions {
  ChunkOptions chunks;
  ReadLimits limits;
  std::vector<DocumentRule> rules;
  bool prune = true;        // remove documents whose file is gone
  size_t embed_batch = 64;  // texts handed to the embedder at a time
  size_t files_max = 1000000;
  // Also what the chunks say of entities, in the transaction of their document; null: no graph.
  const Extractor* extractor = nullptr;
};

struct IngestFailure {
  std::string uri;
  std::string error;
};

struct IngestReport {
  int64_t added = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;
  int64_t removed = 0;
  int64_t chunks_new = 0;
  int64_t chunks_kept = 0;
  int64_t chunks_embedded = 0;
  int64_t chunks_extracted = 0;           // read for the graph
  int64_t documents_without_vectors = 0;  // their language is not the embedder's
  std::vector<std::string> ignored;       // files no reader takes
  std::vector<IngestFailure> failures;
};

// Tags every document gets: "format" (its ending) and "folder" (its first folder, if any).
// `embedder` may be null: lexical search only.
IngestReport ingest_folder(store::Store& store, store::CollectionId collection,
                           const std::filesystem::path& folder, Embedder* embedder,
                           const IngestOptions& options, ProgressSink& progress);

// A text that is one document and one chunk as it is: benchmark passages.
struct WholeText {
  std::string uri;
  std::string title;
  std::string text;
};
// Makes the collection hold exactly these texts; same rules about unchanged ones. Texts longer than
// the embedder's window are embedded by their beginning, with a notice that says how many.
IngestReport ingest_texts(store::Store& store, store::CollectionId collection,
                          std::span<const WholeText> texts, Embedder* embedder,
                          const IngestOptions& options, ProgressSink& progress);

}  // namespace ondol::ground
