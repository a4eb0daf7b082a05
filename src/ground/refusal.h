// "The documents do not say": is the evidence about the question at all?
//
//   double support = evidence_support(query, evidence);        // 0 .. 1
//   if (support < threshold) refuse();
//
// Support is the best share, over the pieces of evidence, of the question's term weight found in
// that piece; terms weigh by how rare they are among the pieces (a term that none has weighs most),
// function words weigh nothing. Pure and thread-safe.
#pragma once

#include <span>
#include <vector>

#include "infer/slots.h"

namespace ondol::ground {

double evidence_support(const Query& query, std::span<const Evidence> evidence);

}  // namespace ondol::ground
