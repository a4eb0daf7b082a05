#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ground/extractors/extractors.h"

namespace ondol::ground {
namespace {

constexpr ExtractorInfo kRegistry[] = {
    {"names", 0, "names and noun phrases by their form, no model", &make_name_extractor},
};

}  // namespace

std::span<const ExtractorInfo> extractor_registry() { return kRegistry; }

std::unique_ptr<Extractor> make_extractor(std::string_view name) {
  const auto row = std::find_if(std::begin(kRegistry), std::end(kRegistry),
                                [&](const ExtractorInfo& info) { return info.name == name; });
  if (row != std::end(kRegistry)) return row->make();
  std::string known;
  for (const ExtractorInfo& info : kRegistry) {
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("[graph] unknown extractor; got '{}', expected one of {}", name, known));
}

}  // namespace ondol::ground
