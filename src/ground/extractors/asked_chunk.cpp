#include <utility>

#include "base/error.h"
#include "ground/extractors/extractors.h"
#include "infer/cached_generator.h"

namespace ondol::ground {

void ask_of_chunk(Generator& generator, GenerateRequest request, std::vector<AskedChunk>& asked) {
  try {
    asked.push_back({.running = generator.submit(std::move(request))});
  } catch (const LimitReached&) {
    store::Extraction unused;
    for (AskedChunk& one : asked) answer_of_chunk(one, unused);
    throw;
  } catch (const Error& error) {
    asked.push_back({.error = error.what()});
  }
}

std::optional<GeneratedSample> answer_of_chunk(AskedChunk& asked, store::Extraction& out) {
  try {
    if (asked.running) return std::move(asked.running->wait().samples.at(0));
  } catch (const Error& error) {
    asked.error = error.what();
  }
  if (!asked.error.empty()) {
    out.version = kFailedVersion;
    ++out.rejected["failed: " + asked.error];
  }
  return std::nullopt;
}

}  // namespace ondol::ground
