#include "ground/kg/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "ground/analysis.h"
#include "ground/kg/names.h"
#include "ground/kg/rdf_reader.h"

namespace ondol::ground {
namespace {

using store::KgTerm;
using store::KgTermKind;

constexpr std::array<std::string_view, 8> kLabelPredicates = {
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://schema.org/name",
    "https://schema.org/name",
    "http://xmlns.com/foaf/0.1/name",
    "http://www.w3.org/2004/02/skos/core#altLabel",
    "http://schema.org/alternateName",
    "https://schema.org/alternateName"};
constexpr size_t kLabelCharactersMax = 500;  // longer ones are descriptions, not names
constexpr int64_t kReportEvery = 20000;

bool is_alternative(std::string_view predicate) {
  return predicate.ends_with("altLabel") || predicate.ends_with("alternateName");
}

// What is to be done with the triples of one predicate.
enum class Use { kFact, kLabel, kAlternative, kLeaveOut };

class Importer {
 public:
  Importer(store::KnowledgeWriter& writer, const KgImportOptions& options, KgImportReport& report)
      : writer_(writer),
        options_(options),
        report_(report),
        wanted_(options.predicates.begin(), options.predicates.end()),
        unused_(wanted_),
        languages_(options.languages.begin(), options.languages.end()) {
    if (options.label_predicates.empty()) {
      labels_.insert(kLabelPredicates.begin(), kLabelPredicates.end());
    } else {
      labels_.insert(options.label_predicates.begin(), options.label_predicates.end());
    }
  }

  void take(const KgTerm& s, const KgTerm& p, const KgTerm& o) {
    ++report_.triples_read;
    const Use use = use_of(p.text);
    if (use == Use::kLeaveOut) {
      ++report_.left_out_predicate;
      return;
    }
    if (!wants_language(o)) {
      ++report_.left_out_language;
      return;
    }
    if (use != Use::kFact && o.kind == KgTermKind::kLiteral && !o.text.empty() &&
        o.text.size() <= kLabelCharactersMax) {
      take_label(s, o, use == Use::kLabel ? 0 : 1);
    } else {
      writer_.add_triple({subject(s), writer_.add_term(p), writer_.add_term(o)});
      ++report_.triples_kept;
    }
  }

  std::vector<std::string> unused() const { return {unused_.begin(), unused_.end()}; }

 private:
  Use use_of(const std::string& predicate) {
    const auto known = uses_.find(predicate);
    if (known != uses_.end()) return known->second;
    Use use = Use::kFact;
    if (labels_.contains(predicate)) {
      use = is_alternative(predicate) ? Use::kAlternative : Use::kLabel;
    } else if (!wanted_.empty()) {
      const std::string last = short_id(predicate);
      use = wanted_.contains(predicate) || wanted_.contains(last) ? Use::kFact : Use::kLeaveOut;
      unused_.erase(predicate);
      unused_.erase(last);
    }
    if (uses_.size() > kUsesMax) uses_.clear();  // a file with that many predicates is hostile
    return uses_[predicate] = use;
  }

  bool wants_language(const KgTerm& o) const {
    if (languages_.empty() || o.language.empty()) return true;
    return languages_.contains(o.language.substr(0, o.language.find('-')));
  }

  // Files come subject by subject: its id is computed once.
  store::KgTermId subject(const KgTerm& s) {
    if (!(s == last_subject_)) {
      last_subject_ = s;
      last_id_ = writer_.add_term(s);
    }
    return last_id_;
  }

  void take_label(const KgTerm& s, const KgTerm& o, int32_t rank) {
    std::vector<std::string> words = analyzer_.terms(o.text);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    writer_.add_label({.term = subject(s),
                       .folded = fold_name(o.text),
                       .label = o.text,
                       .language = o.language,
                       .rank = rank},
                      words);
    ++report_.labels_kept;
  }

