#include "store/knowledge_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/knowledge_schema.h"

namespace ondol::store {
namespace {

constexpr const char* kLabelColumns = "l.term_id, l.norm_label, l.label, l.lang, l.rank, l.degree";
constexpr const char* kFactColumns =
    "SELECT t.s, t.p, t.o, s.kind, s.text, s.lang, s.datatype, p.kind, p.text, p.lang, p.datatype,"
    " o.kind, o.text, o.lang, o.datatype FROM kg_triple t{} JOIN kg_term s ON s.id = t.s"
    " JOIN kg_term p ON p.id = t.p JOIN kg_term o ON o.id = t.o ";
// After the last code point there is none: the end of a range of names.
constexpr const char* kLastCodePoint = "\xF4\x8F\xBF\xBF";
// Words of a search; more are left out.
constexpr size_t kWordsMax = 16;

int64_t limit_of(size_t limit) { return static_cast<int64_t>(std::min<size_t>(limit, 1 << 30)); }

KgTerm read_term(const Statement& row, int at) {
  return {static_cast<KgTermKind>(row.integer(at)), row.text(at + 1), row.text(at + 2),
          row.text(at + 3)};
}

std::vector<KgLabel> read_labels(Statement& row) {
  std::vector<KgLabel> labels;
  while (row.step()) {
    labels.push_back({row.integer(0), row.text(1), row.text(2), row.text(3),
                      static_cast<int32_t>(row.integer(4)), row.integer(5)});
  }
  return labels;
}

std::vector<KgFact> read_facts(Statement& row) {
  std::vector<KgFact> facts;
  while (row.step()) {
    facts.push_back({{row.integer(0), row.integer(1), row.integer(2)},
                     read_term(row, 3),
                     read_term(row, 7),
                     read_term(row, 11)});
  }
  return facts;
}

class SqliteKnowledgeGraph final : public KnowledgeGraph {
 public:
  explicit SqliteKnowledgeGraph(const std::filesystem::path& path) : db_(path, false, 5000) {
    check_knowledge_schema(db_);
    db_.execute("PRAGMA query_only = 1; PRAGMA cache_size = -32768");
  }

  KgStatistics statistics() override {
    const std::lock_guard guard(mutex_);
    KgStatistics all;
    all.triples = number("triples");
    all.terms = number("terms");
    all.labels = number("labels");
    all.source = meta("source");
    Statement& row = db_.prepare("SELECT prefix FROM kg_namespace ORDER BY terms DESC, prefix");
    while (row.step()) all.namespaces.push_back(row.text(0));
    return all;
  }

  std::string fingerprint() override {
    const std::lock_guard guard(mutex_);
    return meta("fingerprint");
  }

  std::optional<KgTerm> term(KgTermId id) override {
    const std::lock_guard guard(mutex_);
    Statement& row =
        db_.prepare("SELECT kind, text, lang, datatype FROM kg_term WHERE id = ?1").bind(1, id);
    std::optional<KgTerm> found;
    if (row.step()) found = read_term(row, 0);
    row.reset();
    return found;
  }

  std::vector<KgLabel> labels_equal(std::string_view folded, size_t limit) override {
    const std::lock_guard guard(mutex_);
    return read_labels(db_.prepare(fmt::format("SELECT {} FROM kg_label l WHERE l.norm_label = ?1 "
                                               "ORDER BY l.id LIMIT ?2",
                                               kLabelColumns))
                           .bind(1, folded)
                           .bind(2, limit_of(limit)));
  }

  std::vector<KgLabel> labels_beginning(std::string_view folded, size_t limit) override {
    const std::lock_guard guard(mutex_);
    return read_labels(
        db_.prepare(fmt::format("SELECT {} FROM kg_label l WHERE l.norm_label >= ?1 AND "
                                "l.norm_label < ?2 ORDER BY l.norm_label, l.id LIMIT ?3",
                                kLabelColumns))
            .bind(1, folded)
            .bind(2, std::string(folded) + kLastCodePoint)
            .bind(3, limit_of(limit)));
  }

  std::vector<KgLabel> labels_with_words(std::span<const std::string> words,
                                         size_t limit) override {
    if (words.empty()) return {};
    const std::lock_guard guard(mutex_);
    const std::vector<std::string> order = rarest_first(words);
    std::string sql = fmt::format(
        "SELECT {} FROM kg_word w JOIN kg_label l ON l.id = w.label_id WHERE w.word = ?1",
        kLabelColumns);
    for (size_t i = 1; i < order.size(); ++i) {
      sql += fmt::format(
          " AND EXISTS (SELECT 1 FROM kg_word x WHERE x.word = ?{} AND x.label_id = w.label_id)",
          i + 1);
    }
    sql += fmt::format(" ORDER BY w.label_id LIMIT ?{}", kWordsMax + 1);
    Statement& row = db_.prepare(sql);
    for (size_t i = 0; i < order.size(); ++i) row.bind(static_cast<int>(i + 1), order[i]);
    row.bind(static_cast<int>(kWordsMax + 1), limit_of(limit));
    return read_labels(row);
  }

  std::vector<KgLabel> labels_of(KgTermId term) override {
    const std::lock_guard guard(mutex_);
    return read_labels(db_.prepare(fmt::format("SELECT {} FROM kg_label l WHERE l.term_id = ?1 "
                                               "ORDER BY l.rank, l.lang, l.label",
                                               kLabelColumns))
                           .bind(1, term));
  }

