#include "ground/kg/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/kg/names.h"
#include "text/fold.h"

namespace ondol::ground {
namespace {

using store::KgFact;
using store::KgTermKind;

constexpr size_t kPiece = 4096;  // facts read at a time

std::string line_of(const nlohmann::ordered_json& row) {
  return row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

class Exporter {
 public:
  Exporter(store::KnowledgeGraph& graph, const KgExportOptions& options,
           const std::function<void(std::string_view)>& write)
      : graph_(graph),
        options_(options),
        write_(write),
        namer_(graph, options.languages),
        wanted_(options.predicates.begin(), options.predicates.end()) {}

  void take(const KgFact& fact) {
    if (!wanted_.empty() && !wanted_.contains(fact.predicate.text) &&
        !wanted_.contains(short_id(fact.predicate.text))) {
      return;
    }
    if (!named(fact.triple.subject, fact.subject) || !named(fact.triple.object, fact.object)) {
      ++report_.without_name;
      return;
    }
    if (options_.style == "text") {
      row({{"text", namer_.plain(fact)}}, 1);
      return;
    }
    const bool same = !group_.empty() && group_[0].triple.subject == fact.triple.subject &&
                      group_[0].triple.predicate == fact.triple.predicate;
    if (!same) flush();
    // Of a hub only so many are kept as are needed to see that there are too many.
    if (group_.size() <= options_.objects_max) group_.push_back(fact);
    ++grouped_;
  }

  void flush() {
    if (group_.size() > options_.objects_max) {
      report_.too_many_objects += grouped_;
    } else if (!group_.empty()) {
      question();
    }
    group_.clear();
    grouped_ = 0;
  }

  const KgExportReport& report() const { return report_; }

 private:
  bool named(store::KgTermId id, const store::KgTerm& term) {
    if (term.kind == KgTermKind::kBlank) return false;
    if (term.kind == KgTermKind::kLiteral) return !term.text.empty();
    return has_label(id);
  }
  // Subjects come many times in a row.
  bool has_label(store::KgTermId id) {
    if (id != last_ || last_ == 0) {
      last_named_ = !graph_.labels_of(id).empty();
      last_ = id;
    }
    return last_named_;
  }

  void question() {
    const KgFact& first = group_[0];
    const std::string subject = namer_.name(first.triple.subject, first.subject);
    const std::string predicate = namer_.name(first.triple.predicate, first.predicate);
    std::vector<std::string> objects;
    for (const KgFact& fact : group_) {
      std::string name = namer_.name(fact.triple.object, fact.object);
      if (std::find(objects.begin(), objects.end(), name) == objects.end()) {
        objects.push_back(std::move(name));
      }
    }
    const bool korean = !options_.languages.empty() && options_.languages[0] == "ko";
    const std::string asked =
        korean ? fmt::format("{}의 {} 무엇인가?", subject, with_topic_particle(predicate))
               : fmt::format("What is the {} of {}?", predicate, subject);
    const std::string answer = fmt::format("{}", fmt::join(objects, ", "));
    row({{"question", asked}, {"answer", answer}}, static_cast<int64_t>(group_.size()));
  }

  void row(const nlohmann::ordered_json& json, int64_t facts) {
    write_(line_of(json));
    ++report_.rows;
    report_.facts += facts;
  }

  store::KnowledgeGraph& graph_;
  const KgExportOptions& options_;
  const std::function<void(std::string_view)>& write_;
  Namer namer_;
  std::set<std::string> wanted_;
  std::vector<KgFact> group_;
  int64_t grouped_ = 0;
  store::KgTermId last_ = 0;
  bool last_named_ = false;
  KgExportReport report_;
};

}  // namespace

std::string with_topic_particle(const std::string& word) {
  const std::u32string letters = text::to_code_points(word);
  const char32_t last = letters.empty() ? U'\0' : letters.back();
  if (last < 0xAC00 || last > 0xD7A3) return word + "은(는)";
  // Hangul syllables stand in blocks of 28 by their last sound, the first of which is none
  // (Unicode, 3.12).
  return word + ((last - 0xAC00) % 28 == 0 ? "는" : "은");
}

KgExportReport export_facts(store::KnowledgeGraph& graph, const KgExportOptions& options,
                            const std::function<void(std::string_view line)>& write,
                            ProgressSink& progress) {
  if (options.style != "text" && options.style != "qa") {
    throw Error(ErrorCode::kInvalidArgument,
                "[kg] unknown style '" + options.style + "'; expected text or qa");
  }
  const auto total = static_cast<uint64_t>(graph.statistics().triples);
  Exporter exporter(graph, options, write);
  uint64_t seen = 0;
  for (store::KgTriple after;;) {
    const std::vector<KgFact> piece = graph.scan(after, kPiece);
    if (piece.empty()) break;
    for (const KgFact& fact : piece) exporter.take(fact);
    after = piece.back().triple;
    progress.update("export", seen += piece.size(), total);
  }
  exporter.flush();
  return exporter.report();
}

}  // namespace ondol::ground
