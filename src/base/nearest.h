// "Did you mean": the known name that takes the fewest edits to reach from a wrong one.
#pragma once

#include <span>
#include <string_view>

namespace ondol {

// The first of equals; empty when nothing is known.
std::string_view nearest_of(std::string_view name, std::span<const std::string_view> known);

}  // namespace ondol
