// Do citations point at the words that hold the answer?
#include <algorithm>

#include "eval/metrics.h"
#include "eval/metrics/script.h"

namespace ondol::eval {
namespace {

// Length of the longest run of units that both lists share.
size_t longest_common_run(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<size_t> row(b.size() + 1, 0);
  size_t longest = 0;
  for (const std::string& unit : a) {
    size_t diagonal = 0;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = unit == b[j - 1] ? diagonal + 1 : 0;
      longest = std::max(longest, row[j]);
      diagonal = above;
    }
  }
  return longest;
}

}  // namespace

bool citation_hits(const CitedSpan& citation, const GoldPassage& gold) {
  if (citation.document != gold.document) return false;
  if (gold.quote.empty() || citation.quote.empty()) return true;
  const auto cited = overlap_units(normalize_answer(citation.quote));
  const auto wanted = overlap_units(normalize_answer(gold.quote));
  const size_t shorter = std::min(cited.size(), wanted.size());
  return shorter > 0 && 2 * longest_common_run(cited, wanted) >= shorter;
}

}  // namespace ondol::eval
