// Importing in two steps: everything is appended to a staging file as it comes, then sorted by
// SQLite's external sorter (bounded memory) and written in the order of its keys.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "store/knowledge_graph.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/knowledge_schema.h"
#include "store/sqlite/writer_lock.h"

namespace ondol::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCache = "cache_size = -65536";  // 64 MiB
// Terms remembered so that they are not staged twice in a row; a power of two.
constexpr size_t kRecentTerms = size_t{1} << 20;
constexpr uint64_t kReportEvery = 65536;
// Namespaces kept: more than real graphs have, fewer than a hostile file could make.
constexpr size_t kNamespacesMax = 256;
constexpr size_t kNamespacesCounted = 65536;

constexpr const char* kStaging = R"sql(
CREATE TABLE staging.term (id INTEGER, kind INTEGER, text TEXT, lang TEXT, datatype TEXT);
CREATE TABLE staging.triple (s INTEGER, p INTEGER, o INTEGER);
CREATE TABLE staging.label (id INTEGER PRIMARY KEY, term_id INTEGER, lang TEXT, norm_label TEXT,
                            label TEXT, rank INTEGER);
CREATE TABLE staging.word (word TEXT, label_id INTEGER);
CREATE TABLE staging.degree (term_id INTEGER PRIMARY KEY, degree INTEGER);
CREATE TABLE staging.renumbered (old INTEGER PRIMARY KEY, new INTEGER);
)sql";

constexpr const char* kCopyOld = R"sql(
INSERT INTO staging.term SELECT id, kind, text, lang, datatype FROM old.kg_term;
INSERT INTO staging.triple SELECT s, p, o FROM old.kg_triple;
INSERT INTO staging.label SELECT id, term_id, lang, norm_label, label, rank FROM old.kg_label;
INSERT INTO staging.word SELECT word, label_id FROM old.kg_word;
)sql";

fs::path beside(const fs::path& path, const char* ending) { return path.string() + ending; }

void remove_file(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

void sync(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0) ::close(fd);
  if (!synced) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[kg] '{}' did not reach the disk; nothing was changed; try freeing "
                            "disk space",
                            path.string()));
  }
}

std::string quoted(const fs::path& path) {
  std::string text = "'";
  for (const char c : path.string()) text += c == '\'' ? "''" : std::string(1, c);
  return text + "'";
}

using Counts = std::map<std::string, int64_t, std::less<>>;

void count_namespace(std::string_view iri, Counts& counts) {
  const size_t end = iri.find_last_of("/#");
  if (end == std::string_view::npos) return;
  const std::string_view prefix = iri.substr(0, end + 1);
  const auto found = counts.find(prefix);
  if (found != counts.end()) {
    ++found->second;
  } else if (counts.size() < kNamespacesCounted) {
    counts.emplace(prefix, 1);
  }
}

}  // namespace

struct KnowledgeWriter::State {
  explicit State(fs::path where) : path(std::move(where)) {}

  fs::path path;
  fs::path partial = beside(path, ".partial");
  fs::path staging = beside(path, ".staging");
  WriterLock lock{beside(path, ".lock")};
  std::vector<KgTermId> recent = std::vector<KgTermId>(kRecentTerms, 0);
  std::unique_ptr<Connection> db;
  Statement* stage_term = nullptr;  // of `db`
  Statement* stage_triple = nullptr;
  Statement* stage_label = nullptr;
  Statement* stage_word = nullptr;
  int64_t labels_staged = 0;
  uint64_t print = 0;  // of everything written, for the fingerprint

  void open(bool add);
  int64_t write_terms(ProgressSink& progress);
  int64_t write_triples(ProgressSink& progress);
  int64_t write_labels(ProgressSink& progress);
  void write_namespaces(const Counts& counts);
  void count_degrees();
  void note(KgTermId x) { print = (print ^ static_cast<uint64_t>(x)) * 0x100000001b3ULL; }
  void put_meta(const char* key, const std::string& value) {
    db->prepare("INSERT INTO kg_meta (key, value) VALUES (?1, ?2)")
        .bind(1, std::string_view(key))
        .bind(2, value)
        .run();
  }
};

