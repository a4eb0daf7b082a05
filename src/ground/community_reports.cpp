#include "ground/community_reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "ground/fact_index.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

// Of a part that is told by its report: sentences of it that may be cited.
constexpr size_t kPartSentences = 2;
// Asked for at a time: enough to fill a batch, few enough that a limit is seen early.
constexpr size_t kAskedAtOnce = 8;
// The frame of a prompt: instructions and the template of a chat.
constexpr int64_t kFrameTokens = 250;

bool same_place(const DigestSentence& a, const DigestSentence& b) {
  return a.passage == b.passage && a.char_from == b.char_from;
}

std::string name_of(const GraphEntity& entity) {
  std::string name = entity.label;
  for (size_t i = 0; i < std::min<size_t>(entity.aliases.size(), 2); ++i) {
    name += (i == 0 ? " (also " : ", ") + entity.aliases[i];
  }
  return entity.aliases.empty() ? name : name + ")";
}

// The first proof's passage, unless another one is among those shown anyway.
void add_support(const EntityGraph& graph, const std::vector<GraphPlace>& places,
                 std::set<int64_t>& chunks) {
  if (places.empty()) return;
  const auto chunk = [&](const GraphPlace& place) {
    return graph.passages()[static_cast<size_t>(place.passage)];
  };
  const bool known = std::any_of(places.begin(), places.end(), [&](const GraphPlace& place) {
    return chunks.contains(chunk(place));
  });
  if (!known) chunks.insert(chunk(places.front()));
}

// Sentences that fit, one a passage before a second of any; in the order of the text.
std::vector<DigestSentence> fitting(const std::vector<DigestSentence>& all,
                                    const std::vector<int64_t>& tokens, int64_t budget,
                                    size_t count) {
  std::vector<bool> taken(all.size());
  std::set<int32_t> passages;
  std::vector<DigestSentence> out;
  for (const bool again : {false, true}) {
    for (size_t i = 0; i < all.size() && out.size() < count; ++i) {
      if (taken[i] || tokens[i] > budget) continue;
      if (!passages.insert(all[i].passage).second && !again) continue;
      taken[i] = true;
      budget -= tokens[i];
      out.push_back(all[i]);
    }
  }
  std::sort(out.begin(), out.end(), [](const DigestSentence& a, const DigestSentence& b) {
    return a.passage != b.passage ? a.passage < b.passage : a.char_from < b.char_from;
  });
  return out;
}

// One that fails is told and loses nothing of the others; a limit ends the asking.
void guarded(ReportsMade& done, int32_t community, const std::function<void()>& call) {
  try {
    call();
  } catch (const LimitReached& error) {
    done.stopped = error.what();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    done.failed.emplace_back(community, error.what());
  }
}

}  // namespace

CommunityReporter::CommunityReporter(std::shared_ptr<const EntityGraph> graph,
                                     std::shared_ptr<const Communities> communities,
                                     std::function<std::string(int32_t passage)> text_of,
                                     CachedGenerator* model, const ReportOptions& options)
    : graph_(std::move(graph)),
      communities_(std::move(communities)),
      text_of_(std::move(text_of)),
      model_(model),
      options_(options) {
  if (model_ == nullptr) return;
  if (!model_->capabilities().json_schema) {
    throw Error(ErrorCode::kInvalidArgument,
                "[reports] reports need a model that follows a JSON Schema, and this one does not; "
                "try another model");
  }
  const int64_t context = model_->capabilities().context_tokens_max;
  if (context > 0) {
    options_.prompt_tokens =
        std::min(options_.prompt_tokens, context - options_.answer_tokens - kFrameTokens);
  }
}

const std::string& CommunityReporter::text(int32_t passage) {
  const auto [at, is_new] = texts_.try_emplace(passage);
  if (is_new) at->second = text_of_(passage);
  return at->second;
}

int64_t CommunityReporter::tokens(const std::string& text) const {
  return model_->count_tokens(RawText{text});
}

