#include "app/merge.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "app/catalogue.h"
#include "base/error.h"

namespace ondol::app {
namespace {

constexpr const char* kText =
    "The harbour wakes before the town does. At five the first boats come in, and the men who "
    "unload them talk "
    "about the weather, the price of diesel and the football of the day before. By seven the "
    "market is full. "
    "A woman sells mackerel from a blue crate and explains to a tourist how to fry it: salt it "
    "early, dry the "
    "skin, keep the pan hot and do not touch the fish for four minutes.\n\n"
    "Question: A crate holds 24 fish and the woman has 3 crates. She sells 50 fish. How many are "
    "left?\n"
    "Answer: Three crates hold 3 * 24 = 72 fish. 72 - 50 = 22, so 22 fish are left.\n\n"
    "def area(width, height):\n    \"\"\"The area of a rectangle.\"\"\"\n    return width * "
    "height\n\n"
    "In physics, the second law of thermodynamics says that heat does not flow by itself from a "
    "colder body to "
    "a hotter one. Engines, refrigerators and living cells all obey it, and so does the floor of a "
    "Korean "
    "house, which is warmed from below by the smoke of the kitchen fire.\n";

// log softmax of one row, in place.
void to_log_probabilities(std::span<float> row) {
  const float largest = *std::ranges::max_element(row);
  double sum = 0;
  for (const float value : row) sum += std::exp(static_cast<double>(value) - largest);
  const auto shift = static_cast<float>(largest + std::log(sum));
  for (float& value : row) value -= shift;
}

double divergence(std::span<const float> p, std::span<const float> q) {
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    sum += std::exp(static_cast<double>(p[i])) * (static_cast<double>(p[i]) - q[i]);
  }
  return std::max(sum, 0.0);  // rounding may put it below
}

size_t top(std::span<const float> row) {
  return static_cast<size_t>(std::ranges::max_element(row) - row.begin());
}

MergeCost measure(LocalGenerator& base, const LoadedAdapter& adapter, LocalGenerator& merged,
                  const std::string& text, ProgressSink& progress) {
  const std::vector<TokenId> ids = base.model().tokenizer->encode(text, {});
  MergeCost cost;
  double nll_unmerged = 0, nll_merged = 0, kl = 0;
  int64_t same = 0;
  for (size_t begin = 0; begin + 1 < ids.size(); begin += kMergeWindow) {
    progress.update("measure", begin, ids.size());
    const auto window = std::span(ids).subspan(begin, std::min(kMergeWindow, ids.size() - begin));
    if (window.size() < 2) break;
    std::vector<std::vector<float>> rows;
    const auto keep = [&](std::span<const float> row) {
      rows.emplace_back(row.begin(), row.end());
      to_log_probabilities(rows.back());
    };
    for (const double value : base.token_log_likelihoods(window, keep, &adapter)) {
      nll_unmerged -= value;
    }
    size_t index = 0;
    std::vector<float> other;
    const auto compare = [&](std::span<const float> row) {
      other.assign(row.begin(), row.end());
      to_log_probabilities(other);
      const double d = divergence(rows.at(index), other);
      kl += d;
      cost.kl_max = std::max(cost.kl_max, d);
      same += top(rows[index]) == top(other);
      ++index;
    };
    for (const double value : merged.token_log_likelihoods(window, compare)) nll_merged -= value;
    cost.tokens += static_cast<int64_t>(index);
  }
  if (cost.tokens == 0) {
    throw Error(ErrorCode::kInvalidArgument, "[merge] the text has " + std::to_string(ids.size()) +
                                                 " tokens; expected at least 2");
  }
  progress.update("measure", ids.size(), ids.size());
  const auto n = static_cast<double>(cost.tokens);
  cost.kl_mean = kl / n;
  cost.same_top = static_cast<double>(same) / n;
  cost.perplexity_unmerged = std::exp(nll_unmerged / n);
  cost.perplexity_merged = std::exp(nll_merged / n);
  return cost;
}

}  // namespace

MergeReport merge(Session& session, const MergeOptions& options, ProgressSink& progress) {
  const auto adapter = session.adapter(options.model, options.adapter);
  MergeReport report;
  report.result =
      merge_adapter(find_model(session.home(), options.model), *session.model(options.model),
                    *adapter, options.output, options.type);
  LocalGenerator& base = session.generator_for(options.model, options.adapter);
  LocalGenerator& merged =
      session.local_generator(std::filesystem::absolute(options.output).string());
  report.cost =
      measure(base, *adapter, merged, options.text.empty() ? kText : options.text, progress);
  return report;
}

std::shared_ptr<const LoadedAdapter> export_adapter(Session& session, const std::string& model,
                                                    const std::filesystem::path& adapter,
                                                    const std::filesystem::path& output) {
  const auto loaded = session.adapter(model, adapter);
  if (output.extension() == ".gguf") {
    if (!loaded->saved.empty()) {
      throw Error(ErrorCode::kUnsupported,
                  "[export] '" + adapter.string() +
                      "' holds whole weights (modules_to_save), for "
                      "which GGUF adapters have no place; try `ondol merge`");
    }
    write_gguf_adapter(output, *session.model(model), loaded->adapter);
  } else {
    write_peft_adapter(output, *session.model(model), loaded->adapter,
                       {.use_rslora = loaded->use_rslora,
                        .base_model = loaded->base_model.empty() ? model : loaded->base_model,
                        .saved = loaded->saved});
  }
  return loaded;
}

}  // namespace ondol::app
