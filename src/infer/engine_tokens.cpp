// What is guessed to come next, and the tokens of a step. A guess is a row more of the batch: its
// logits are those that a step of its own would give, so it is right exactly when the sampler, row
// after row, draws the guessed token. No token depends on guesses.
#include <algorithm>
#include <limits>

#include "infer/engine.h"

namespace ondol {
namespace {

using infer::Choice;
using infer::Guess;
using infer::Job;
using infer::Piece;
using infer::Sequence;

constexpr int64_t kPanelRows = 16;  // rows of the head that are computed together
constexpr int64_t kFewPart = 8;     // up to an eighth of the head is computed row by row

bool is_end(const text::Tokenizer& tokenizer, TokenId id) {
  const auto& ends = tokenizer.end_of_generation();
  return std::find(ends.begin(), ends.end(), id) != ends.end();
}

// When a sample ends must not depend on guesses where that decides about the others.
bool may_guess(const Job& job) { return !job.request.on_sample || job.request.samples == 1; }

}  // namespace

// ---- guesses ----

// So many that the answer does not grow longer than asked for.
int64_t LocalGenerator::Engine::guess_limit(const Piece& piece) const {
  if (piece.sequence == nullptr || options_.speculation == Speculation::kOff) return 0;
  const auto written = static_cast<int64_t>(piece.sequence->result.ids.size());
  return std::clamp(piece.job->request.tokens_max - written - 1, int64_t{0},
                    infer::kGuessTokensMax);
}

// A token that ends the text is not guessed: nothing follows it.
void LocalGenerator::Engine::end_guess(std::vector<TokenId>& tokens) const {
  const auto end = std::find_if(tokens.begin(), tokens.end(),
                                [&](TokenId id) { return is_end(*model_->tokenizer, id); });
  tokens.erase(end, tokens.end());
}

Guess LocalGenerator::Engine::look_up(const Piece& piece) const {
  Sequence& sequence = *piece.sequence;
  while (sequence.lookup.size() < static_cast<int64_t>(sequence.history.size())) {
    sequence.lookup.append(sequence.history[static_cast<size_t>(sequence.lookup.size())]);
  }
  Guess guess = sequence.lookup.guess(guess_limit(piece));
  end_guess(guess.tokens);
  return guess;
}

// The draft model writes for those that found nothing to look up.
void LocalGenerator::Engine::write_drafts(const Pieces& pieces, std::vector<Guess>& guesses,
                                          std::span<const int64_t> lengths) {
  std::vector<infer::DraftWish> wishes;
  std::vector<Guess*> takers;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (guesses[i].match != infer::kDraftMatch || lengths[i] == 0) continue;
    Sequence& sequence = *pieces[i].sequence;
    wishes.push_back({.state = sequence.draft, .history = sequence.history, .count = lengths[i]});
    takers.push_back(&guesses[i]);
  }
  if (wishes.empty()) return;
  draft_->write(context(), wishes);
  for (size_t i = 0; i < takers.size(); ++i) {
    takers[i]->tokens = std::move(wishes[i].tokens);
    end_guess(takers[i]->tokens);
  }
}

// A guess for every piece, empty where none pays. While prompts are read there is none: such steps
// are as long as they may be.
std::vector<Guess> LocalGenerator::Engine::make_guesses(const Pieces& pieces) {
  std::vector<Guess> guesses(pieces.size());
  const bool decoding = std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) {
    return piece.sequence != nullptr && piece.count == 1;
  });
  if (options_.speculation == Speculation::kOff || !decoding) return guesses;
  std::vector<infer::GuessOffer> offers(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (!may_guess(*pieces[i].job)) continue;
    if (options_.draft_tokens == 0 && pieces[i].sequence->pause.pausing()) continue;
    guesses[i] = look_up(pieces[i]);
    offers[i] = {guesses[i].match, static_cast<int64_t>(guesses[i].tokens.size())};
    if (draft_ == nullptr || offers[i].tokens > 0) continue;
    guesses[i].match = infer::kDraftMatch;
    offers[i] = {infer::kDraftMatch, guess_limit(pieces[i]), draft_->seconds_each()};
  }
  std::vector<int64_t> lengths(pieces.size(), options_.draft_tokens);
  if (options_.draft_tokens == 0) {
    lengths = speculation_.choose(static_cast<int64_t>(pieces.size()), offers);
  }
  for (size_t i = 0; i < pieces.size(); ++i) {
    lengths[i] = std::min(lengths[i], offers[i].tokens);
    if (guesses[i].match == infer::kDraftMatch) continue;
    guesses[i].tokens.resize(static_cast<size_t>(lengths[i]));
  }
  write_drafts(pieces, guesses, lengths);
  return guesses;
}

