#include "train/tokenizer_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/nearest.h"
#include "text/bpe_tokenizer.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"
#include "text/unigram.h"
#include "text/utf8.h"
#include "text/wordpiece.h"
#include "train/bpe_training.h"
#include "train/tokenizer_measure.h"
#include "train/unigram_training.h"

namespace ondol::train {
namespace {

using text::NormalizerKind;
using text::SpacePrefix;
using text::TokenId;
using text::TokenizerConfig;
using text::TokenizerModel;
using text::TokenType;

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[tokenizer] " + what);
}

void one_of(const char* name, const std::string& value,
            std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  std::string names;
  for (const std::string_view each : known)
    names += (names.empty() ? "" : ", ") + std::string(each);
  invalid(fmt::format("{} is '{}'; expected one of {}", name, value, names));
}

std::vector<std::string> special_tokens_of(const TokenizerTraining& s) {
  if (!s.special_tokens.empty()) return s.special_tokens;
  if (s.type == "bpe") return {"<|endoftext|>"};
  if (s.type == "unigram") return {"<pad>", "</s>", "<unk>"};
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
}

// The parts that special tokens play, by the names that model families give them.
void name_roles(TokenizerConfig& config, size_t special_count) {
  struct Role {
    std::string_view name;
    std::optional<TokenId> TokenizerConfig::*id;
  };
  constexpr std::array<Role, 14> kRoles = {{{"<s>", &TokenizerConfig::bos},
                                            {"[BOS]", &TokenizerConfig::bos},
                                            {"</s>", &TokenizerConfig::eos},
                                            {"[EOS]", &TokenizerConfig::eos},
                                            {"<|im_end|>", &TokenizerConfig::eos},
                                            {"<|endoftext|>", &TokenizerConfig::eos},
                                            {"<unk>", &TokenizerConfig::unk},
                                            {"[UNK]", &TokenizerConfig::unk},
                                            {"<pad>", &TokenizerConfig::pad},
                                            {"[PAD]", &TokenizerConfig::pad},
                                            {"[CLS]", &TokenizerConfig::cls},
                                            {"[SEP]", &TokenizerConfig::sep},
                                            {"[MASK]", &TokenizerConfig::mask},
                                            {"<mask>", &TokenizerConfig::mask}}};
  for (const Role& role : kRoles) {
    for (size_t id = 0; id < special_count && !(config.*role.id); ++id) {
      if (config.pieces[id] == role.name) config.*role.id = static_cast<TokenId>(id);
    }
  }
}

// Every id in its place: special tokens first.
TokenizerConfig config_with(const TokenizerTraining& s, std::vector<std::string> pieces) {
  TokenizerConfig config;
  const size_t special_count = special_tokens_of(s).size();
  config.pieces = std::move(pieces);
  config.types.assign(config.pieces.size(), TokenType::kNormal);
  std::fill_n(config.types.begin(), special_count, TokenType::kControl);
  name_roles(config, special_count);
  return config;
}

void need_unknown(const TokenizerConfig& config, const TokenizerTraining& s) {
  if (config.unk) return;
  invalid(
      fmt::format("{} needs a token for the unknown; got none among special_tokens, expected "
                  "<unk> or [UNK]",
                  s.type));
}

bool lowercases(const TokenizerTraining& s) {
  return s.lowercase == "yes" || (s.lowercase == "auto" && s.type == "wordpiece");
}

void need_room(size_t first, const TokenizerTraining& s, const char* what) {
  if (first <= static_cast<size_t>(s.vocab_size)) return;
  invalid(
      fmt::format("vocab_size is {}, and special tokens and {} are {}; try a larger vocab_size{}",
                  s.vocab_size, what, first, s.type == "bpe" ? "" : ", or limit_alphabet"));
}

void need_words(const WordCounts& words) {
  if (words.empty()) invalid("the texts hold no word; name files with text in them");
}

Merges merged(MergeProblem problem, const TokenizerTraining& s, ProgressSink& progress) {
  problem.special_count = special_tokens_of(s).size();
  problem.vocab_size = static_cast<size_t>(s.vocab_size);
  problem.min_frequency = static_cast<uint64_t>(s.min_frequency);
  return learn_merges(std::move(problem), progress);
}

// ---- byte-level BPE ----

TokenizerConfig learn_bpe(const TokenizerTraining& s, const WordCounts& words,
                          ProgressSink& progress) {
  MergeProblem problem;
  problem.tokens = special_tokens_of(s);
  // By the code points that stand for bytes, as Hugging Face sorts an alphabet.
  std::array<int32_t, 256> id_of_byte{};
  std::vector<std::pair<char32_t, size_t>> bytes;
  for (size_t b = 0; b < 256; ++b) {
    bytes.emplace_back(text::read_utf8(text::byte_piece(static_cast<unsigned char>(b)), 0).code, b);
  }
  std::sort(bytes.begin(), bytes.end());
  for (const auto& [code, byte] : bytes) {
    id_of_byte[byte] = static_cast<int32_t>(problem.tokens.size());
    problem.tokens.push_back(text::byte_piece(static_cast<unsigned char>(byte)));
  }
  need_room(problem.tokens.size(), s, "bytes");
  for (const WordCount& word : words) {
    for (const char c : word.word) {
      problem.symbols.push_back(id_of_byte[static_cast<unsigned char>(c)]);
    }
    problem.ends.push_back(problem.symbols.size());
    problem.counts.push_back(word.count);
  }
  Merges learned = merged(std::move(problem), s, progress);
  TokenizerConfig config = config_with(s, std::move(learned.tokens));
  config.pre_tokenizer = s.pre_tokenizer;
  for (const auto& [left, right] : learned.merges) {
    config.merges.push_back(config.pieces[static_cast<size_t>(left)] + " " +
                            config.pieces[static_cast<size_t>(right)]);
  }
  return config;
}

// ---- WordPiece ----

TokenizerConfig wordpiece_settings(const TokenizerTraining& s, TokenizerConfig config) {
  config.model = TokenizerModel::kWordPiece;
  config.lowercase = config.strip_accents = lowercases(s);
  config.add_bos = config.cls.has_value();
  config.add_eos = config.sep.has_value();
  return config;
}

// Calls take(letters, count) with each word as places in the sorted alphabet. A word with a
// character of no token is unknown as a whole: there is nothing to learn from it.
template <class Take>
void each_spelled_word(const WordCounts& words, const std::u32string& alphabet, Take take) {
  std::vector<size_t> letters;
  for (const WordCount& word : words) {
    letters.clear();
    bool known = true;
    for (size_t at = 0; at < word.word.size() && known;) {
      const text::Utf8Char c = text::read_utf8(word.word, at);
      const auto place = std::lower_bound(alphabet.begin(), alphabet.end(), c.code);
      known = place != alphabet.end() && *place == c.code;
      letters.push_back(static_cast<size_t>(place - alphabet.begin()));
      at += c.size;
    }
    if (known) take(letters, word.count);
  }
}

TokenizerConfig learn_wordpiece(const TokenizerTraining& s, const WordCounts& words,
                                ProgressSink& progress) {
  MergeProblem problem;
  problem.tokens = special_tokens_of(s);
  problem.prefix = "##";
  std::u32string alphabet = alphabet_of(words, static_cast<size_t>(s.limit_alphabet));
  std::sort(alphabet.begin(), alphabet.end());
  const size_t first = problem.tokens.size();
  for (const char32_t code : alphabet) text::append_utf8(problem.tokens.emplace_back(), code);
  // The same characters inside a word, as far as they occur there.
  std::vector<int32_t> inside(alphabet.size(), -1);
  each_spelled_word(words, alphabet, [&](const std::vector<size_t>& letters, uint64_t) {
    for (size_t i = 1; i < letters.size(); ++i) inside[letters[i]] = 0;
  });
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] < 0) continue;
    inside[i] = static_cast<int32_t>(problem.tokens.size());
    problem.tokens.push_back("##" + problem.tokens[first + i]);
  }
  need_room(problem.tokens.size(), s, "characters, at the beginning of words and inside,");
  each_spelled_word(words, alphabet, [&](const std::vector<size_t>& letters, uint64_t count) {
    for (size_t i = 0; i < letters.size(); ++i) {
      problem.symbols.push_back(i == 0 ? static_cast<int32_t>(first + letters[0])
                                       : inside[letters[i]]);
    }
    problem.ends.push_back(problem.symbols.size());
    problem.counts.push_back(count);
  });
  return wordpiece_settings(s, config_with(s, merged(std::move(problem), s, progress).tokens));
}

