#include "ground/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "ground/analysis.h"
#include "ground/scan.h"

namespace ondol::ground {
namespace {

// A document ready to be written but for its vectors, and which chunks want one.
struct Draft {
  store::DocumentContent content;
  std::vector<size_t> to_embed;    // indices of chunks
  std::vector<std::string> texts;  // what is embedded, one a chunk of to_embed
  bool existed = false;
};

std::vector<store::TermCount> count_terms(const std::vector<std::string>& terms) {
  std::map<std::string, int32_t> counts;
  for (const std::string& term : terms) ++counts[term];
  std::vector<store::TermCount> out;
  for (const auto& [term, count] : counts) out.push_back({term, count});
  return out;
}

class Ingest {
 public:
  Ingest(store::Store& store, store::CollectionId collection, Embedder* embedder,
         const IngestOptions& options, ProgressSink& progress)
      : store_(store),
        collection_(collection),
        embedder_(embedder),
        options_(options),
        progress_(progress) {
    if (embedder_) {
      for (const std::string& language : embedder_->languages()) languages_.insert(language);
      embedder_id_ = embedder_->id();
      options_.chunks.tokens_max =
          std::min(options_.chunks.tokens_max, embedder_->tokens_max() - kSpecialTokens);
      count_ = [this](const std::string& text) { return embedder_->count_tokens(text); };
    }
    for (store::Document& document : store_.documents(collection_)) {
      known_.emplace(document.uri, std::move(document));
    }
    if (options_.extractor) {
      for (store::ExtractionState& state : store_.extractions(collection_)) {
        if (state.extractor != options_.extractor->name()) continue;
        extracted_.emplace(state.chunk, std::move(state.version));
      }
    }
  }

  IngestReport folder(const std::filesystem::path& folder);
  IngestReport texts(std::span<const WholeText> texts);

 private:
  // [CLS] and [SEP], or bos and eos.
  static constexpr int64_t kSpecialTokens = 2;
  // Documents of ingest_texts in one transaction.
  static constexpr size_t kTextsATransaction = 500;

  void one_file(const SourceFile& file);
  void failed(const std::string& uri, const std::string& error);
  void prune(const std::set<std::string>& present);

  store::Document describe(const Document& document, const std::string& signature) const;
  std::string signature(std::string_view uri, const std::string& bytes_sha256,
                        std::string_view kind) const;
  Draft draft(store::Document described, const std::vector<TextChunk>& chunks);
  void keep_old_chunks(Draft& draft, std::vector<std::string> indexed);
  void extract(Draft& draft);
  bool covers(const std::string& language);
  void embed(std::span<Draft> drafts);
  void report_truncated();
  void count_report(const Draft& draft);

