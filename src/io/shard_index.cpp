#include "io/shard_index.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/byte_cursor.h"

namespace ondol::io {
namespace {

using json = nlohmann::json;

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".safetensors";
  constexpr std::string_view kForbidden("/\\:\0", 4);
  return name.size() > kSuffix.size() && name.ends_with(kSuffix) && name[0] != '.' &&
         name.find_first_of(kForbidden) == std::string_view::npos;
}

}  // namespace

std::map<std::string, std::string> parse_shard_index(std::string_view text, std::string_view name) {
  const auto corrupt = [&](const std::string& what) {
    throw Error(ErrorCode::kCorruptData, fmt::format("[model folder] '{}': {}", name, what));
  };
  const json index = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!index.is_object()) corrupt("the index is no JSON object");
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty() || map->size() > kIndexTensors) {
    corrupt(fmt::format("weight_map; expected an object from 1 to {} tensor names to file names",
                        kIndexTensors));
  }
  std::map<std::string, std::string> shard_of;
  for (const auto& [tensor, shard] : map->items()) {
    const bool text_value = shard.is_string();
    if (!text_value || !is_plain_name(shard.get_ref<const std::string&>())) {
      corrupt(
          fmt::format("file of '{}' in weight_map; got {}, expected a plain name ending in "
                      ".safetensors",
                      printable(tensor),
                      text_value ? "'" + printable(shard.get_ref<const std::string&>()) + "'"
                                 : std::string(shard.type_name())));
    }
    shard_of.emplace(tensor, shard.get<std::string>());
  }
  return shard_of;
}

}  // namespace ondol::io
