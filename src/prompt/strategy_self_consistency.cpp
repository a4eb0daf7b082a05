// Self-consistency (Wang et al. 2022): several sampled answers to one prompt, which is computed
// once; the most frequent answer wins, ties go to the one drawn first.
#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"
#include "prompt/answer_text.h"
#include "prompt/strategy.h"

namespace ondol::prompt {
namespace {

// Votes as they come in, in whatever order samples end.
class Ballot {
 public:
  Ballot(int64_t samples, std::string_view marker) : samples_(samples), marker_(marker) {}

  // False once no other answer can overtake the leader, whatever the open samples say.
  bool add(const GeneratedSample& sample) {
    ++votes_[vote_key(extract_answer(sample.text, marker_))];
    ++counted_;
    int64_t first = 0, second = 0;
    for (const auto& [key, count] : votes_) {
      if (count > first) {
        second = std::exchange(first, count);
      } else {
        second = std::max(second, count);
      }
    }
    return first <= second + (samples_ - counted_);
  }

 private:
  int64_t samples_;
  std::string_view marker_;
  int64_t counted_ = 0;
  std::map<std::string, int64_t> votes_;
};

class SelfConsistency final : public Strategy {
 public:
  explicit SelfConsistency(const StrategyConfig& config) : config_(config) {}

  Answer answer(Generator& generator, const Task& task) const override {
    const std::string_view marker = task.builder.style().answer_marker;
    GenerateRequest request;
    request.prompt = task.builder.build(task.query, task.evidence);
    request.tokens_max = task.decode.tokens_max;
    request.stop = task.decode.stop;
    request.sampler = task.decode.sampler;
    request.sampler.temperature = config_.temperature;
    request.samples = config_.samples;
    Ballot ballot(config_.samples, marker);
    if (config_.adaptive) {
      request.on_sample = [&](int64_t, const GeneratedSample& sample) {
        return ballot.add(sample);
      };
    }
    const GenerateResult result = generator.generate(std::move(request));
    Answer answer;
    add_usage(answer, result);
    answer.milliseconds_to_first_token = result.milliseconds_to_first_token;
    count_votes(result, marker, answer);
    return answer;
  }

 private:
  static void count_votes(const GenerateResult& result, std::string_view marker, Answer& answer) {
    std::map<std::string, int64_t> votes;
    for (const GeneratedSample& sample : result.samples) {
      if (sample.finish_reason == "cancelled") continue;
      ++votes[vote_key(extract_answer(sample.text, marker))];
    }
    int64_t most = 0;
    for (const GeneratedSample& sample : result.samples) {
      if (sample.finish_reason == "cancelled") continue;
      answer.trace.push_back({"sample", sample.text, 0});
      const int64_t count = votes[vote_key(extract_answer(sample.text, marker))];
      if (count <= most) continue;
      most = count;
      settle(answer, sample.text, marker);
      answer.finish_reason = sample.finish_reason;
    }
    answer.trace.push_back(
        {"vote",
         std::to_string(most) + " votes; " + std::to_string(votes.size()) + " different answers",
         result.milliseconds_total});
  }
  StrategyConfig config_;
};

}  // namespace

std::unique_ptr<Strategy> make_self_consistency(const StrategyConfig& config) {
  if (config.samples < 2 || config.samples > kSamplesMax) {
    throw Error(ErrorCode::kInvalidArgument, "[strategy] samples is " +
                                                 std::to_string(config.samples) +
                                                 "; expected 2 to " + std::to_string(kSamplesMax));
  }
  if (!(config.temperature > 0)) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "[strategy] self-consistency needs a temperature above 0; equal samples cannot vote");
  }
  return std::make_unique<SelfConsistency>(config);
}

}  // namespace ondol::prompt
