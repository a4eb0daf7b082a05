// What is kept of documents, and nothing of how it is searched: documents, chunks, postings,
// lengths, vectors and graph rows behind one interface (architecture, contract 10). BM25, fusion
// and ranking run above, in `ground`, once for every back end.
//
//   std::unique_ptr<Store> store = open_sqlite_store(folder / "ondol.db", {.mode = kReadWrite});
//   CollectionId shelf = store->open_collection("default");
//   store->put_document(shelf, document);             // one transaction: all of it or none
//   for (const Posting& p : store->postings({shelf, "kim", {}}, "ondol")) ...
//
// Every read that can reach an answer takes a Scope: who asks, and which metadata the documents
// must have. Rows outside the scope do not exist for it, neither in results nor in counts.
// Thread-safe: calls on one object queue up. Results are values. Errors: kCorruptData for a file
// that breaks its format, kUnsupported for a schema from the future, kUnavailable when another
// process holds the writer's lock or the database stays busy, kResourceExhausted when the disk is
// full (the transaction is rolled back: nothing half written stays).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/property_graph.h"

namespace ondol::store {

using CollectionId = int64_t;
using ChunkId = int64_t;
using Tags = std::map<std::string, std::string>;

struct Scope {
  CollectionId collection = 0;
  std::string principal;  // sees documents that name it and documents for everyone
  Tags filter;            // every key must have exactly this value
  bool operator==(const Scope&) const = default;
};

struct Document {
  int64_t id = 0;      // given by the store
  std::string uri;     // unique in its collection: the path below the documents folder
  std::string sha256;  // of the file's bytes and of all that shapes its chunks
  std::string title;
  std::string language;                 // "en", "ko", ...: a guess
  std::vector<std::string> principals;  // who may see it; empty: everyone
  Tags tags;
  bool operator==(const Document&) const = default;
};

struct TermCount {
  std::string term;
  int32_t count = 0;
  bool operator==(const TermCount&) const = default;
};

struct Chunk {
  ChunkId id = 0;  // given by the store; kept when a changed document still has this chunk
  int64_t document_id = 0;
  int64_t ordinal = 0;  // 0, 1, ... in the document
  std::string heading;  // "Opening hours > Winter"
  std::string text;
  int64_t char_from = 0;  // code points of the document's extracted text
  int64_t char_to = 0;
  int32_t page = 0;       // page or line of the start; 0: unknown
  std::string text_hash;  // of what is indexed and embedded: title, heading and text
  int64_t length = 0;     // terms, repeats counted: BM25's document length
  bool operator==(const Chunk&) const = default;
};

// A chunk that is put: its row, what the lexical index holds of it, and its vector.
struct ChunkContent {
  Chunk row;                     // id 0: a new chunk; else an existing chunk of this document
  std::vector<TermCount> terms;  // distinct; read for new chunks only
  std::vector<float> vector;     // empty: none is written (an old one of this embedder stays)
  std::vector<Extraction> extractions;  // what it says of entities; other extractors' rows stay
};

struct DocumentContent {
  Document document;
  std::vector<ChunkContent> chunks;
  std::string embedder_id;  // whose vectors these are
};

// A chunk with what an answer must name of its document.
struct ChunkView {
  Chunk chunk;
  std::string uri;
  std::string title;
  std::string language;
};

struct Posting {
  ChunkId chunk = 0;
  int32_t count = 0;   // of the term in the chunk
  int32_t length = 0;  // of the chunk
  bool operator==(const Posting&) const = default;
};

struct LengthStatistics {
  int64_t chunks = 0;
  int64_t terms = 0;  // summed lengths
};

// The state of one document in a long work, kept so that a person can see what failed and why.
struct JobRow {
  std::string uri;
  std::string state;  // "done", "failed"
  std::string error;  // one sentence; empty unless failed
  bool operator==(const JobRow&) const = default;
};

class Store {
 public:
  virtual ~Store() = default;

  // The collection of this name, made if there is none and this is a writer.
  virtual CollectionId open_collection(std::string_view name) = 0;
  // Grows with every change of the collection, by whatever process: caches are good for one value.
  virtual int64_t generation(CollectionId collection) = 0;

