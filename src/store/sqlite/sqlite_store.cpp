#include <fmt/format.h>

#include <mutex>

#include "base/error.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/document_rows.h"
#include "store/sqlite/graph_rows.h"
#include "store/sqlite/output_rows.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/scope_sql.h"
#include "store/sqlite/writer_lock.h"
#include "store/store.h"

namespace ondol::store {
namespace {

class SqliteStore final : public Store {
 public:
  SqliteStore(const std::filesystem::path& path, const SqliteOptions& options);

  CollectionId open_collection(std::string_view name) override;
  int64_t generation(CollectionId collection) override;
  void put_document(CollectionId collection, const DocumentContent& content) override;
  void put_documents(CollectionId collection, std::span<const DocumentContent> all) override;
  bool remove_document(CollectionId collection, std::string_view uri) override;
  void put_job(CollectionId collection, const JobRow& job) override;
  void put_extractions(CollectionId collection, std::span<const ChunkExtraction> all) override;
  int64_t put_merge(CollectionId collection, const Merge& merge) override;
  bool undo_merge(CollectionId collection, int64_t id) override;
  bool put_output(CollectionId collection, std::string_view key, std::string_view value,
                  std::span<const ChunkId> sources) override;
  std::optional<std::string> find_output(CollectionId collection, std::string_view key) override;
  std::vector<Document> documents(CollectionId collection) override;
  std::optional<Document> find_document(CollectionId collection, std::string_view uri) override;
  std::vector<Chunk> chunks_of(int64_t document_id) override;
  std::vector<ChunkId> embedded_chunks(int64_t document_id, std::string_view embedder_id) override;
  std::vector<JobRow> jobs(CollectionId collection) override;
  std::vector<ExtractionState> extractions(CollectionId collection) override;
  std::vector<Merge> merges(CollectionId collection) override;
  LengthStatistics length_statistics(const Scope& scope) override;
  std::vector<Posting> postings(const Scope& scope, std::string_view term) override;
  std::vector<ChunkView> chunks(const Scope& scope, std::span<const ChunkId> ids) override;
  std::vector<ChunkId> chunk_ids(const Scope& scope) override;
  void for_each_vector(const Scope& scope, std::string_view embedder_id,
                       const std::function<void(ChunkId, std::span<const float>)>& visit) override;
  GraphRows graph_rows(const Scope& scope) override;

 private:
  void need_writer(const char* what) const;
  void grow_generation(CollectionId collection);