  static constexpr size_t kUsesMax = 100000;
  store::KnowledgeWriter& writer_;
  const KgImportOptions& options_;
  KgImportReport& report_;
  std::set<std::string> wanted_;
  std::set<std::string> unused_;
  std::set<std::string> languages_;
  std::set<std::string, std::less<>> labels_;
  std::unordered_map<std::string, Use> uses_;
  Analyzer analyzer_;
  KgTerm last_subject_{.text = " "};  // no IRI
  store::KgTermId last_id_ = 0;
};

void read_file_into(const std::filesystem::path& file, const std::string& blank_prefix,
                    Importer& importer, const KgImportOptions& options, KgImportReport& report,
                    ProgressSink& progress) {
  const RdfSyntax syntax = rdf_syntax(file.filename().string());
  if (syntax == RdfSyntax::kRdfXml) {
    throw Error(ErrorCode::kUnsupported,
                fmt::format("[kg] '{}' is RDF/XML; expected N-Triples or Turtle; try converting it "
                            "(`rapper -i rdfxml -o ntriples`)",
                            file.string()));
  }
  const auto stream = open_byte_stream(file);
  const OnTriple take = [&](const KgTerm& s, const KgTerm& p, const KgTerm& o) {
    importer.take(s, p, o);
    if (report.triples_read % kReportEvery == 0) {
      progress.update("import " + file.filename().string(), stream->packed_read(),
                      stream->packed_size());
    }
  };
  const RdfOptions rdf{.base = "file:///" + file.filename().string(), .blank_prefix = blank_prefix};
  if (syntax == RdfSyntax::kTurtle) {
    read_turtle(*stream, rdf, take);
    return;
  }
  read_ntriples(*stream, rdf, take, [&](const RdfProblem& problem) {
    if (options.strict) {
      throw Error(ErrorCode::kCorruptData,
                  fmt::format("[kg] line {} of '{}' is no triple; got {}; nothing was changed; try "
                              "without --strict to leave such lines out",
                              problem.line, file.string(), problem.message));
    }
    ++report.bad_lines;
    if (report.problems.size() < options.problems_kept) {
      report.problems.push_back({file.filename().string(), problem.line, problem.message});
    }
  });
}

std::string describe(std::span<const std::filesystem::path> files, const KgImportOptions& options,
                     const KgImportReport& report) {
  nlohmann::ordered_json source;
  for (const auto& file : files) source["files"].push_back(file.filename().string());
  source["predicates"] = options.predicates;
  source["languages"] = options.languages;
  source["added"] = options.add;
  source["triples_read"] = report.triples_read;
  source["bad_lines"] = report.bad_lines;
  return source.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

std::span<const std::string_view> default_label_predicates() { return kLabelPredicates; }

KgImportReport import_knowledge(const std::filesystem::path& path,
                                std::span<const std::filesystem::path> files,
                                const KgImportOptions& options, ProgressSink& progress) {
  const auto start = std::chrono::steady_clock::now();
  for (const auto& file : files) open_byte_stream(file);  // a missing one is said before the work
  KgImportReport report;
  store::KnowledgeWriter writer(path, {.add = options.add});
  Importer importer(writer, options, report);
  for (const auto& file : files) {
    // Blank nodes belong to their file, and to this import of it.
    const std::string prefix =
        fmt::format("{:x}-", store::kg_term_id({.text = file.filename().string()}));
    read_file_into(file, files.size() > 1 || options.add ? prefix : "", importer, options, report,
                   progress);
  }
  if (report.triples_read == 0) {
    throw Error(
        ErrorCode::kCorruptData,
        fmt::format("[kg] there is no triple in {} file{}; got {} bad lines; nothing was "
                    "changed; try looking at the first: {}",
                    files.size(), files.size() == 1 ? "" : "s", report.bad_lines,
                    report.problems.empty() ? "the files are empty" : report.problems[0].message));
  }
  report.unused_predicates = importer.unused();
  report.written = writer.commit(describe(files, options, report), progress);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace ondol::ground
