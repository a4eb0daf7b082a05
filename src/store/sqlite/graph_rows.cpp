#include "store/sqlite/graph_rows.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "store/sqlite/scope_sql.h"

namespace ondol::store {
namespace {

// Writes one chunk's rows: entities first, as everything else names their ids.
class ExtractionWriter {
 public:
  ExtractionWriter(Connection& db, CollectionId collection, ChunkId chunk, std::string extractor)
      : db_(db), collection_(collection), chunk_(chunk), extractor_(std::move(extractor)) {}

  void write(const Extraction& extraction) {
    check_chunk();
    clear();
    for (const Mention& mention : extraction.mentions) write(mention);
    for (const Fact& fact : extraction.facts) write(fact);
    for (const Property& property : extraction.properties) write(property);
    for (const Claim& claim : extraction.claims) write(claim);
    write_state(extraction);
  }

 private:
  void check_chunk() {
    Statement& row = db_.prepare("SELECT 1 FROM chunk WHERE id = ?1 AND collection_id = ?2")
                         .bind(1, chunk_)
                         .bind(2, collection_);
    const bool exists = row.step();
    row.reset();
    if (!exists) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[store] no chunk {} in this collection; expected one that was "
                              "ingested; try reading the chunks again",
                              chunk_));
    }
  }

  void clear() {
    for (const char* table :
         {"claim", "relation_evidence", "entity_property", "mention", "extraction"}) {
      db_.prepare(fmt::format("DELETE FROM {} WHERE chunk_id = ?1 AND extractor = ?2", table))
          .bind(1, chunk_)
          .bind(2, extractor_)
          .run();
    }
  }

  int64_t entity(const EntityName& name) {
    const auto known = ids_.find(name);
    if (known != ids_.end()) return known->second;
    db_.prepare("INSERT OR IGNORE INTO entity (collection_id, key, type) VALUES (?1, ?2, ?3)")
        .bind(1, collection_)
        .bind(2, name.key)
        .bind(3, name.type)
        .run();
    Statement& row =
        db_.prepare("SELECT id FROM entity WHERE collection_id = ?1 AND key = ?2 AND type = ?3")
            .bind(1, collection_)
            .bind(2, name.key)
            .bind(3, name.type);
    row.step();
    const int64_t id = row.integer(0);
    row.reset();
    ids_.emplace(name, id);
    return id;
  }

  int64_t mentioned(const EntityName& name) const {
    const auto known = ids_.find(name);
    if (known != ids_.end()) return known->second;
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("[store] chunk {} says something of '{}' ({}) and does not mention it; "
                            "expected a mention of both ends of every fact",
                            chunk_, name.key, name.type.empty() ? "no class" : name.type));
  }

  void write(const Mention& mention) {
    db_.prepare("INSERT OR IGNORE INTO mention VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .bind(1, collection_)
        .bind(2, chunk_)
        .bind(3, entity(mention.entity))
        .bind(4, mention.char_from)
        .bind(5, mention.char_to)
        .bind(6, static_cast<int64_t>(mention.sentence))
        .bind(7, mention.surface)
        .bind(8, extractor_)
        .run();
  }

  void write(const Fact& fact) {
    const int64_t subject = mentioned(fact.subject);
    const int64_t object = mentioned(fact.object);
    const auto bound = [&](const char* sql) -> Statement& {
      Statement& row = db_.prepare(sql).bind(1, collection_).bind(2, subject).bind(3, fact.label);
      return row.bind(4, object).bind(5, fact.valid_from).bind(6, fact.valid_to);
    };
    bound(
        "INSERT OR IGNORE INTO relation (collection_id, subject_id, label, object_id, valid_from, "
        "valid_to) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .run();
    Statement& row = bound(
        "SELECT id FROM relation WHERE collection_id = ?1 AND subject_id = ?2 AND label = ?3 AND "
        "object_id = ?4 AND valid_from = ?5 AND valid_to = ?6");
    row.step();
    const int64_t relation = row.integer(0);
    row.reset();
    db_.prepare("INSERT OR IGNORE INTO relation_evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(1, collection_)
        .bind(2, relation)
        .bind(3, chunk_)
        .bind(4, fact.char_from)
        .bind(5, fact.char_to)
        .bind_real(6, fact.confidence)
        .bind(7, extractor_)
        .run();
  }

  void write(const Property& property) {
    db_.prepare("INSERT OR IGNORE INTO entity_property VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .bind(1, collection_)
        .bind(2, mentioned(property.entity))
        .bind(3, chunk_)
        .bind(4, property.name)
        .bind(5, property.value)
        .bind(6, extractor_)
        .run();
  }

  void write(const Claim& claim) {
    Statement& row = db_.prepare(
        "INSERT OR IGNORE INTO claim VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, ?7, ?8, ?9, ?10, "
        "?11, ?12)");
    row.bind(1, collection_).bind(2, chunk_).bind(3, extractor_);
    row.bind(4, mentioned(claim.subject));
    row.bind(5, claim.object.key.empty() ? int64_t{0} : mentioned(claim.object));
    row.bind(6, claim.type).bind(7, claim.status).bind(8, claim.text);
    row.bind(9, claim.valid_from).bind(10, claim.valid_to);
    row.bind(11, claim.char_from).bind(12, claim.char_to).run();
  }

  void write_state(const Extraction& extraction) {
    std::string rejected;
    for (const auto& [reason, count] : extraction.rejected) {
      rejected += fmt::format("{}={}\n", reason, count);
    }
    db_.prepare("INSERT INTO extraction VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(1, collection_)
        .bind(2, chunk_)
        .bind(3, extractor_)
        .bind(4, extraction.version)
        .bind(5, rejected)
        .run();
  }

  Connection& db_;
  CollectionId collection_;
  ChunkId chunk_;
  std::string extractor_;
  std::map<EntityName, int64_t> ids_;
};

std::map<std::string, int64_t> parse_rejected(const std::string& lines) {
  std::map<std::string, int64_t> counts;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    const size_t equals = lines.rfind('=', end);
    if (equals != std::string::npos && equals > at) {
      int64_t count = 0;
      std::from_chars(lines.data() + equals + 1, lines.data() + end, count);
      counts[lines.substr(at, equals - at)] = count;
    }
    at = end + 1;
  }
  return counts;
}

// Rows of a table that hangs on chunks (`x`), with what of them the scope sees: what several
// extractors found at one place is one row.
Statement& visible_rows(Connection& db, const Scope& scope, const char* columns, const char* from,
                        const char* key) {
  Statement& row =
      db.prepare(fmt::format("SELECT {} FROM {} JOIN chunk c ON c.id = x.chunk_id "
                             "JOIN document d ON d.id = c.document_id "
                             "WHERE x.collection_id = ?1{} GROUP BY {} ORDER BY {}",
                             columns, from, visible(scope, 2), key, key));
  row.bind(1, scope.collection);
  bind_scope(row, scope, 2);
  return row;
}

}  // namespace

void write_extraction(Connection& db, CollectionId collection, ChunkId chunk,
                      const Extraction& extraction) {
  ExtractionWriter(db, collection, chunk, extraction.extractor).write(extraction);
}

int64_t write_merge(Connection& db, CollectionId collection, const Merge& merge) {
  const auto bound = [&](const char* sql) -> Statement& {
    Statement& row = db.prepare(sql).bind(1, collection);
    row.bind(2, merge.from.key).bind(3, merge.from.type);
    return row.bind(4, merge.into.key).bind(5, merge.into.type);
  };
  bound(
      "INSERT INTO entity_merge (collection_id, from_key, from_type, into_key, into_type, method, "
      "score, undone) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET "
      "method = ?6, score = ?7, undone = ?8")
      .bind(6, merge.method)
      .bind_real(7, merge.score)
      .bind(8, merge.undone ? int64_t{1} : int64_t{0})
      .run();
  Statement& row = bound(
      "SELECT id FROM entity_merge WHERE collection_id = ?1 AND from_key = ?2 AND from_type = ?3 "
      "AND into_key = ?4 AND into_type = ?5");
  row.step();
  const int64_t id = row.integer(0);
  row.reset();
  return id;
}

std::vector<ExtractionState> read_extractions(Connection& db, CollectionId collection) {
  std::vector<ExtractionState> all;
  Statement& row = db.prepare(
                         "SELECT chunk_id, extractor, version, rejected FROM extraction "
                         "WHERE collection_id = ?1 ORDER BY chunk_id, extractor")
                       .bind(1, collection);
  while (row.step()) {
    all.push_back({row.integer(0), row.text(1), row.text(2), parse_rejected(row.text(3))});
  }
  return all;
}

std::vector<Merge> read_merges(Connection& db, CollectionId collection) {
  std::vector<Merge> all;
  Statement& row = db.prepare(
                         "SELECT id, from_key, from_type, into_key, into_type, method, score, "
                         "undone FROM entity_merge WHERE collection_id = ?1 ORDER BY id")
                       .bind(1, collection);
  while (row.step()) {
    all.push_back({row.integer(0),
                   {row.text(1), row.text(2)},
                   {row.text(3), row.text(4)},
                   row.text(5),
                   row.real(6),
                   row.integer(7) != 0});
  }
  return all;
}

GraphRows read_graph(Connection& db, const Scope& scope) {
  const ReadTransaction one_state(db);
  GraphRows rows;
  Statement& entity = visible_rows(db, scope, "e.id, e.key, e.type",
                                   "mention x JOIN entity e ON e.id = x.entity_id", "e.id");
  while (entity.step()) {
    rows.entities.push_back({entity.integer(0), {entity.text(1), entity.text(2)}});
  }
  Statement& mention = visible_rows(
      db, scope, "x.entity_id, x.chunk_id, x.char_from, x.char_to, min(x.sentence), min(x.surface)",
      "mention x", "x.chunk_id, x.char_from, x.char_to, x.entity_id");
  while (mention.step()) {
    rows.mentions.push_back({mention.integer(0), mention.integer(1), mention.integer(2),
                             mention.integer(3), static_cast<int32_t>(mention.integer(4)),
                             mention.text(5)});
  }
  Statement& relation =
      visible_rows(db, scope, "r.id, r.subject_id, r.label, r.object_id, r.valid_from, r.valid_to",
                   "relation_evidence x JOIN relation r ON r.id = x.relation_id", "r.id");
  while (relation.step()) {
    rows.relations.push_back({relation.integer(0), relation.integer(1), relation.text(2),
                              relation.integer(3), relation.text(4), relation.text(5)});
  }
  Statement& evidence = visible_rows(
      db, scope, "x.relation_id, x.chunk_id, x.char_from, x.char_to, max(x.confidence)",
      "relation_evidence x", "x.relation_id, x.chunk_id, x.char_from, x.char_to");
  while (evidence.step()) {
    rows.evidence.push_back({evidence.integer(0), evidence.integer(1), evidence.integer(2),
                             evidence.integer(3), evidence.real(4)});
  }
  Statement& property =
      visible_rows(db, scope, "x.entity_id, x.chunk_id, x.name, x.value", "entity_property x",
                   "x.entity_id, x.chunk_id, x.name, x.value");
  while (property.step()) {
    rows.properties.push_back(
        {property.integer(0), property.integer(1), property.text(2), property.text(3)});
  }
  Statement& claim = visible_rows(
      db, scope,
      "x.subject_id, coalesce(x.object_id, 0), x.chunk_id, x.type, x.status, x.text, x.valid_from, "
      "x.valid_to, x.char_from, x.char_to",
      "claim x", "x.subject_id, x.chunk_id, x.type, x.text");
  while (claim.step()) {
    rows.claims.push_back({claim.integer(0), claim.integer(1), claim.integer(2), claim.text(3),
                           claim.text(4), claim.text(5), claim.text(6), claim.text(7),
                           claim.integer(8), claim.integer(9)});
  }
  return rows;
}

}  // namespace ondol::store