void KnowledgeWriter::State::open(bool add) {
  remove_file(partial);
  remove_file(staging);
  db = std::make_unique<Connection>(partial, true, 0);
  // Nothing is safe before the rename, so nothing needs a journal on the disk.
  db->execute(std::string("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA ") +
              kCache + "; ATTACH " + quoted(staging) + " AS staging");
  db->execute(std::string("PRAGMA staging.journal_mode = MEMORY; PRAGMA staging.synchronous = OFF;"
                          "PRAGMA staging.") +
              kCache);
  if (add && fs::exists(path)) {
    Connection present(path, false, 0);
    check_knowledge_schema(present);
    db->execute("ATTACH " + quoted(path) + " AS old");
  }
  make_knowledge_tables(*db);
  db->execute(kStaging);
  db->execute("BEGIN");
  if (add && fs::exists(path)) {
    db->execute(kCopyOld);
    labels_staged = db->query_integer("SELECT coalesce(max(id), 0) FROM staging.label");
  }
  stage_term = &db->prepare("INSERT INTO staging.term VALUES (?1, ?2, ?3, ?4, ?5)");
  stage_triple = &db->prepare("INSERT INTO staging.triple VALUES (?1, ?2, ?3)");
  stage_label = &db->prepare("INSERT INTO staging.label VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  stage_word = &db->prepare("INSERT INTO staging.word VALUES (?1, ?2)");
}

KnowledgeWriter::KnowledgeWriter(const fs::path& path, const KnowledgeWriterOptions& options) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  state_ = std::make_unique<State>(path);
  try {
    state_->open(options.add);
  } catch (...) {
    remove_file(state_->partial);
    remove_file(state_->staging);
    throw;
  }
}

KnowledgeWriter::~KnowledgeWriter() {
  state_->db.reset();
  remove_file(state_->partial);
  remove_file(state_->staging);
}

KgTermId KnowledgeWriter::add_term(const KgTerm& term) {
  const KgTermId id = kg_term_id(term);
  KgTermId& slot = state_->recent[static_cast<size_t>(id) & (kRecentTerms - 1)];
  if (slot == id) return id;
  slot = id;
  state_->stage_term->bind(1, id)
      .bind(2, static_cast<int64_t>(term.kind))
      .bind(3, term.text)
      .bind(4, term.language)
      .bind(5, term.datatype)
      .run();
  return id;
}

void KnowledgeWriter::add_triple(const KgTriple& triple) {
  state_->stage_triple->bind(1, triple.subject)
      .bind(2, triple.predicate)
      .bind(3, triple.object)
      .run();
}

void KnowledgeWriter::add_label(const KgLabel& label, std::span<const std::string> words) {
  const int64_t id = ++state_->labels_staged;
  state_->stage_label->bind(1, id)
      .bind(2, label.term)
      .bind(3, label.language)
      .bind(4, label.folded)
      .bind(5, label.label)
      .bind(6, int64_t{label.rank})
      .run();
  for (const std::string& word : words) {
    state_->stage_word->bind(1, word).bind(2, id).run();
  }
}

int64_t KnowledgeWriter::State::write_terms(ProgressSink& progress) {
  const auto total = static_cast<uint64_t>(db->query_integer("SELECT count(*) FROM staging.term"));
  Counts namespaces;
  KgTerm before;
  KgTermId last = 0;
  int64_t written = 0;
  uint64_t seen = 0;
  Statement& row =
      db->prepare("SELECT id, kind, text, lang, datatype FROM staging.term ORDER BY id");
  Statement& insert = db->prepare("INSERT INTO kg_term VALUES (?1, ?2, ?3, ?4, ?5)");
  while (row.step()) {
    if (++seen % kReportEvery == 0) progress.update("terms", seen, total);
    const KgTermId id = row.integer(0);
    KgTerm term{static_cast<KgTermKind>(row.integer(1)), row.text(2), row.text(3), row.text(4)};
    if (id == last && term == before) continue;
    if (id == last) {
      throw Error(ErrorCode::kUnsupported,
                  fmt::format("[kg] two terms have the same 64-bit id; got '{}' and '{}', expected "
                              "one; try leaving one of them out",
                              before.text, term.text));
    }
    insert.bind(1, id)
        .bind(2, static_cast<int64_t>(term.kind))
        .bind(3, term.text)
        .bind(4, term.language)
        .bind(5, term.datatype)
        .run();
    note(id);
    ++written;
    last = id;
    if (term.kind == KgTermKind::kIri) count_namespace(term.text, namespaces);
    before = std::move(term);
  }
  write_namespaces(namespaces);
  return written;
}

void KnowledgeWriter::State::write_namespaces(const Counts& counts) {
  std::vector<std::pair<int64_t, std::string>> order;
  for (const auto& [prefix, count] : counts) order.emplace_back(-count, prefix);
  std::sort(order.begin(), order.end());
  if (order.size() > kNamespacesMax) order.resize(kNamespacesMax);
  for (const auto& [count, prefix] : order) {
    db->prepare("INSERT INTO kg_namespace VALUES (?1, ?2)").bind(1, prefix).bind(2, -count).run();
  }
}

