#include "prompt/strategy.h"

namespace ondol::prompt {
namespace {

class Single final : public Strategy {
 public:
  Answer answer(Generator& generator, const Task& task) const override {
    Answer answer;
    const bool choices = !task.query.choices.empty() && generator.capabilities().score;
    const Style& style = task.builder.style();
    if (choices && style.answer_marker.empty()) {
      answer_by_choices(generator, task.builder.build_for_choices(task.query, task.evidence),
                        task.query, answer);
      return answer;
    }
    const Prompt prompt = task.builder.build(task.query, task.evidence);
    GenerateRequest request;
    request.prompt = prompt;
    request.tokens_max = task.decode.tokens_max;
    request.stop = task.decode.stop;
    request.sampler = task.decode.sampler;
    request.on_text = task.on_text;
    const GenerateResult result = generator.generate(std::move(request));
    add_usage(answer, result);
    answer.milliseconds_to_first_token = result.milliseconds_to_first_token;
    answer.finish_reason = result.samples[0].finish_reason;
    answer.trace.push_back({"generate", result.samples[0].text, result.milliseconds_total});
    if (choices) {  // what was reasoned, then the choices after the marker
      Prompt reasoned = prompt;
      const std::string& text = result.samples[0].text;
      reasoned.prefill +=
          text.substr(0, text.rfind(style.answer_marker)) + "\n" + std::string(style.answer_marker);
      answer_by_choices(generator, reasoned, task.query, answer);
    } else {
      settle(answer, result.samples[0].text, style.answer_marker);
    }
    return answer;
  }
};

}  // namespace

std::unique_ptr<Strategy> make_single(const StrategyConfig&) { return std::make_unique<Single>(); }

}  // namespace ondol::prompt
