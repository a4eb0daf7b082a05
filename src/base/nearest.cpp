#include "base/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace ondol {

// A row of the table at a time.
size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<size_t> above(to.size() + 1), row(to.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 0; i < from.size(); ++i) {
    row[0] = i + 1;
    for (size_t j = 0; j < to.size(); ++j) {
      const size_t replaced = above[j] + (from[i] == to[j] ? 0 : 1);
      row[j + 1] = std::min({above[j + 1] + 1, row[j] + 1, replaced});
    }
    above.swap(row);
  }
  return above.back();
}

std::string_view nearest_of(std::string_view name, std::span<const std::string_view> known) {
  std::string_view best;
  size_t fewest = SIZE_MAX;
  for (const std::string_view candidate : known) {
    const size_t count = edit_distance(name, candidate);
    if (count < fewest) fewest = count, best = candidate;
  }
  return best;
}

}  // namespace ondol
