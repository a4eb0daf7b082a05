// Parses model.safetensors.index.json: which shard holds which tensor (internal to this room).
//
//   std::map<std::string, std::string> shard_of = parse_shard_index(text, "model...index.json");
//
// Shard names are plain file names ending in .safetensors: no separators, no hidden files, nothing
// that could leave the folder. Throws Error(kCorruptData) naming `name` and the field.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace ondol::io {

inline constexpr size_t kIndexTensors = 1'000'000;

std::map<std::string, std::string> parse_shard_index(std::string_view text, std::string_view name);

}  // namespace ondol::io
