// Were the right documents found (binary relevance, documents counted once)?
#include <algorithm>
#include <cmath>

#include "eval/metrics.h"

namespace ondol::eval {
namespace {

bool holds(std::span<const std::string> list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

std::vector<std::string> distinct_documents(std::span<const std::string> retrieved) {
  std::vector<std::string> out;
  for (const std::string& document : retrieved) {
    if (!holds(out, document)) out.push_back(document);
  }
  return out;
}

double recall_at(std::span<const std::string> retrieved, std::span<const std::string> gold, int k) {
  const std::vector<std::string> found = distinct_documents(retrieved);
  const std::vector<std::string> wanted = distinct_documents(gold);
  const std::span top(found.data(), std::min<size_t>(found.size(), static_cast<size_t>(k)));
  const auto hits = std::count_if(wanted.begin(), wanted.end(), [&](const std::string& document) {
    return holds(top, document);
  });
  return wanted.empty() ? 0 : static_cast<double>(hits) / static_cast<double>(wanted.size());
}

double reciprocal_rank(std::span<const std::string> retrieved, std::span<const std::string> gold) {
  const std::vector<std::string> found = distinct_documents(retrieved);
  for (size_t rank = 0; rank < found.size(); ++rank) {
    if (holds(gold, found[rank])) return 1 / static_cast<double>(rank + 1);
  }
  return 0;
}

double ndcg_at(std::span<const std::string> retrieved, std::span<const std::string> gold, int k) {
  const std::vector<std::string> found = distinct_documents(retrieved);
  const size_t wanted = distinct_documents(gold).size(), depth = static_cast<size_t>(k);
  double gain = 0, ideal = 0;
  for (size_t rank = 0; rank < depth; ++rank) {
    const double discount = 1 / std::log2(static_cast<double>(rank) + 2);
    if (rank < found.size() && holds(gold, found[rank])) gain += discount;
    if (rank < wanted) ideal += discount;
  }
  return ideal > 0 ? gain / ideal : 0;
}

}  // namespace ondol::eval