// ---- Unigram ----

void add_normalizers(const TokenizerTraining& s, TokenizerConfig& config) {
  if (s.normalizer == "nmt_nfkc") {
    config.normalizers = {{.kind = NormalizerKind::kNmt, .from = "", .to = ""},
                          {.kind = NormalizerKind::kNfkc, .from = "", .to = ""},
                          {.kind = NormalizerKind::kReplaceSpaces, .from = "", .to = " "}};
  }
  if (lowercases(s)) {
    config.normalizers.push_back({.kind = NormalizerKind::kLowercase, .from = "", .to = ""});
  }
}

// Without pieces: what cuts text into words.
TokenizerConfig unigram_settings(const TokenizerTraining& s, TokenizerConfig config) {
  config.model = TokenizerModel::kUnigram;
  config.byte_fallback = s.byte_fallback;
  config.add_eos = config.eos.has_value();
  add_normalizers(s, config);
  return config;
}

TokenizerConfig learn_unigram_tokenizer(const TokenizerTraining& s, const WordCounts& words,
                                        ThreadPool& pool, ProgressSink& progress) {
  std::vector<std::string> pieces = special_tokens_of(s);
  if (s.byte_fallback) {
    for (int byte = 0; byte < 256; ++byte) pieces.push_back(fmt::format("<0x{:02X}>", byte));
  }
  need_room(pieces.size() + 1, s, "a piece");
  const size_t before = pieces.size();
  UnigramSettings settings;
  settings.pieces = static_cast<size_t>(s.vocab_size) - before;
  settings.limit_alphabet = static_cast<size_t>(s.limit_alphabet);
  settings.seeds = {static_cast<size_t>(s.max_piece_length), static_cast<size_t>(s.seed_size)};
  settings.shrinking_factor = s.shrinking_factor;
  settings.n_sub_iterations = s.n_sub_iterations;
  std::vector<double> scores(before, 0.0);
  for (ScoredPiece& piece : learn_unigram(words, settings, pool, progress)) {
    // A special token is never text.
    if (std::find(pieces.begin(), pieces.begin() + static_cast<ptrdiff_t>(before), piece.piece) !=
        pieces.begin() + static_cast<ptrdiff_t>(before)) {
      continue;
    }
    pieces.push_back(std::move(piece.piece));
    scores.push_back(piece.score);
  }
  TokenizerConfig config = unigram_settings(s, config_with(s, std::move(pieces)));
  config.scores = std::move(scores);
  if (s.byte_fallback) {
    std::fill(config.types.begin() + static_cast<ptrdiff_t>(before - 256),
              config.types.begin() + static_cast<ptrdiff_t>(before), TokenType::kByte);
  }
  return config;
}