  // ---- writing: each call is one transaction ----
  // Replaces the document of this uri. Chunks with an id stay (row and vector updated), chunks of
  // the old version that are not named go with their postings and vectors, the rest is new.
  // Also notes the job as done.
  virtual void put_document(CollectionId collection, const DocumentContent& content) = 0;
  // Several documents in one transaction, for texts that have no file to resume from.
  virtual void put_documents(CollectionId collection, std::span<const DocumentContent> all) = 0;
  // false: there was none.
  virtual bool remove_document(CollectionId collection, std::string_view uri) = 0;
  virtual void put_job(CollectionId collection, const JobRow& job) = 0;
  // Replaces what these extractors found in these chunks. Throws Error(kInvalidArgument) for a
  // chunk that does not exist, or a fact whose ends the chunk does not mention.
  virtual void put_extractions(CollectionId collection, std::span<const ChunkExtraction> all) = 0;
  // Returns the merge's id. An undone merge of the same names is made again.
  virtual int64_t put_merge(CollectionId collection, const Merge& merge) = 0;
  // false: no merge of this id, or it is undone already.
  virtual bool undo_merge(CollectionId collection, int64_t id) = 0;
  // Keeps what a model said under the hash of what it was asked, as long as every chunk that it was
  // shown lives; false: one of them is gone already and nothing was kept. No search sees it, so
  // the generation stays. Also with OpenMode::kReadAndKeep.
  virtual bool put_output(CollectionId collection, std::string_view key, std::string_view value,
                          std::span<const ChunkId> sources) = 0;
  virtual std::optional<std::string> find_output(CollectionId collection, std::string_view key) = 0;

  // ---- reading for upkeep: the whole collection ----
  virtual std::vector<Document> documents(CollectionId collection) = 0;  // by uri
  virtual std::optional<Document> find_document(CollectionId collection, std::string_view uri) = 0;
  virtual std::vector<Chunk> chunks_of(int64_t document_id) = 0;  // by ordinal
  // The chunks of a document that have a vector of this embedder.
  virtual std::vector<ChunkId> embedded_chunks(int64_t document_id,
                                               std::string_view embedder_id) = 0;
  virtual std::vector<JobRow> jobs(CollectionId collection) = 0;  // by uri
  virtual std::vector<ExtractionState> extractions(
      CollectionId collection) = 0;                                // by chunk and extractor
  virtual std::vector<Merge> merges(CollectionId collection) = 0;  // by id, undone ones too

  // ---- reading for search: what the scope may see ----
  virtual LengthStatistics length_statistics(const Scope& scope) = 0;
  virtual std::vector<Posting> postings(const Scope& scope, std::string_view term) = 0;  // by chunk
  // In the order of `ids`; ids outside the scope are left out.
  virtual std::vector<ChunkView> chunks(const Scope& scope, std::span<const ChunkId> ids) = 0;
  virtual std::vector<ChunkId> chunk_ids(const Scope& scope) = 0;  // ascending
  // Vectors of one embedder, ascending by chunk.
  virtual void for_each_vector(
      const Scope& scope, std::string_view embedder_id,
      const std::function<void(ChunkId, std::span<const float>)>& visit) = 0;
  // Entities, relations and properties with their visible support; what only hidden chunks say is
  // not there.
  virtual GraphRows graph_rows(const Scope& scope) = 0;
};

enum class OpenMode {
  kRead,         // the file must exist with the current schema; any number of readers
  kReadAndKeep,  // as kRead, and put_output: short transactions beside the writer
  kReadWrite,    // makes or migrates the file and holds the writer's lock until destroyed
};

struct SqliteOptions {
  OpenMode mode = OpenMode::kReadWrite;
  int busy_timeout_ms = 5000;  // how long a call waits for another process's transaction
  int64_t pages_max = 0;       // limit of the file in pages of 4 KiB; 0: none
};

// The lock of the writer is the file `<path>.lock`.
std::unique_ptr<Store> open_sqlite_store(const std::filesystem::path& path,
                                         const SqliteOptions& options = {});

}  // namespace ondol::store
