// Zero-shot chain of thought in two stages (Kojima et al. 2022, "Large language models are
// zero-shot reasoners"): the model reasons, then continues "Therefore, the answer is".
#include "base/error.h"
#include "prompt/strategy.h"

namespace ondol::prompt {
namespace {

class TwoStage final : public Strategy {
 public:
  explicit TwoStage(int64_t reasoning_tokens_max) : reasoning_tokens_max_(reasoning_tokens_max) {}

  Answer answer(Generator& generator, const Task& task) const override {
    const Style& style = task.builder.style();
    if (style.conclusion.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[strategy] two-stage needs a prompt style that reasons; got '" +
                      std::string(style.name) + "'; try style = \"cot\"");
    }
    Answer answer;
    Prompt prompt = task.builder.build(task.query, task.evidence);
    const GenerateResult reasoning = ask(generator, prompt, reasoning_tokens_max_, task, {});
    add_usage(answer, reasoning);
    answer.milliseconds_to_first_token = reasoning.milliseconds_to_first_token;
    answer.trace.push_back({"reason", reasoning.samples[0].text, reasoning.milliseconds_total});

    prompt.prefill += reasoning.samples[0].text + std::string(style.conclusion);
    if (!task.query.choices.empty() && generator.capabilities().score) {
      answer_by_choices(generator, prompt, task.query, answer);
      return answer;
    }
    const GenerateResult conclusion =
        ask(generator, prompt, task.decode.tokens_max, task, task.decode.stop);
    add_usage(answer, conclusion);
    answer.finish_reason = conclusion.samples[0].finish_reason;
    answer.trace.push_back({"conclude", conclusion.samples[0].text, conclusion.milliseconds_total});
    settle(answer, conclusion.samples[0].text, "");
    return answer;
  }

 private:
  static GenerateResult ask(Generator& generator, const Prompt& prompt, int64_t tokens_max,
                            const Task& task, const std::vector<std::string>& stop) {
    GenerateRequest request;
    request.prompt = prompt;
    request.tokens_max = tokens_max;
    request.stop = stop;
    request.sampler = task.decode.sampler;
    request.on_text = task.on_text;
    return generator.generate(std::move(request));
  }
  int64_t reasoning_tokens_max_;
};

}  // namespace

std::unique_ptr<Strategy> make_two_stage(const StrategyConfig& config) {
  if (config.reasoning_tokens_max < 1) {
    throw Error(ErrorCode::kInvalidArgument, "[strategy] reasoning_tokens_max is " +
                                                 std::to_string(config.reasoning_tokens_max) +
                                                 "; expected 1 or more");
  }
  return std::make_unique<TwoStage>(config.reasoning_tokens_max);
}

}  // namespace ondol::prompt