// ---- all ----

WordCounts words_of(const TokenizerTraining& s, const TextLines& texts, ThreadPool& pool,
                    ProgressSink& progress) {
  if (s.type == "bpe") {
    const text::PreTokenizer pre = text::pre_tokenizer_by_name(s.pre_tokenizer);
    return count_words(
        texts,
        [pre](std::string_view line, const WordSink& sink) {
          for (size_t at = 0; at < line.size();) {
            const size_t end = text::next_piece(pre, line, at);
            sink(line.substr(at, end - at));
            at = end;
          }
        },
        pool, progress);
  }
  if (s.type == "wordpiece") {
    const TokenizerConfig config = wordpiece_settings(s, {});
    return count_words(
        texts,
        [&config](std::string_view line, const WordSink& sink) {
          for (const std::string& word : text::bert_words(line, config)) sink(word);
        },
        pool, progress);
  }
  const TokenizerConfig config = unigram_settings(s, {});
  const text::Normalizer normalizer(config.normalizers);
  return count_words(
      texts,
      [&](std::string_view line, const WordSink& sink) {
        text::metaspace_words(normalizer.apply(line), false, config, sink);
      },
      pool, progress);
}

}  // namespace

void check_tokenizer_training(const TokenizerTraining& s) {
  one_of("type", s.type, {"bpe", "unigram", "wordpiece"});
  one_of("lowercase", s.lowercase, {"auto", "yes", "no"});
  one_of("normalizer", s.normalizer, {"nmt_nfkc", "identity"});
  text::pre_tokenizer_by_name(s.pre_tokenizer);
  const auto at_least = [](const char* name, int64_t value, int64_t least, int64_t most) {
    if (value >= least && value <= most) return;
    invalid(fmt::format("{} is {}; expected {} to {}", name, value, least, most));
  };
  at_least("vocab_size", s.vocab_size, 1, 1 << 20);
  at_least("min_frequency", s.min_frequency, 0, INT64_MAX);
  at_least("limit_alphabet", s.limit_alphabet, 0, 1 << 20);
  at_least("max_piece_length", s.max_piece_length, 1, 128);
  at_least("n_sub_iterations", s.n_sub_iterations, 1, 100);
  at_least("seed_size", s.seed_size, 1, 100'000'000);
  if (!(s.shrinking_factor > 0 && s.shrinking_factor < 1)) {
    invalid(fmt::format("shrinking_factor is {}; expected a number between 0 and 1",
                        s.shrinking_factor));
  }
  std::vector<std::string> special = special_tokens_of(s);
  std::sort(special.begin(), special.end());
  for (size_t i = 0; i < special.size(); ++i) {
    if (special[i].empty() || !text::is_utf8(special[i])) invalid("a special token is no text");
    if (i > 0 && special[i] == special[i - 1]) {
      invalid("special_tokens has '" + special[i] + "' twice");
    }
  }
  if (s.type != "bpe") need_unknown(config_with(s, special_tokens_of(s)), s);
  if (s.type != "unigram" && s.byte_fallback) invalid("byte_fallback is of unigram only");
  if (s.type == "bpe" && s.lowercase == "yes") invalid("lowercase is not of byte-level bpe");
}

