// How many tokens to guess in a step: as many as make tokens come fastest by what this machine has
// shown, none where guessing does not pay. A step of T tokens takes t(T), measured while decoding;
// a guess that matched m tokens is right with a probability that is counted; the lengths that
// maximise expected tokens / t(T) are chosen. Only speed depends on it, never a token. Internal to
// infer.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ondol::infer {

inline constexpr int64_t kGuessTokensMax = 24;  // of one sequence in one step
inline constexpr int64_t kStepTokensMax = 64;   // of a step that guesses, all sequences

inline constexpr int64_t kDraftMatch = -1;  // of a guess that a draft model wrote

// Running averages of the time of a step, by its tokens.
class StepCost {
 public:
  void note(int64_t tokens, double seconds);
  // Measured, or drawn as a line between what was measured; 0 before anything was.
  double estimate(int64_t tokens) const;

 private:
  struct Point {
    double seconds = 0;  // 0: not measured
    int64_t noted = 0;   // step number
  };
  bool known(int64_t tokens) const;
  std::array<Point, kStepTokensMax + 1> points_;
  int64_t steps_ = 0;
};

// How often the next token of a guess is right, by the length of its match.
class GuessRecord {
 public:
  GuessRecord();
  void note(int64_t match, int64_t guessed, int64_t accepted);
  double probability(int64_t match) const;

 private:
  struct Count {
    double right, tried;
  };
  std::array<Count, 7> counts_;
};

// What one sequence could bring.
struct GuessOffer {
  int64_t match = 0;  // or kDraftMatch
  int64_t tokens = 0;
  double seconds_each = 0;  // that a guessed token costs before the step; offers pay it together
};

class SpeculationPolicy {
 public:
  StepCost cost;
  GuessRecord record;

  // Tokens to take of each offer, in a step that computes `tokens` tokens without any guess.
  std::vector<int64_t> choose(int64_t tokens, std::span<const GuessOffer> offers);

 private:
  int64_t declined_ = 0;  // offers in a row that did not seem to pay
  int64_t patience_ = 16;
};

// A sequence whose guesses keep being wrong is left alone for longer and longer.
class GuessPause {
 public:
  bool pausing() { return left_ > 0 && left_-- > 0; }
  void note(int64_t accepted);

 private:
  int64_t left_ = 0;
  int64_t next_ = 1;
};

}  // namespace ondol::infer
