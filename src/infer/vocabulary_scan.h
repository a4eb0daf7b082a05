// Scans over a row of logits that never sort or copy the vocabulary: the largest of every block
// of 32 entries is found first, in vector code, and only blocks that can matter are looked at
// again.
//
//   VocabularyScan scan(logits);                       // logits must outlive it
//   auto best = scan.best(/*k=*/40, /*floor=*/-1e30F);  // the 40 largest, best first
//
// Entries that are NaN count as minus infinity. Internal to infer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace ondol::infer {

struct Candidate {
  float logit;
  text::TokenId id;
};

// Best first; of equal ones the lower id.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

class VocabularyScan {
 public:
  explicit VocabularyScan(std::span<const float> logits);

  float highest() const { return highest_; }  // minus infinity where no entry is larger
  text::TokenId argmax() const;  // the lowest id among the largest; 0 where there is none

  struct Best {
    std::vector<Candidate> candidates;  // best first, of equal ones the lower id
    bool all = false;                   // there is no further candidate at or above the floor
  };
  // At most k of the entries >= floor.
  Best best(int64_t k, float floor) const;

  // The id at which the running sum of exp((logit - highest) / temperature), in order of ids and
  // over entries >= floor, passes `share` (in [0, 1)) of its total.
  text::TokenId at_share(double share, double temperature, float floor) const;
  // Sum of exp((logit - highest) / temperature): blocks of 1,024 in f32 by the 16-lane rule, added
  // in double.
  double exp_sum(double temperature) const;

 private:
  double chunk_sum(size_t chunk, float inverse_temperature, float floor) const;
  size_t chunks() const;

  std::span<const float> logits_;
  std::vector<float> maxima_;  // of the blocks
  float highest_;
};

}  // namespace ondol::infer
