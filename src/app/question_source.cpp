#include "app/question_source.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "app/compare_report.h"
#include "app/opened_corpus.h"
#include "app/search.h"
#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "eval/dataset.h"
#include "ground/fact_import.h"
#include "ground/ingest.h"

namespace ondol::app {
namespace {

// How long the documents took to ingest is kept beside the store, in seconds.
std::filesystem::path build_file(const Workspace& workspace, const std::string& collection) {
  std::string name = "build-" + collection + ".seconds";
  std::replace(name.begin(), name.end(), '/', '-');
  return workspace.state() / name;
}

// The graph of a set: names by their form, or the facts that it gives.
enum class SetGraph { kNone, kNames, kGiven };

void import_given(store::Store& store, store::CollectionId collection, const eval::QuestionSet& set,
                  ProgressSink& progress) {
  std::vector<ground::GivenFact> facts;
  for (const eval::Document& document : set.documents) {
    for (const auto& [subject, label, object] : document.facts) {
      facts.push_back({document.id, subject, label, object});
    }
  }
  const ground::FactImport done = ground::import_facts(store, collection, facts, progress);
  std::string notice = std::to_string(done.taken) + " given facts taken";
  for (const auto& [reason, count] : done.rejected) {
    notice += "; " + std::to_string(count) + " left out: " + reason;
  }
  progress.notice(notice + ".");
}

void ingest_set(const Workspace& workspace, Session& session, const eval::QuestionSet& set,
                const std::string& collection, SetGraph graph, ProgressSink& progress) {
  std::vector<ground::WholeText> texts;
  for (const eval::Document& d : set.documents) texts.push_back({d.id, d.title, d.text});
  const auto start = std::chrono::steady_clock::now();
  const auto store = workspace.open_store(store::OpenMode::kReadWrite);
  Embedder* embedder = nullptr;
  if (!workspace.book().embedder.empty()) embedder = &session.embedder(workspace.book().embedder);
  const store::CollectionId shelf = store->open_collection(collection);
  const auto report = ground::ingest_texts(*store, shelf, texts, embedder, {}, progress);
  if (graph == SetGraph::kNames) {
    ground::build_graph(*store, shelf, *ground::make_extractor("names"), progress);
  }
  if (graph == SetGraph::kGiven &&
      (report.added + report.changed > 0 || store->extractions(shelf).empty())) {
    import_given(*store, shelf, set, progress);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (report.added + report.changed > 0) {
    record_build_seconds(workspace, collection, seconds.count());
  }
}

bool needs_graph(std::span<const Recipe> recipes) {
  const std::vector<std::string> kinds = knowledge_kinds(recipes);
  return std::any_of(kinds.begin(), kinds.end(), retriever_needs_graph);
}

std::string hash_of(const std::vector<eval::Question>& questions) {
  Sha256 hash;
  for (const eval::Question& question : questions)
    hash.update(eval::format_question(question) + "\n");
  return hash.hex_digest();
}

}  // namespace

void record_build_seconds(const Workspace& workspace, const std::string& collection,
                          double seconds) {
  write_file_atomic(build_file(workspace, collection), std::to_string(seconds) + "\n");
}

QuestionSource load_questions(const Workspace& workspace, Session& session,
                              const CompareOptions& options, std::span<const Recipe> recipes,
                              ProgressSink& progress) {
  QuestionSource source;
  std::vector<eval::Question> all;
  if (!options.dataset.empty()) {
    eval::QuestionSet set =
        eval::read_dataset(options.dataset, options.data, {.language = options.language});
    source.title = set.name + " (" + set.language + ")";
    source.collection = "dataset-" + set.name + "-" + set.language;
    if (options.given_facts) source.collection += "-given-facts";
    const SetGraph graph = !needs_graph(recipes) ? SetGraph::kNone
                           : options.given_facts ? SetGraph::kGiven
                                                 : SetGraph::kNames;
    if (!set.documents.empty()) {
      ingest_set(workspace, session, set, source.collection, graph, progress);
    }
    all = std::move(set.questions);
  } else {
    source.title = workspace.book().workspace_name;
    source.collection = kDocumentsCollection;
    all = eval::read_questions(options.questions.value_or(workspace.questions()));
  }
  source.asked = options.split ? eval::in_split(all, *options.split) : all;
  source.train = eval::in_split(all, eval::Split::kTrain);
  if (source.asked.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[compare] no question has split '" + split_text(options) +
                    "'; try --split, or add \"split\" to the questions");
  }
  const auto limit = static_cast<size_t>(options.questions_max);
  if (limit > 0 && source.asked.size() > limit) source.asked.resize(limit);
  source.hash = hash_of(source.asked);
  source.build_seconds = read_build_seconds(workspace, source.collection);
  return source;
}

double read_build_seconds(const Workspace& workspace, const std::string& collection) {
  const auto file = build_file(workspace, collection);
  return std::filesystem::exists(file) ? std::strtod(read_file(file).c_str(), nullptr) : 0.0;
}

}  // namespace ondol::app
