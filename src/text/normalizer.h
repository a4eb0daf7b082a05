// What is done to text before it is cut into pieces: the normalizers of tokenizer.json, in order.
//
//   Normalizer normalizer({{.kind = NormalizerKind::kNfkc}, {.kind = NormalizerKind::kStrip}});
//   std::string text = normalizer.apply(input);
//
// Each step is Hugging Face's of the same name, but by the pinned Unicode 16 table (theirs is older
// in some steps) and with bytes that are not UTF-8 left as they are. Immutable, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.h"

namespace ondol::text {

enum class NormalizerKind {
  kPrecompiled,  // SentencePiece's table (charsmap.h), in `from`
  kNfc,
  kNfd,
  kNfkc,
  kNfkd,
  kNmt,  // control characters out, white space of every kind becomes a space
  kLowercase,
  kStripAccents,   // marks out
  kStrip,          // white space at the ends, `left` and `right`
  kReplace,        // the string `from` by `to`
  kReplaceSpaces,  // two or more spaces by `to`: the pattern " {2,}"
  kReplaceWhite,   // one or more white space by `to`: the pattern "\s+"
  kPrepend,        // `to` before text that is not empty
};

struct NormalizerStep {
  NormalizerKind kind = NormalizerKind::kNfc;
  std::string from;
  std::string to;
  bool left = true;
  bool right = true;
  bool operator==(const NormalizerStep&) const = default;
};

class Normalizer {
 public:
  // Throws Error(kCorruptData) for a damaged table and Error(kInvalidArgument) for an empty `from`
  // of kReplace.
  explicit Normalizer(const std::vector<NormalizerStep>& steps);
  bool empty() const { return steps_.empty(); }
  std::string apply(std::string_view text) const;

 private:
  struct Step {
    NormalizerStep what;
    std::optional<CharsMap> map;
  };
  std::vector<Step> steps_;
};

}  // namespace ondol::text