std::vector<int32_t> CommunityReporter::wanted(int32_t level_from, int32_t level_to) const {
  std::vector<int32_t> out;
  const graph::CommunityTree& tree = communities_->tree;
  for (int32_t id = 0; id < tree.size(); ++id) {
    const int32_t level = tree.communities[static_cast<size_t>(id)].level;
    if (level >= level_from && level <= level_to && tree.members(id).size() > 1) out.push_back(id);
  }
  std::stable_sort(out.begin(), out.end(), [&](int32_t a, int32_t b) {
    return tree.members(a).size() > tree.members(b).size();
  });
  return out;
}

std::vector<int32_t> CommunityReporter::largest_parts(int32_t community) const {
  const graph::CommunityTree& tree = communities_->tree;
  const graph::Community& its = tree.communities[static_cast<size_t>(community)];
  std::vector<int32_t> parts;
  for (int32_t id = its.children_begin; id < its.children_end; ++id) {
    if (tree.members(id).size() > 1) parts.push_back(id);
  }
  std::stable_sort(parts.begin(), parts.end(), [&](int32_t a, int32_t b) {
    return tree.members(a).size() > tree.members(b).size();
  });
  parts.resize(std::min(parts.size(), options_.parts));
  return parts;
}

// "subject label object (from - to)".
std::vector<std::string> CommunityReporter::fact_lines(std::span<const int32_t> facts,
                                                       Own& out) const {
  std::vector<std::string> lines;
  std::set<int64_t> chunks(out.chunks.begin(), out.chunks.end());
  for (const int32_t f : facts.first(std::min(facts.size(), options_.facts))) {
    const GraphFact& fact = graph_->facts()[static_cast<size_t>(f)];
    std::string line = fact_text(*graph_, f);
    if (!fact.valid_from.empty() || !fact.valid_to.empty()) {
      line += fmt::format(" ({} - {})", fact.valid_from, fact.valid_to);
    }
    lines.push_back(std::move(line));
    add_support(*graph_, fact.proof, chunks);
  }
  out.chunks.assign(chunks.begin(), chunks.end());
  return lines;
}

// What passages say of the entities beyond relations.
std::vector<std::string> CommunityReporter::claim_lines(std::span<const int32_t> entities,
                                                        Own& out) const {
  const std::set<int32_t> inside(entities.begin(), entities.end());
  std::vector<std::string> lines;
  std::set<int64_t> chunks(out.chunks.begin(), out.chunks.end());
  for (const GraphClaim& claim : graph_->claims()) {
    if (lines.size() >= options_.facts) break;
    if (!inside.contains(claim.subject)) continue;
    lines.push_back(fmt::format("claim ({}): {}", claim.status, claim.text));
    add_support(*graph_, {claim.proof}, chunks);
  }
  out.chunks.assign(chunks.begin(), chunks.end());
  return lines;
}

// Returns their tokens in all.
int64_t CommunityReporter::read_sentences(std::span<const int32_t> entities, Own& out) {
  out.sentences = central_sentences(
      *graph_, entities, [&](int32_t passage) { return text(passage); }, options_.passages);
  out.tokens.clear();
  int64_t sum = 0;
  for (const DigestSentence& sentence : out.sentences) {
    out.tokens.push_back(tokens(sentence.text) + 4);  // its number and the line's end
    sum += out.tokens.back();
  }
  return sum;
}

