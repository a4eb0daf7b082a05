// Which sentences of the evidence an answer rests on. The engine attaches citations after the
// fact, so that a small model need not produce them.
//
//   answer.citations = cite(answer.text, answer.evidence);
//
// A sentence of the evidence that holds the whole answer (folded) wins; else sentences are ranked
// by the share of the answer's term weight they hold, a term weighing more the fewer sentences of
// the evidence have it. Below support_min there is no citation rather than a wrong one. Offsets are
// those of the document's extracted text, as in Evidence. Of evidence with `sources` (a report) the
// sources are cited: by their own words, or by those of a line of the report that rests on them.
// Pure and thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/slots.h"

namespace ondol::ground {

struct CiteOptions {
  size_t citations_max = 2;
  double support_min = 0.5;  // share of the answer's term weight in the sentence
};

std::vector<Citation> cite(std::string_view answer, std::span<const Evidence> evidence,
                           const CiteOptions& options = {});

}  // namespace ondol::ground