int64_t KnowledgeWriter::State::write_triples(ProgressSink& progress) {
  const auto total =
      static_cast<uint64_t>(db->query_integer("SELECT count(*) FROM staging.triple"));
  KgTriple before;
  int64_t written = 0;
  uint64_t seen = 0;
  Statement& row = db->prepare("SELECT s, p, o FROM staging.triple ORDER BY s, p, o");
  Statement& insert = db->prepare("INSERT INTO kg_triple VALUES (?1, ?2, ?3)");
  while (row.step()) {
    if (++seen % kReportEvery == 0) progress.update("triples", seen, total);
    const KgTriple triple{row.integer(0), row.integer(1), row.integer(2)};
    if (triple == before) continue;
    insert.bind(1, triple.subject).bind(2, triple.predicate).bind(3, triple.object).run();
    note(triple.subject), note(triple.predicate), note(triple.object);
    ++written;
    before = triple;
  }
  progress.update("triples", seen, total);
  db->execute("CREATE INDEX kg_triple_by_object ON kg_triple (o, p, s)");
  return written;
}

// Each named term once: a name that many terms share, or a term with many names, costs nothing
// more.
void KnowledgeWriter::State::count_degrees() {
  db->execute(
      "INSERT INTO staging.degree SELECT term_id, "
      "  (SELECT count(*) FROM kg_triple WHERE s = term_id) +"
      "  (SELECT count(*) FROM kg_triple INDEXED BY kg_triple_by_object WHERE o = term_id) "
      "FROM (SELECT DISTINCT term_id FROM staging.label ORDER BY term_id)");
}

int64_t KnowledgeWriter::State::write_labels(ProgressSink& progress) {
  count_degrees();
  const auto total = static_cast<uint64_t>(db->query_integer("SELECT count(*) FROM staging.label"));
  KgLabel before;
  int64_t written = 0;
  uint64_t seen = 0;
  Statement& row = db->prepare(
      "SELECT l.id, l.term_id, l.lang, l.norm_label, l.label, l.rank, d.degree "
      "FROM staging.label l JOIN staging.degree d ON d.term_id = l.term_id "
      "ORDER BY d.degree DESC, l.norm_label, l.term_id, l.lang, l.label, l.rank");
  Statement& insert = db->prepare("INSERT INTO kg_label VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  Statement& renumber = db->prepare("INSERT INTO staging.renumbered VALUES (?1, ?2)");
  while (row.step()) {
    if (++seen % kReportEvery == 0) progress.update("labels", seen, total);
    KgLabel label{row.integer(1), row.text(3), row.text(4), row.text(2), 0, row.integer(6)};
    if (written == 0 || !(label == before)) {
      insert.bind(1, ++written)
          .bind(2, label.term)
          .bind(3, label.language)
          .bind(4, label.folded)
          .bind(5, label.label)
          .bind(6, row.integer(5))
          .bind(7, label.degree)
          .run();
      note(label.term), note(kg_term_id({.text = label.label, .language = label.language}));
      before = std::move(label);
    }
    renumber.bind(1, row.integer(0)).bind(2, written).run();
  }
  progress.update("labels", seen, total);
  db->execute(
      "CREATE INDEX kg_label_by_name ON kg_label (norm_label);"
      "CREATE INDEX kg_label_by_term ON kg_label (term_id, rank);"
      "INSERT INTO kg_word SELECT DISTINCT w.word, r.new FROM staging.word w "
      "JOIN staging.renumbered r ON r.old = w.label_id ORDER BY w.word, r.new");
  return written;
}

KgStatistics KnowledgeWriter::commit(const std::string& source, ProgressSink& progress) {
  State& state = *state_;
  KgStatistics written;
  written.terms = state.write_terms(progress);
  written.triples = state.write_triples(progress);
  written.labels = state.write_labels(progress);
  written.source = source;
  state.put_meta("terms", std::to_string(written.terms));
  state.put_meta("triples", std::to_string(written.triples));
  state.put_meta("labels", std::to_string(written.labels));
  state.put_meta("source", source);
  state.put_meta("fingerprint", fmt::format("{:016x}", state.print));
  state.db->execute("COMMIT");
  state.db.reset();
  sync(state.partial);
  fs::rename(state.partial, state.path);
  sync(state.path.has_parent_path() ? state.path.parent_path() : fs::path("."));
  return written;
}

}  // namespace ondol::store