  std::mutex mutex_;
  bool keeps_ = false;                // may write outputs
  std::unique_ptr<WriterLock> lock_;  // before the database: nobody migrates twice at once
  std::unique_ptr<Connection> db_;
};

SqliteStore::SqliteStore(const std::filesystem::path& path, const SqliteOptions& options) {
  const bool writer = options.mode == OpenMode::kReadWrite;
  keeps_ = options.mode != OpenMode::kRead;
  if (writer) {
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
    lock_ = std::make_unique<WriterLock>(path.string() + ".lock");
  }
  if (!writer && !std::filesystem::exists(path)) keeps_ = false;  // opening must not make it
  db_ = std::make_unique<Connection>(path, keeps_, options.busy_timeout_ms);
  db_->execute(
      "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
  if (writer) {
    // NORMAL: a killed process loses nothing; a power cut may lose the last documents, never
    // consistency, and the next ingest does them again (https://sqlite.org/wal.html).
    db_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    if (options.pages_max > 0) {
      db_->execute(fmt::format("PRAGMA max_page_count = {}", options.pages_max));
    }
  } else if (!keeps_) {
    db_->execute("PRAGMA query_only = ON");
  }
  prepare_schema(*db_, writer);
}

void SqliteStore::need_writer(const char* what) const {
  if (lock_) return;
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[store] {} needs the writer; got a store opened for reading, expected "
                          "OpenMode::kReadWrite; try opening '{}' for writing",
                          what, db_->path().string()));
}

// ---- collections ----

CollectionId SqliteStore::open_collection(std::string_view name) {
  const std::lock_guard guard(mutex_);
  const auto find = [&]() -> CollectionId {
    Statement& row = db_->prepare("SELECT id FROM collection WHERE name = ?1").bind(1, name);
    const CollectionId id = row.step() ? row.integer(0) : 0;
    row.reset();
    return id;
  };
  if (const CollectionId id = find()) return id;
  if (!lock_) {
    throw Error(ErrorCode::kNotFound,
                fmt::format("[store] no collection '{}' in '{}'; expected one that was ingested; "
                            "try `ondol ingest`",
                            name, db_->path().string()));
  }
  db_->prepare("INSERT INTO collection (name) VALUES (?1)").bind(1, name).run();
  return find();
}

int64_t SqliteStore::generation(CollectionId collection) {
  const std::lock_guard guard(mutex_);
  Statement& row =
      db_->prepare("SELECT generation FROM collection WHERE id = ?1").bind(1, collection);
  const int64_t value = row.step() ? row.integer(0) : 0;
  row.reset();
  return value;
}

void SqliteStore::grow_generation(CollectionId collection) {
  db_->prepare("UPDATE collection SET generation = generation + 1 WHERE id = ?1")
      .bind(1, collection)
      .run();
}

// ---- writing ----

void SqliteStore::put_document(CollectionId collection, const DocumentContent& content) {
  put_documents(collection, {&content, 1});
}

void SqliteStore::put_documents(CollectionId collection, std::span<const DocumentContent> all) {
  const std::lock_guard guard(mutex_);
  need_writer("put_document");
  Transaction transaction(*db_);
  for (const DocumentContent& content : all) write_document(*db_, collection, content);
  grow_generation(collection);
  transaction.commit();
}

bool SqliteStore::remove_document(CollectionId collection, std::string_view uri) {
  const std::lock_guard guard(mutex_);
  need_writer("remove_document");
  Transaction transaction(*db_);
  db_->prepare("DELETE FROM document WHERE collection_id = ?1 AND uri = ?2")
      .bind(1, collection)
      .bind(2, uri)
      .run();
  const bool removed = db_->query_integer("SELECT changes()") > 0;
  db_->prepare("DELETE FROM job WHERE collection_id = ?1 AND uri = ?2")
      .bind(1, collection)
      .bind(2, uri)
      .run();
  if (removed) grow_generation(collection);
  transaction.commit();
  return removed;
}

void SqliteStore::put_job(CollectionId collection, const JobRow& job) {
  const std::lock_guard guard(mutex_);
  need_writer("put_job");
  Transaction transaction(*db_);
  write_job(*db_, collection, job);
  transaction.commit();
}

void SqliteStore::put_extractions(CollectionId collection, std::span<const ChunkExtraction> all) {
  const std::lock_guard guard(mutex_);
  need_writer("put_extractions");
  Transaction transaction(*db_);
  for (const ChunkExtraction& one : all) {
    write_extraction(*db_, collection, one.chunk, one.extraction);
  }
  grow_generation(collection);
  transaction.commit();
}

int64_t SqliteStore::put_merge(CollectionId collection, const Merge& merge) {
  const std::lock_guard guard(mutex_);
  need_writer("put_merge");
  Transaction transaction(*db_);
  const int64_t id = write_merge(*db_, collection, merge);
  grow_generation(collection);
  transaction.commit();
  return id;
}

bool SqliteStore::undo_merge(CollectionId collection, int64_t id) {
  const std::lock_guard guard(mutex_);
  need_writer("undo_merge");
  Transaction transaction(*db_);
  db_->prepare(
         "UPDATE entity_merge SET undone = 1 WHERE collection_id = ?1 AND id = ?2 AND undone = 0")
      .bind(1, collection)
      .bind(2, id)
      .run();
  const bool undone = db_->query_integer("SELECT changes()") > 0;
  if (undone) grow_generation(collection);
  transaction.commit();
  return undone;
}

bool SqliteStore::put_output(CollectionId collection, std::string_view key, std::string_view value,
                             std::span<const ChunkId> sources) {
  const std::lock_guard guard(mutex_);
  if (!keeps_) need_writer("put_output");
  Transaction transaction(*db_);
  const bool kept = write_output(*db_, collection, key, value, sources);
  transaction.commit();
  return kept;
}

std::optional<std::string> SqliteStore::find_output(CollectionId collection, std::string_view key) {
  const std::lock_guard guard(mutex_);
  return read_output(*db_, collection, key);
}

// ---- upkeep ----

std::vector<Document> SqliteStore::documents(CollectionId collection) {
  const std::lock_guard guard(mutex_);
  std::vector<Document> all;
  Statement& row = db_->prepare(std::string(kDocumentColumns) + "ORDER BY uri").bind(1, collection);
  while (row.step()) all.push_back(read_document(*db_, row));
  return all;
}

std::optional<Document> SqliteStore::find_document(CollectionId collection, std::string_view uri) {
  const std::lock_guard guard(mutex_);
  Statement& row =
      db_->prepare(std::string(kDocumentColumns) + "AND uri = ?2").bind(1, collection).bind(2, uri);
  if (!row.step()) return std::nullopt;
  Document document = read_document(*db_, row);
  row.reset();
  return document;
}

std::vector<Chunk> SqliteStore::chunks_of(int64_t document_id) {
  const std::lock_guard guard(mutex_);
  std::vector<Chunk> all;
  Statement& row = db_->prepare(fmt::format("SELECT {} FROM chunk c WHERE c.document_id = ?1 "
                                            "ORDER BY c.ordinal, c.id",
                                            kChunkColumns))
                       .bind(1, document_id);
  while (row.step()) all.push_back(read_chunk(row));
  return all;
}

std::vector<ChunkId> SqliteStore::embedded_chunks(int64_t document_id,
                                                  std::string_view embedder_id) {
  const std::lock_guard guard(mutex_);
  std::vector<ChunkId> ids;
  Statement& row = db_->prepare(
                          "SELECT c.id FROM chunk c JOIN embedding e ON e.chunk_id = c.id "
                          "WHERE c.document_id = ?1 AND e.embedder_id = ?2 ORDER BY c.id")
                       .bind(1, document_id)
                       .bind(2, embedder_id);
  while (row.step()) ids.push_back(row.integer(0));
  return ids;
}

std::vector<JobRow> SqliteStore::jobs(CollectionId collection) {
  const std::lock_guard guard(mutex_);
  std::vector<JobRow> all;
  Statement& row =
      db_->prepare("SELECT uri, state, error FROM job WHERE collection_id = ?1 ORDER BY uri")
          .bind(1, collection);
  while (row.step()) all.push_back({row.text(0), row.text(1), row.text(2)});
  return all;
}

std::vector<ExtractionState> SqliteStore::extractions(CollectionId collection) {
  const std::lock_guard guard(mutex_);
  return read_extractions(*db_, collection);
}

std::vector<Merge> SqliteStore::merges(CollectionId collection) {
  const std::lock_guard guard(mutex_);
  return read_merges(*db_, collection);
}

// ---- search ----

LengthStatistics SqliteStore::length_statistics(const Scope& scope) {
  const std::lock_guard guard(mutex_);
  Statement& row = db_->prepare(
                          "SELECT count(*), coalesce(sum(c.length), 0) FROM chunk c "
                          "JOIN document d ON d.id = c.document_id "
                          "WHERE c.collection_id = ?1" +
                          visible(scope, 2))
                       .bind(1, scope.collection);
  bind_scope(row, scope, 2);
  row.step();
  const LengthStatistics statistics{row.integer(0), row.integer(1)};
  row.reset();
  return statistics;
}

std::vector<Posting> SqliteStore::postings(const Scope& scope, std::string_view term) {
  const std::lock_guard guard(mutex_);
  Statement& row = db_->prepare(
                          "SELECT o.chunk_id, o.count, c.length FROM posting o "
                          "JOIN chunk c ON c.id = o.chunk_id "
                          "JOIN document d ON d.id = c.document_id "
                          "WHERE o.collection_id = ?1 AND o.term = ?2" +
                          visible(scope, 3) + " ORDER BY o.chunk_id")
                       .bind(1, scope.collection)
                       .bind(2, term);
  bind_scope(row, scope, 3);
  std::vector<Posting> all;
  while (row.step()) {
    all.push_back({row.integer(0), static_cast<int32_t>(row.integer(1)),
                   static_cast<int32_t>(row.integer(2))});
  }
  return all;
}

std::vector<ChunkView> SqliteStore::chunks(const Scope& scope, std::span<const ChunkId> ids) {
  const std::lock_guard guard(mutex_);
  std::vector<ChunkView> all;
  Statement& row = db_->prepare(fmt::format("SELECT {}, d.uri, d.title, d.language FROM chunk c "
                                            "JOIN document d ON d.id = c.document_id "
                                            "WHERE c.collection_id = ?1 AND c.id = ?2",
                                            kChunkColumns) +
                                visible(scope, 3));
  for (const ChunkId id : ids) {
    row.bind(1, scope.collection).bind(2, id);
    bind_scope(row, scope, 3);
    while (row.step()) {
      all.push_back({read_chunk(row), row.text(10), row.text(11), row.text(12)});
    }
  }
  return all;
}

std::vector<ChunkId> SqliteStore::chunk_ids(const Scope& scope) {
  const std::lock_guard guard(mutex_);
  Statement& row = db_->prepare(
                          "SELECT c.id FROM chunk c JOIN document d ON d.id = c.document_id "
                          "WHERE c.collection_id = ?1" +
                          visible(scope, 2) + " ORDER BY c.id")
                       .bind(1, scope.collection);
  bind_scope(row, scope, 2);
  std::vector<ChunkId> all;
  while (row.step()) all.push_back(row.integer(0));
  return all;
}

void SqliteStore::for_each_vector(
    const Scope& scope, std::string_view embedder_id,
    const std::function<void(ChunkId, std::span<const float>)>& visit) {
  const std::lock_guard guard(mutex_);
  Statement& row = db_->prepare(
                          "SELECT e.chunk_id, e.values_f32 FROM embedding e "
                          "JOIN chunk c ON c.id = e.chunk_id "
                          "JOIN document d ON d.id = c.document_id "
                          "WHERE e.collection_id = ?1 AND e.embedder_id = ?2" +
                          visible(scope, 3) + " ORDER BY e.chunk_id")
                       .bind(1, scope.collection)
                       .bind(2, embedder_id);
  bind_scope(row, scope, 3);
  while (row.step()) visit(row.integer(0), row.floats(1));
}

GraphRows SqliteStore::graph_rows(const Scope& scope) {
  const std::lock_guard guard(mutex_);
  return read_graph(*db_, scope);
}

}  // namespace

std::unique_ptr<Store> open_sqlite_store(const std::filesystem::path& path,
                                         const SqliteOptions& options) {
  return std::make_unique<SqliteStore>(path, options);
}

}  // namespace ondol::store
