// The first, large vocabulary of a Unigram training: every character and every repeated piece of a
// word, weighed by how much text it covers.
//
// As SentencePiece (Kudo 2018): what stands in two places of the distinct words and no longer piece
// stands in as many (inner nodes of the suffix tree), the heaviest first. Unlike there, a word
// counts as often as it occurs. Words that are part of no other are no seeds: they would fill the
// vocabulary with names of this text (measured: fewer tokens here, more in other texts).
#pragma once

#include <string>
#include <vector>

#include "train/tokenizer_words.h"

namespace ondol::train {

struct ScoredPiece {
  std::string piece;
  double score = 0;
};

struct SeedSettings {
  size_t max_piece_length = 16;  // characters
  size_t seed_size = 1'000'000;
};

// Scores are log probabilities of occurrences times characters. `alphabet`: the characters that
// pieces may have, sorted; words are cut at others.
std::vector<ScoredPiece> seed_pieces(const WordCounts& words, const std::u32string& alphabet,
                                     const SeedSettings& settings);

// Characters of the words, the most frequent first, equal ones by code point; `limit` 0: all.
std::u32string alphabet_of(const WordCounts& words, size_t limit);

}  // namespace ondol::train