const CommunityReporter::Own& CommunityReporter::own(int32_t community) {
  const auto [at, is_new] = own_.try_emplace(community);
  Own& out = at->second;
  if (!is_new) return out;
  const std::vector<int32_t> entities = central_entities(*communities_, community);
  std::set<int64_t> support;
  for (const int32_t e : std::span(entities).first(std::min(entities.size(), options_.entities))) {
    const GraphEntity& entity = graph_->entities()[static_cast<size_t>(e)];
    out.names.push_back(name_of(entity));
    add_support(*graph_, entity.mentions, support);
  }
  out.chunks.assign(support.begin(), support.end());
  std::vector<std::string> said = fact_lines(inner_facts(*graph_, entities), out);
  for (std::string& line : claim_lines(entities, out)) said.push_back(std::move(line));
  out.budget = options_.prompt_tokens;
  for (const std::string& line : out.names) out.budget -= tokens(line) + 1;
  for (std::string& line : said) {
    const int64_t left = out.budget - tokens(line) - 3;
    if (left < options_.prompt_tokens / 2) break;  // sentences need room too
    out.budget = left;
    out.facts.push_back(std::move(line));
  }
  if (read_sentences(entities, out) <= out.budget) return out;
  out.parts = largest_parts(community);
  if (out.parts.empty()) return out;
  std::set<int32_t> told;  // by the parts; the sentences are of what is left
  for (const int32_t part : out.parts) {
    const auto members = communities_->tree.members(part);
    told.insert(members.begin(), members.end());
  }
  std::vector<int32_t> left;
  for (const int32_t e : entities) {
    if (!told.contains(e)) left.push_back(e);
  }
  read_sentences(left, out);
  return out;
}

const ReportMaterial& CommunityReporter::material(int32_t community) {
  const auto known_material = shown_.find(community);
  if (known_material != shown_.end()) return known_material->second;
  const Own& its = own(community);
  ReportMaterial shown{.names = its.names, .facts = its.facts};
  std::set<int64_t> chunks(its.chunks.begin(), its.chunks.end());
  int64_t budget = its.budget;
  std::vector<DigestSentence> sentences;
  for (const int32_t part : its.parts) {
    const CommunityReport told = this->told(part);
    shown.parts.emplace_back(told.title, told.summary);
    budget -= tokens(told.title + ": " + told.summary) + 3;
    for (size_t i = 0; i < std::min(told.sentences.size(), kPartSentences); ++i) {
      const DigestSentence& place = told.sentences[i].place;
      const bool known = std::any_of(sentences.begin(), sentences.end(),
                                     [&](const auto& s) { return same_place(s, place); });
      if (known) continue;
      sentences.push_back(place);
      budget -= tokens(place.text) + 4;
    }
    const std::vector<int64_t> under = material(part).chunks;
    chunks.insert(under.begin(), under.end());
  }
  for (DigestSentence& sentence :
       fitting(its.sentences, its.tokens, budget,
               options_.sentences - std::min(options_.sentences, sentences.size()))) {
    const bool known = std::any_of(sentences.begin(), sentences.end(),
                                   [&](const auto& s) { return same_place(s, sentence); });
    if (!known) sentences.push_back(std::move(sentence));
  }
  for (DigestSentence& sentence : sentences) {
    const int64_t chunk = graph_->passages()[static_cast<size_t>(sentence.passage)];
    chunks.insert(chunk);
    shown.sentences.push_back({chunk, std::move(sentence)});
  }
  shown.chunks.assign(chunks.begin(), chunks.end());
  return shown_[community] = std::move(shown);
}

GenerateRequest CommunityReporter::request(int32_t community) {
  return report_request(material(community), options_);
}

std::optional<CommunityReport> CommunityReporter::find(int32_t community) {
  if (model_ == nullptr) return std::nullopt;
  const auto known = found_.find(community);
  if (known != found_.end()) return known->second;
  const ReportMaterial shown = material(community);
  if (shown.sentences.empty()) return std::nullopt;
  const auto kept = model_->recall(report_request(shown, options_));
  if (!kept) return std::nullopt;
  std::string wrong;
  std::optional<CommunityReport> report = read_report(kept->samples.at(0), shown, wrong);
  if (report) found_[community] = *report;
  return report;
}