TrainedTokenizer train_tokenizer(const TokenizerTraining& settings, const TextLines& texts,
                                 ThreadPool& pool, ProgressSink& progress) {
  check_tokenizer_training(settings);
  const auto start = std::chrono::steady_clock::now();
  const WordCounts words = words_of(settings, texts, pool, progress);
  need_words(words);
  TrainedTokenizer out;
  out.words_distinct = words.size();
  if (settings.type == "bpe") {
    out.config = learn_bpe(settings, words, progress);
  } else if (settings.type == "wordpiece") {
    out.config = learn_wordpiece(settings, words, progress);
  } else {
    out.config = learn_unigram_tokenizer(settings, words, pool, progress);
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  progress.update("measuring", 0, 0);
  out.of_texts = measure_tokenizer(*text::make_tokenizer(out.config), texts, pool);
  return out;
}

TrainedTokenizer train_tokenizer(const TokenizerTraining& settings,
                                 std::span<const std::filesystem::path> files, ThreadPool& pool,
                                 ProgressSink& progress) {
  check_tokenizer_training(settings);
  const auto start = std::chrono::steady_clock::now();
  const TextLines texts = read_text_lines(files, progress);
  const auto read = std::chrono::steady_clock::now() - start;
  TrainedTokenizer out = train_tokenizer(settings, texts, pool, progress);
  out.seconds += std::chrono::duration<double>(read).count();
  return out;
}

}  // namespace ondol::train
