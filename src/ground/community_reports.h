// Reports of communities: what a model says of one, each finding proved by sentences of the
// documents.
//
//   CommunityReporter reporter(graph, communities, text_of, &model);
//   ReportsMade done = reporter.make(ids, progress);   // what is missing; asked for once
//   CommunityReport r = reporter.told(id);             // the report, or the digest in its place
//
// What is shown of a community follows from the graph alone: its names by centrality, its facts,
// and numbered sentences of its passages up to a budget of tokens. Where the passages do not fit,
// the largest of its parts are told by their own reports. A report is remembered under the hash of
// all that was shown and found by making the same prompt again. So it is never out of date, goes
// with the documents it was made of, and a scope that sees other sentences has another report.
//
// A finding counts only with numbers of sentences that were shown and share a word with it, and
// when it does not say one thing over and over; others are left out and counted. An answer without
// such a finding is no report: the digest stays. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "ground/communities.h"
#include "infer/cached_generator.h"

namespace ondol::ground {

struct ReportOptions {
  int64_t prompt_tokens = 1200;  // of what is shown; less where the model's context is small
  int64_t answer_tokens = 1024;
  size_t entities = 12;
  size_t facts = 12;
  size_t parts = 5;         // told by their own reports where the passages do not fit
  size_t findings = 4;      // of an answer, at most
  size_t sentences = 30;    // shown at most
  size_t passages = 60;     // read at most
  size_t digest_names = 5;  // of what stands in for a report
};

struct ReportSentence {
  int64_t chunk = 0;
  DigestSentence place;
};

struct ReportFinding {
  std::string summary;
  std::string explanation;
  std::vector<size_t> sentences;  // positions in CommunityReport::sentences
};

struct CommunityReport {
  std::string title;
  std::string summary;
  int64_t rating = 0;  // how much it matters, 0 to 10, as the model says
  std::vector<ReportFinding> findings;
  std::vector<ReportSentence> sentences;  // that findings rest on
  int64_t findings_dropped = 0;           // see above
  bool extractive = false;                // no model: names, and the documents' own sentences
};

struct ReportsMade {
  int64_t made = 0;
  int64_t known = 0;  // remembered from before
  int64_t findings_dropped = 0;
  std::vector<std::pair<int32_t, std::string>> failed;  // community and reason
  std::string stopped;  // why the rest was not asked for (a limit); empty: all were
};

// What is put before the model, and the answer read back (community_report_form.cpp).
struct ReportMaterial {
  std::vector<std::string> names;
  std::vector<std::string> facts;
  std::vector<std::pair<std::string, std::string>> parts;  // title and summary
  std::vector<ReportSentence> sentences;                   // number n is the one at n - 1
  std::vector<int64_t> chunks;                             // that all of this rests on, ascending
};
GenerateRequest report_request(const ReportMaterial& shown, const ReportOptions& options);
// Nullopt, with the reason in `wrong`, for an answer that is no report.
std::optional<CommunityReport> read_report(const GeneratedSample& sample,
                                           const ReportMaterial& shown, std::string& wrong);

class CommunityReporter {
 public:
  // `model` null: digests alone. Throws Error(kInvalidArgument) for a model that follows no JSON
  // Schema.
  CommunityReporter(std::shared_ptr<const EntityGraph> graph,
                    std::shared_ptr<const Communities> communities,
                    std::function<std::string(int32_t passage)> text_of, CachedGenerator* model,
                    const ReportOptions& options = {});

  // The report, if it was made of what is there now.
  std::optional<CommunityReport> find(int32_t community);
  CommunityReport digest(int32_t community);
  CommunityReport told(int32_t community);
  // Asks for those that are missing, and for those of the parts that they are told by. A failure
  // or a limit loses nothing of what is made already. kCancelled is passed on.
  ReportsMade make(std::span<const int32_t> communities, ProgressSink& progress);
  // Communities worth a report: two entities and more, on these levels, the largest first.
  std::vector<int32_t> wanted(int32_t level_from, int32_t level_to) const;
  // Of one request, for tests and for looking at.
  GenerateRequest request(int32_t community);

  const EntityGraph& graph() const { return *graph_; }
  const Communities& communities() const { return *communities_; }

 private:
  struct Own {  // what does not depend on other reports
    std::vector<std::string> names;
    std::vector<std::string> facts;
    std::vector<int32_t> parts;  // communities told by their reports; empty: all is shown
    std::vector<DigestSentence> sentences;
    std::vector<int64_t> tokens;  // of each of them
    std::vector<int64_t> chunks;  // of the names and facts
    int64_t budget = 0;           // of tokens for sentences and parts
  };
  const Own& own(int32_t community);
  std::vector<int32_t> largest_parts(int32_t community) const;
  std::vector<std::string> fact_lines(std::span<const int32_t> facts, Own& out) const;
  std::vector<std::string> claim_lines(std::span<const int32_t> entities, Own& out) const;
  const ReportMaterial& material(int32_t community);
  void add_needed(int32_t community, std::map<int32_t, bool>& all);
  struct Running;
  int64_t read_sentences(std::span<const int32_t> entities, Own& out);
  std::unique_ptr<Generation> ask(const ReportMaterial& shown, int32_t community,
                                  ReportsMade& done);
  void read(const Running& one, ReportsMade& done);
  void make_level(std::span<const int32_t> communities, ReportsMade& done, ProgressSink& progress,
                  std::pair<uint64_t, uint64_t>& count);
  const std::string& text(int32_t passage);
  int64_t tokens(const std::string& text) const;

  std::shared_ptr<const EntityGraph> graph_;
  std::shared_ptr<const Communities> communities_;
  std::function<std::string(int32_t)> text_of_;
  CachedGenerator* model_;
  ReportOptions options_;
  std::map<int32_t, std::string> texts_;
  std::map<int32_t, Own> own_;
  std::map<int32_t, CommunityReport> found_;
  std::map<int32_t, ReportMaterial> shown_;  // of the reports that are there now
};

}  // namespace ondol::ground
