#include "prompt/examples.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace ondol::prompt {

ExampleSelector::ExampleSelector(std::vector<Example> examples, const PromptConfig& config,
                                 Embedder* embedder)
    : examples_(std::move(examples)),
      shots_(config.shots),
      kind_(config.select),
      embedder_(embedder) {
  const auto fail = [](const std::string& message) {
    throw Error(ErrorCode::kInvalidArgument, "[prompt] " + message);
  };
  if (kind_ != "fixed" && kind_ != "random" && kind_ != "nearest") {
    fail("select is '" + kind_ + "'; expected fixed, random or nearest");
  }
  if (shots_ < 0) fail("shots is " + std::to_string(shots_) + "; expected 0 or more");
  if (shots_ > static_cast<int64_t>(examples_.size())) {
    fail("shots is " + std::to_string(shots_) + "; the train split has " +
         std::to_string(examples_.size()) + " answered questions; try fewer shots");
  }
  if (shots_ == 0) return;
  fixed_order_.resize(examples_.size());
  std::iota(fixed_order_.begin(), fixed_order_.end(), size_t{0});
  if (kind_ == "random") {
    Rng rng(config.seed);
    for (size_t i = fixed_order_.size(); i > 1; --i) {
      std::swap(fixed_order_[i - 1], fixed_order_[rng.below(i)]);
    }
  }
  if (kind_ == "nearest") {
    if (embedder_ == nullptr) fail("select = \"nearest\" needs an embedder in the workspace");
    std::vector<std::string> texts;
    for (const Example& example : examples_) texts.push_back(example.question);
    vectors_ = embedder_->embed(texts, {.truncate = true}).vectors;
  }
}

std::vector<size_t> ExampleSelector::order_for(const Query& query) const {
  if (kind_ != "nearest") return fixed_order_;
  const std::string text = query.text;
  const auto vector = embedder_->embed(std::span(&text, 1), {.truncate = true}).vectors[0];
  std::vector<double> similarity;
  for (const auto& v : vectors_) {
    similarity.push_back(std::inner_product(v.begin(), v.end(), vector.begin(), 0.0));
  }
  std::vector<size_t> order = fixed_order_;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return similarity[a] > similarity[b]; });
  return order;
}

std::vector<const Example*> ExampleSelector::select(const Query& query) const {
  std::vector<const Example*> chosen;
  if (shots_ == 0) return chosen;
  for (size_t index : order_for(query)) {
    const Example& example = examples_[index];
    if (!query.id.empty() && example.id == query.id) continue;
    chosen.push_back(&example);
    if (static_cast<int64_t>(chosen.size()) == shots_) break;
  }
  std::reverse(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace ondol::prompt