CommunityReport CommunityReporter::digest(int32_t community) {
  const Digest told = ground::digest(*communities_, *graph_, community,
                                     [&](int32_t passage) { return text(passage); },
                                     {.entities = options_.digest_names});
  CommunityReport out;
  out.extractive = true;
  for (const int32_t e : told.entities) {
    out.title += (out.title.empty() ? "" : ", ") + graph_->entities()[static_cast<size_t>(e)].label;
  }
  for (const DigestSentence& sentence : told.sentences) {
    out.sentences.push_back({graph_->passages()[static_cast<size_t>(sentence.passage)], sentence});
  }
  return out;
}

CommunityReport CommunityReporter::told(int32_t community) {
  std::optional<CommunityReport> report = find(community);
  return report ? *std::move(report) : digest(community);
}

// With every part that one of these is told by.
void CommunityReporter::add_needed(int32_t community, std::map<int32_t, bool>& all) {
  if (!all.emplace(community, true).second) return;
  for (const int32_t part : own(community).parts) add_needed(part, all);
}

ReportsMade CommunityReporter::make(std::span<const int32_t> communities, ProgressSink& progress) {
  ReportsMade done;
  if (model_ == nullptr) {
    throw Error(ErrorCode::kInvalidArgument,
                "[reports] reports are made by a model; got none, expected one that the workspace "
                "names");
  }
  std::map<int32_t, bool> needed;
  for (const int32_t id : communities) add_needed(id, needed);
  std::map<int32_t, std::vector<int32_t>, std::greater<>> by_level;  // the deepest first
  for (const auto& [id, unused] : needed) {
    by_level[communities_->tree.communities[static_cast<size_t>(id)].level].push_back(id);
  }
  std::pair<uint64_t, uint64_t> count{0, needed.size()};
  progress.update("reports", 0, count.second);
  for (const auto& [level, ids] : by_level) {
    if (done.stopped.empty()) make_level(ids, done, progress, count);
  }
  return done;
}

struct CommunityReporter::Running {
  int32_t community;
  ReportMaterial shown;
  std::unique_ptr<Generation> generation;
};

// Null: it is there already, or cannot be asked for, which `done` says.
std::unique_ptr<Generation> CommunityReporter::ask(const ReportMaterial& shown, int32_t community,
                                                   ReportsMade& done) {
  if (shown.sentences.empty()) {
    done.failed.emplace_back(community, "no sentence fits the budget");
    return nullptr;
  }
  std::unique_ptr<Generation> generation;
  guarded(done, community, [&] { generation = model_->submit(report_request(shown, options_)); });
  return generation;
}

void CommunityReporter::read(const Running& one, ReportsMade& done) {
  const GeneratedSample sample = one.generation->wait().samples.at(0);
  if (sample.finish_reason == "dry") return;
  std::string wrong;
  const auto report = read_report(sample, one.shown, wrong);
  if (!report) {
    done.failed.emplace_back(one.community, wrong);
    return;
  }
  found_[one.community] = *report;
  ++done.made;
  done.findings_dropped += report->findings_dropped;
}

void CommunityReporter::make_level(std::span<const int32_t> communities, ReportsMade& done,
                                   ProgressSink& progress, std::pair<uint64_t, uint64_t>& count) {
  shown_.clear();
  found_.clear();  // what was told by parts that have new reports is to be told anew
  for (size_t begin = 0; begin < communities.size() && done.stopped.empty();) {
    std::vector<Running> running;
    for (; begin < communities.size() && running.size() < kAskedAtOnce && done.stopped.empty();
         ++begin) {
      const int32_t id = communities[begin];
      const bool known = find(id).has_value();
      done.known += known;
      Running one{id, {}, nullptr};
      if (!known) one.generation = ask(one.shown = material(id), id, done);
      if (one.generation)
        running.push_back(std::move(one));
      else
        progress.update("reports", ++count.first, count.second);
    }
    for (const Running& one : running) {
      guarded(done, one.community, [&] { read(one, done); });
      progress.update("reports", ++count.first, count.second);
    }
  }
}

}  // namespace ondol::ground