  store::Store& store_;
  store::CollectionId collection_;
  Embedder* embedder_;
  IngestOptions options_;
  ProgressSink& progress_;
  Analyzer analyzer_;
  TokenCounter count_;
  std::set<std::string> languages_;
  std::string embedder_id_;
  std::map<std::string, store::Document> known_;
  std::map<store::ChunkId, std::string> extracted_;  // chunk -> version of its rows
  std::set<std::string> uncovered_;                  // languages a notice was given for
  size_t truncated_ = 0;
  IngestReport report_;
};

// ---- what decides "nothing to do" ----

std::string Ingest::signature(std::string_view uri, const std::string& bytes_sha256,
                              std::string_view kind) const {
  const ChunkOptions& c = options_.chunks;
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", kind, bytes_sha256,
                                Analyzer::version(), embedder_id_, c.words_target, c.tokens_target,
                                c.tokens_max, c.words_max, c.sentence_overlap, uri);
  for (const DocumentRule& rule : options_.rules) {
    if (!uri.starts_with(rule.prefix)) continue;
    key += "|rule";
    for (const std::string& principal : rule.principals) key += "|" + principal;
    for (const auto& [name, value] : rule.tags) key += "|" + name + "=" + value;
  }
  return sha256_hex(key);
}

store::Document Ingest::describe(const Document& document, const std::string& signature) const {
  store::Document row;
  row.uri = document.uri;
  row.sha256 = signature;
  row.title = document.title;
  row.language = document.language;
  row.tags = document.tags;
  const std::filesystem::path path(document.uri);
  const std::string ending = path.extension().string();
  if (!ending.empty()) row.tags.emplace("format", ending.substr(1));
  if (path.has_parent_path()) row.tags.emplace("folder", path.begin()->string());
  for (const DocumentRule& rule : options_.rules) {
    if (!document.uri.starts_with(rule.prefix)) continue;
    row.principals.insert(row.principals.end(), rule.principals.begin(), rule.principals.end());
    for (const auto& [name, value] : rule.tags) row.tags[name] = value;
  }
  return row;
}

// ---- chunks, old and new ----

Draft Ingest::draft(store::Document described, const std::vector<TextChunk>& chunks) {
  Draft draft;
  draft.content.embedder_id = embedder_id_;
  std::vector<std::string> indexed;
  for (const TextChunk& chunk : chunks) {
    indexed.push_back(indexed_text(described.title, chunk.heading, chunk.text));
    const std::vector<std::string> terms = analyzer_.terms(indexed.back());
    store::ChunkContent content;
    content.row.ordinal = chunk.ordinal;
    content.row.heading = chunk.heading;
    content.row.text = chunk.text;
    content.row.char_from = chunk.char_from;
    content.row.char_to = chunk.char_to;
    content.row.page = chunk.line;
    content.row.text_hash = sha256_hex(Analyzer::version() + "|" + indexed.back());
    content.row.length = static_cast<int64_t>(terms.size());
    content.terms = count_terms(terms);
    draft.content.chunks.push_back(std::move(content));
  }
  draft.content.document = std::move(described);
  keep_old_chunks(draft, std::move(indexed));
  extract(draft);
  return draft;
}

void Ingest::extract(Draft& draft) {
  if (!options_.extractor) return;
  for (store::ChunkContent& chunk : draft.content.chunks) {
    const auto known = extracted_.find(chunk.row.id);
    if (known != extracted_.end() && known->second == options_.extractor->version()) continue;
    chunk.extractions.push_back(options_.extractor->extract(
        {draft.content.document.title, chunk.row.heading, chunk.row.text}));
    ++report_.chunks_extracted;
  }
}

void Ingest::keep_old_chunks(Draft& draft, std::vector<std::string> indexed) {
  std::multimap<std::string, store::ChunkId> old;
  std::set<store::ChunkId> embedded;
  const auto known = known_.find(draft.content.document.uri);
  if (known != known_.end()) {
    draft.existed = true;
    for (const store::Chunk& chunk : store_.chunks_of(known->second.id)) {
      old.emplace(chunk.text_hash, chunk.id);
    }
    for (const store::ChunkId id : store_.embedded_chunks(known->second.id, embedder_id_)) {
      embedded.insert(id);
    }
  }
  const bool wants_vectors = embedder_ && covers(draft.content.document.language);
  for (size_t i = 0; i < draft.content.chunks.size(); ++i) {
    store::Chunk& row = draft.content.chunks[i].row;
    const auto same = old.find(row.text_hash);
    if (same != old.end()) {
      row.id = same->second;
      old.erase(same);
    }
    if (wants_vectors && !embedded.contains(row.id)) {
      draft.to_embed.push_back(i);
      draft.texts.push_back(std::move(indexed[i]));
    }
  }
  if (embedder_ && !wants_vectors) ++report_.documents_without_vectors;
}

bool Ingest::covers(const std::string& language) {
  // "und" is a text without letters of any language: numbers embed as well as anything.
  if (languages_.contains(language) || languages_.contains("*") || language == "und") return true;
  if (uncovered_.insert(language).second) {
    progress_.notice(fmt::format(
        "Documents in '{}' get no vectors: the embedder was made for {}. They are found by their "
        "words; a multilingual embedder would find them by meaning too.",
        language, fmt::join(languages_, ", ")));
  }
  return false;
}

void Ingest::embed(std::span<Draft> drafts) {
  struct Place {
    Draft* draft;
    size_t chunk;
  };
  std::vector<Place> places;
  std::vector<std::string> texts;
  const auto flush = [&] {
    if (texts.empty()) return;
    EmbedResult result = embedder_->embed(texts, {.truncate = true});
    for (size_t i = 0; i < places.size(); ++i) {
      places[i].draft->content.chunks[places[i].chunk].vector = std::move(result.vectors[i]);
    }
    truncated_ += result.truncated.size();
    report_.chunks_embedded += static_cast<int64_t>(texts.size());
    places.clear();
    texts.clear();
  };
  for (Draft& draft : drafts) {
    for (size_t i = 0; i < draft.to_embed.size(); ++i) {
      places.push_back({&draft, draft.to_embed[i]});
      texts.push_back(std::move(draft.texts[i]));
      if (texts.size() >= options_.embed_batch) flush();
    }
  }
  flush();
}

void Ingest::report_truncated() {
  if (truncated_ == 0) return;
  progress_.notice(fmt::format(
      "{} of {} embedded chunks are longer than the embedder's window of {} tokens and are "
      "embedded by their beginning; their words are indexed whole.",
      truncated_, report_.chunks_embedded, embedder_->tokens_max()));
}

void Ingest::count_report(const Draft& draft) {
  ++(draft.existed ? report_.changed : report_.added);
  for (const store::ChunkContent& chunk : draft.content.chunks) {
    ++(chunk.row.id == 0 ? report_.chunks_new : report_.chunks_kept);
  }
}

// ---- folders ----

IngestReport Ingest::folder(const std::filesystem::path& folder) {
  const std::vector<SourceFile> files = scan_folder(folder, options_.files_max);
  std::set<std::string> present;
  uint64_t done = 0;
  for (const SourceFile& file : files) {
    progress_.update("ingest", done++, files.size());
    if (!file.refusal.empty()) {
      present.insert(file.uri);
      failed(file.uri, file.refusal);
    } else if (find_reader(file.uri) == nullptr) {
      report_.ignored.push_back(file.uri);
    } else {
      present.insert(file.uri);
      one_file(file);
    }
  }
  progress_.update("ingest", done, files.size());
  if (options_.prune) prune(present);
  report_truncated();
  return std::move(report_);
}

void Ingest::one_file(const SourceFile& file) {
  std::optional<Draft> ready;
  try {
    const std::string bytes = read_file(file.path, options_.limits.bytes_max);
    const std::string sign = signature(file.uri, sha256_hex(bytes), "file");
    const auto known = known_.find(file.uri);
    if (known != known_.end() && known->second.sha256 == sign) {
      ++report_.unchanged;
      return;
    }
    const Document document = read_document(file.uri, bytes, options_.limits);
    ready = draft(describe(document, sign), chunk_document(document, options_.chunks, count_));
    if (embedder_) embed({&*ready, 1});
  } catch (const Error& error) {
    // The job boundary: one document fails, the rest goes on (conventions, C17). Cancelling and
    // broken promises of ours end the run.
    if (error.code() == ErrorCode::kCancelled || error.code() == ErrorCode::kInternal) throw;
    failed(file.uri, error.what());
    return;
  }
  store_.put_document(collection_, ready->content);
  count_report(*ready);
}

void Ingest::failed(const std::string& uri, const std::string& error) {
  report_.failures.push_back({uri, error});
  if (known_.contains(uri)) {
    store_.remove_document(collection_, uri);
    ++report_.removed;
  }
  store_.put_job(collection_, {uri, "failed", error});
}

void Ingest::prune(const std::set<std::string>& present) {
  for (const auto& [uri, unused] : known_) {
    if (present.contains(uri)) continue;
    store_.remove_document(collection_, uri);
    ++report_.removed;
  }
  // Failures of files that are gone are no news any more.
  for (const store::JobRow& job : store_.jobs(collection_)) {
    if (!present.contains(job.uri)) store_.remove_document(collection_, job.uri);
  }
}

// ---- whole texts ----

IngestReport Ingest::texts(std::span<const WholeText> texts) {
  std::set<std::string> present;
  std::vector<Draft> drafts;
  uint64_t done = 0;
  const auto flush = [&] {
    if (embedder_) embed(drafts);
    std::vector<store::DocumentContent> contents;
    for (Draft& draft : drafts) {
      count_report(draft);
      contents.push_back(std::move(draft.content));
    }
    if (!contents.empty()) store_.put_documents(collection_, contents);
    drafts.clear();
    progress_.update("ingest", done, texts.size());
  };
  for (const WholeText& text : texts) {
    ++done;
    if (!present.insert(text.uri).second) {
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[ingest] two texts are called '{}'; expected one; try another id",
                              text.uri));
    }
    const std::string sign =
        signature(text.uri, sha256_hex(text.title + "\n" + text.text), "whole text");
    const auto known = known_.find(text.uri);
    if (known != known_.end() && known->second.sha256 == sign) {
      ++report_.unchanged;
      continue;
    }
    Document document{.uri = text.uri, .title = text.title, .text = text.text};
    document.language = guess_language(text.text);
    TextChunk chunk{.text = text.text};
    chunk.char_to = static_cast<int64_t>(text::count_code_points(text.text));
    drafts.push_back(draft(describe(document, sign), {&chunk, &chunk + 1}));
    if (drafts.size() >= kTextsATransaction) flush();
  }
  flush();
  if (options_.prune) prune(present);
  report_truncated();
  return std::move(report_);
}

}  // namespace

IngestReport ingest_folder(store::Store& store, store::CollectionId collection,
                           const std::filesystem::path& folder, Embedder* embedder,
                           const IngestOptions& options, ProgressSink& progress) {
  return Ingest(store, collection, embedder, options, progress).folder(folder);
}

IngestReport ingest_texts(store::Store& store, store::CollectionId collection,
                          std::span<const WholeText> texts, Embedder* embedder,
                          const IngestOptions& options, ProgressSink& progress) {
  return Ingest(store, collection, embedder, options, progress).texts(texts);
}

}  // namespace ondol::ground