  std::vector<KgFact> facts_of(KgTermId subject, size_t limit) override {
    return facts_at(kOutgoing, subject, limit);
  }
  std::vector<KgFact> facts_to(KgTermId object, size_t limit) override {
    return facts_at(kIncoming, object, limit);
  }

  int64_t degree(KgTermId term) override {
    const std::lock_guard guard(mutex_);
    // Counted at the import for whatever has a name: of a hub counting takes milliseconds.
    Statement& row = db_.prepare(
        "SELECT coalesce((SELECT degree FROM kg_label WHERE term_id = ?1 LIMIT 1),"
        " (SELECT count(*) FROM kg_triple WHERE s = ?1) + (SELECT count(*) FROM kg_triple "
        "INDEXED BY kg_triple_by_object WHERE o = ?1))");
    row.bind(1, term);
    const int64_t all = row.step() ? row.integer(0) : 0;
    row.reset();
    return all;
  }

  std::vector<KgFact> scan(const KgTriple& after, size_t limit) override {
    const std::lock_guard guard(mutex_);
    return read_facts(db_.prepare(fmt::format(kFactColumns, "") +
                                  "WHERE (t.s, t.p, t.o) > (?1, ?2, ?3) ORDER BY t.s, t.p, t.o "
                                  "LIMIT ?4")
                          .bind(1, after.subject)
                          .bind(2, after.predicate)
                          .bind(3, after.object)
                          .bind(4, limit_of(limit)));
  }

 private:
  // Which end of the triples is asked for.
  struct Side {
    const char* index;
    const char* column;
    const char* other;
  };
  static constexpr Side kOutgoing = {"", "s", "o"};
  static constexpr Side kIncoming = {" INDEXED BY kg_triple_by_object", "o", "s"};

  std::vector<KgFact> facts_at(const Side& side, KgTermId term, size_t limit) {
    const std::lock_guard guard(mutex_);
    const std::string select = fmt::format(kFactColumns, side.index);
    const std::string where = fmt::format("WHERE t.{} = ?1 ", side.column);
    const std::string order = fmt::format("ORDER BY t.p, t.{} LIMIT ?2", side.other);
    std::vector<KgFact> all =
        read_facts(db_.prepare(select + where + order).bind(1, term).bind(2, limit_of(limit) + 1));
    if (all.size() <= limit) return all;
    all.clear();
    const std::vector<KgTermId> predicates = predicates_at(side, term);
    const size_t share = std::max<size_t>(1, limit / std::max<size_t>(1, predicates.size()));
    for (const KgTermId predicate : predicates) {
      if (all.size() >= limit) break;
      std::vector<KgFact> some =
          read_facts(db_.prepare(select + where + "AND t.p = ?3 " + order)
                         .bind(1, term)
                         .bind(2, limit_of(std::min(share, limit - all.size())))
                         .bind(3, predicate));
      all.insert(all.end(), some.begin(), some.end());
    }
    return all;
  }

  // The distinct predicates, by skipping from one to the next in the index.
  std::vector<KgTermId> predicates_at(const Side& side, KgTermId term) {
    Statement& row = db_.prepare(fmt::format(
        "WITH RECURSIVE each(p) AS (SELECT min(p) FROM kg_triple{0} WHERE {1} = ?1 UNION ALL "
        "SELECT (SELECT min(p) FROM kg_triple{0} WHERE {1} = ?1 AND p > each.p) FROM each "
        "WHERE each.p IS NOT NULL) SELECT p FROM each WHERE p IS NOT NULL",
        side.index, side.column));
    row.bind(1, term);
    std::vector<KgTermId> predicates;
    while (row.step()) predicates.push_back(row.integer(0));
    return predicates;
  }

  std::string meta(std::string_view key) {
    Statement& row = db_.prepare("SELECT value FROM kg_meta WHERE key = ?1").bind(1, key);
    std::string value;
    if (row.step()) value = row.text(0);
    row.reset();
    return value;
  }
  // The word that the fewest names have goes first: its names alone are looked through.
  std::vector<std::string> rarest_first(std::span<const std::string> words) {
    std::vector<std::pair<int64_t, std::string>> counted;
    for (const std::string& word : words.first(std::min(words.size(), kWordsMax))) {
      Statement& row =
          db_.prepare("SELECT count(*) FROM (SELECT 1 FROM kg_word WHERE word = ?1 LIMIT 10000)");
      row.bind(1, word);
      const int64_t names = row.step() ? row.integer(0) : 0;
      row.reset();
      counted.emplace_back(names, word);
    }
    std::sort(counted.begin(), counted.end());
    std::vector<std::string> order;
    for (auto& [names, word] : counted) order.push_back(std::move(word));
    return order;
  }
  int64_t number(std::string_view key) { return std::strtoll(meta(key).c_str(), nullptr, 10); }

  std::mutex mutex_;
  Connection db_;
};

}  // namespace

std::unique_ptr<KnowledgeGraph> open_knowledge_graph(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::kNotFound, "[kg] there is no knowledge graph at '" + path.string() +
                                          "'; try `ondol kg import FILE.nt`");
  }
  return std::make_unique<SqliteKnowledgeGraph>(path);
}

}  // namespace ondol::store