// The sets of allowed tokens after the piece and after each guessed token. A guess goes on as long
// as it is allowed, and by itself where only one token is.
void LocalGenerator::Engine::apply_mask(Piece& piece, Guess& guess) const {
  const Job& job = *piece.job;
  const TokenMask* mask =
      piece.sequence != nullptr ? piece.sequence->mask.get() : job.request.mask.get();
  if (mask == nullptr) return;
  std::unique_ptr<TokenMask> ahead;
  Guess kept;
  for (bool looked_up = true;;) {
    TokenSet set(vocabulary());
    mask->allowed(set);
    const int64_t count = set.count();
    const size_t at = kept.tokens.size();
    if (count == 0 && at == 0) {
      const size_t written = piece.sequence != nullptr ? piece.sequence->result.ids.size() : 0;
      throw Error(ErrorCode::kInvalidArgument,
                  "[mask] no token is allowed after " + std::to_string(written) +
                      " tokens of the answer; expected at least one, or a token that ends the "
                      "text; try another mask");
    }
    if (count == 0) {  // the text ends in nothing here: should it come so far, it is an error then
      kept.tokens.pop_back();
      break;
    }
    looked_up &= at < guess.tokens.size() && set.contains(guess.tokens[at]);
    const TokenId next = count == 1 ? set.ids().front() : looked_up ? guess.tokens[at] : -1;
    looked_up &= looked_up && next == guess.tokens[at];
    if (count > 1 && looked_up) kept.match = guess.match;
    piece.allowed.push_back(std::move(set));
    if (next < 0 || static_cast<int64_t>(at) >= guess_limit(piece) ||
        is_end(*model_->tokenizer, next)) {
      break;
    }
    kept.tokens.push_back(next);
    if (ahead == nullptr) ahead = mask->clone();
    ahead->accept(next);
    mask = ahead.get();
  }
  guess = std::move(kept);
}

// Guesses take no page that the step needs, and preempt nobody.
void LocalGenerator::Engine::add_guesses(Pieces& pieces) {
  std::vector<Guess> guesses = make_guesses(pieces);
  auto spare = static_cast<int64_t>(kv_.pages_free());
  for (const Piece& piece : pieces) spare -= piece.promised;
  size_t index = 0;
  std::erase_if(pieces, [&](Piece& piece) {
    Guess& guess = guesses[index++];
    if (!piece.draws()) return false;
    try {
      apply_mask(piece, guess);
    } catch (...) {
      fail_alone(*piece.job);
      return true;
    }
    infer::PageList& pages = piece.chain().pages;
    const int64_t begin = piece.chain().tokens + piece.count;
    auto count = static_cast<int64_t>(guess.tokens.size());
    if (infer::pages_for(begin + count) - pages.size() > spare) {
      count = pages.size() * kPageTokens - begin;
    }
    guess.tokens.resize(static_cast<size_t>(count));
    if (!piece.allowed.empty()) piece.allowed.resize(static_cast<size_t>(count) + 1);
    const int64_t before = pages.size();
    pages.grow_to(begin + count);
    spare -= pages.size() - before;
    piece.job->drafted_tokens += count;
    piece.guess = std::move(guess);
    return false;
  });
}

// ---- logits ----

int64_t LocalGenerator::Engine::vocabulary() const {
  // Rows beyond the vocabulary are padding of the weight matrix.
  return std::min(static_cast<int64_t>(model_->tokenizer->vocab_size()), model_->info.vocabulary);
}

bool LocalGenerator::Engine::few(const TokenSet& allowed) const {
  int64_t panels = 0, last = -1;
  for (const TokenId id : allowed.ids()) {
    panels += id / kPanelRows != last;
    last = id / kPanelRows;
  }
  return panels * kPanelRows * kFewPart <= model_->info.vocabulary;
}

// Log-probabilities are those of the whole distribution.
bool LocalGenerator::Engine::needs_head(const Piece& piece, size_t index) const {
  if (piece.allowed.empty() || piece.job->request.logprobs) return true;
  const TokenSet& allowed = piece.allowed[index];
  return allowed.count() > 1 && !few(allowed);
}

std::vector<float> LocalGenerator::Engine::logits_of_few(const Tensor& hidden, int64_t row,
                                                         const TokenSet& allowed) const {
  std::vector<float> logits(static_cast<size_t>(model_->info.vocabulary),
                            -std::numeric_limits<float>::infinity());
  model_->decoder->logits_of(context(), hidden.rows(row, row + 1), allowed.ids(), logits);
  return logits;
}

// ---- tokens ----

