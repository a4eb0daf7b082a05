// BLEU of a whole corpus (Papineni et al., "BLEU: a method for automatic evaluation of machine
// translation", 2002), as sacrebleu 2.5 defines it with one reference a sentence: n-grams up to 4,
// exponential smoothing of orders without a match, brevity penalty.
//
//   const BleuScore score = corpus_bleu(hypotheses, references, BleuTokens::k13a);
//   score.bleu     // 0 to 100
//
// Scores with other tokens cannot be compared: say which were used.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ondol::eval {

enum class BleuTokens : uint8_t {
  k13a,   // words and punctuation as mteval-v13a.pl cuts them: European languages
  kChar,  // characters without spaces: Korean, Chinese, Japanese
  kNone,  // between spaces
};
// "13a", "char", "none"; throws Error(kInvalidArgument) for another name.
BleuTokens bleu_tokens_named(std::string_view name);

struct BleuScore {
  double bleu = 0;
  std::array<double, 4> precisions{};  // in percent, smoothed
  double brevity_penalty = 1;
  int64_t hypothesis_tokens = 0;
  int64_t reference_tokens = 0;
};

// Throws Error(kInvalidArgument) unless both have the same size, at least 1.
BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      std::span<const std::string> references, BleuTokens tokens);

std::vector<std::string> bleu_tokenize(std::string_view text, BleuTokens tokens);

}  // namespace ondol::eval
