// "Did you mean": the known name that takes the fewest edits to reach from a wrong one.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace ondol {

// Levenshtein's distance: insertions, deletions and replacements of bytes.
size_t edit_distance(std::string_view from, std::string_view to);

// The first of equals; empty when nothing is known.
std::string_view nearest_of(std::string_view name, std::span<const std::string_view> known);

}  // namespace ondol