// `rows`: where in `hidden` each end stands; its guessed tokens follow it. `began`: when the step
// did.
void LocalGenerator::Engine::hand_out(const Pieces& ends, const Tensor& hidden,
                                      std::span<const int64_t> rows,
                                      std::chrono::steady_clock::time_point began) {
  std::vector<int64_t> wanted;
  std::vector<std::vector<int64_t>> places;  // in `wanted`; -1: no whole row of logits
  for (size_t i = 0; i < ends.size(); ++i) {
    places.emplace_back();
    for (size_t j = 0; j <= ends[i].guess.tokens.size(); ++j) {
      const bool head = needs_head(ends[i], j);
      places[i].push_back(head ? static_cast<int64_t>(wanted.size()) : -1);
      if (head) wanted.push_back(rows[i] + static_cast<int64_t>(j));
    }
  }
  Tensor logits;
  if (!wanted.empty()) logits = model_->decoder->logits(context(), gather(hidden, wanted));
  if (static_cast<int64_t>(wanted.size()) == hidden.dim(0)) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    speculation_.cost.note(hidden.dim(0), took.count());
  }
  const ProfileScope scope(options_.profile, "sample", [&] {
    return ProfileWork{.tokens = static_cast<int64_t>(ends.size())};
  });
  std::vector<float> few;
  for (size_t i = 0; i < ends.size(); ++i) {
    take_tokens(ends[i], [&](size_t j) {
      Choice choice;
      if (!ends[i].allowed.empty()) choice.allowed = &ends[i].allowed[j];
      if (places[i][j] >= 0) {
        choice.logits = logits.row(places[i][j]);
      } else if (choice.allowed->count() > 1) {
        few = logits_of_few(hidden, rows[i] + static_cast<int64_t>(j), *choice.allowed);
        choice.logits = few;
      }
      return choice;
    });
  }
}

// The token after the piece, and after every guessed token that came true.
void LocalGenerator::Engine::take_tokens(const Piece& end,
                                         const std::function<Choice(size_t)>& choose) {
  Job& job = *end.job;
  const std::vector<TokenId>& guess = end.guess.tokens;
  size_t right = 0;
  bool wrong = false;
  try {
    if (end.sequence == nullptr) return begin_decoding(job, choose(0));
    Sequence& sequence = *end.sequence;
    for (;;) {
      take_token(job, sequence, choose(right));
      if (sequence.finished || job.ticket->cancelled || right == guess.size()) break;
      wrong = sequence.history.back() != guess[right];
      if (wrong) break;
      ++right;
      ++sequence.chain.tokens;
      cache_.keep(sequence.chain, sequence.history);
    }
  } catch (...) {
    fail_alone(job);
  }
  job.accepted_tokens += static_cast<int64_t>(right);
  if (end.guess.match == 0 || guess.empty()) return;
  const auto accepted = static_cast<int64_t>(right);
  speculation_.record.note(end.guess.match, accepted + wrong, accepted);
  if (accepted > 0 || wrong) end.sequence->pause.note(accepted);
}

// The prompt is done: every sample takes its first token from the same logits.
void LocalGenerator::Engine::begin_decoding(Job& job, const Choice& choice) {
  job.milliseconds_to_first_token =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - job.started)
          .count();
  for (int64_t index = 0; index < job.request.samples; ++index) {
    job.sequences.push_back(
        std::make_unique<Sequence>(infer::Chain(kv_), job.request, index, job.prompt));
  }
  job.begun = true;
  fork_samples(job);
  std::vector<float> copy(choice.logits.size());
  for (auto& sequence : job.sequences) {
    std::copy(choice.logits.begin(), choice.logits.end(), copy.begin());
    take_token(job, *sequence, {.logits = copy, .allowed = choice.allowed});
  }
}

void LocalGenerator::Engine::take_token(Job& job, Sequence& sequence, const Choice& choice) {
  const text::Tokenizer& tokenizer = *model_->tokenizer;
  const std::span<float> logits =
      choice.logits.first(std::min(choice.logits.size(), static_cast<size_t>(vocabulary())));
  std::vector<float> untouched;
  if (job.request.logprobs) untouched.assign(logits.begin(), logits.end());

  TokenId id;
  if (choice.allowed != nullptr && choice.allowed->count() == 1) {
    id = choice.allowed->ids().front();
    sequence.sampler.accept(id);
  } else {
    if (choice.allowed != nullptr) choice.allowed->apply(logits);
    id = sequence.sampler.pick(logits);
  }
  if (is_end(tokenizer, id)) return finish_sequence(job, sequence, "stop");
  if (sequence.mask) sequence.mask->accept(id);
  sequence.history.push_back(id);
  sequence.result.ids.push_back(id);
  if (job.request.logprobs) {
    sequence.result.logprobs.push_back(token_logprob(untouched, id, job.request.logprobs_top));
  }
  emit(job, sequence, sequence.filter.push(tokenizer.token_bytes(id)));
  if (sequence.filter.stopped()) return finish_sequence(job, sequence, "stop");
  if (static_cast<int64_t>(sequence.result.ids.size()) >= job.request.tokens_max) {
    finish_sequence(job, sequence, "length");
  }
}

// What a request's own mask, bias or callback throws ends that request and no other.
void LocalGenerator::Engine::fail_alone(Job& job) {
  if (!job.error) job.error = std::current_exception();
  job.ticket->cancelled = true;
}

}  // namespace ondol
