// The ranking function of lexical search, over postings from any back end.
//
// score(d) = sum over query terms t, repeats counted, of
//   idf(t) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length(d) / average length))
//   idf(t) = ln(1 + (N - n + 0.5) / (n + 0.5))
// Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, 3.2, with Lucene's idf,
// which is positive even for a term that every document has, and with exact lengths (Lucene keeps
// one byte). Sums are in double, in the order of the distinct terms of the query.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "store/store.h"

namespace ondol::ground {

inline double bm25_idf(int64_t chunks, int64_t with_term) {
  const auto n = static_cast<double>(with_term);
  return std::log(1.0 + (static_cast<double>(chunks) - n + 0.5) / (n + 0.5));
}

// What one term adds to a chunk's score.
inline double bm25_term(double idf, const store::Posting& posting, double average_length, double k1,
                        double b) {
  const double tf = posting.count;
  const double norm = k1 * (1.0 - b + b * static_cast<double>(posting.length) / average_length);
  return idf * tf * (k1 + 1.0) / (tf + norm);
}

}  // namespace ondol::ground
