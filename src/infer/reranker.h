// How well each passage answers a question, by a model that reads both together: slower and finer
// than comparing vectors, so it orders what a search found.
//
//   std::vector<double> scores = reranker.scores("When is it open?", {"...", "..."});
//
// Thread-safe: calls queue up. A passage that is too long for the window is read by its beginning;
// the question is cut only where it alone would fill half of the window.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ondol {

class Reranker {
 public:
  virtual ~Reranker() = default;
  // One a passage, in order; higher is better, on a scale of the model's own.
  virtual std::vector<double> scores(const std::string& question,
                                     std::span<const std::string> passages) = 0;
  // What scores depend on: weights, precision, instruction set.
  virtual std::string id() const = 0;
};

}  // namespace ondol
