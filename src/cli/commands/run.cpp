// ondol run: text from one prompt.
#include <array>
#include <nlohmann/json.hpp>

#include "app/constraint.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace ondol::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kNewMax = 1 << 24;

struct RunOptions {
  std::string model = kDefaultModel;
  std::string adapter;  // empty: none
  std::optional<std::string> prompt;
  std::optional<std::string> system;
  bool raw = false;
  int64_t tokens = 256;
  SamplerOptions sampler;
  int64_t seed = 0;
  std::vector<std::string> stop;
  int64_t samples = 1;
  app::Constraint constraint;
  int64_t logprobs = -1;  // alternatives a token; negative: not asked for
  bool show_prompt = false;
  EngineOptions engine;
  bool json = false;
};

void check_constraint(const RunOptions& options) {
  if (options.constraint.none()) return;
  if (!options.constraint.json_schema.empty() && !options.constraint.grammar.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "[run] got --json-schema and --grammar; expected one of them");
  }
  if (!options.stop.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        "[run] got --stop with " +
            std::string(options.constraint.grammar.empty() ? "--json-schema" : "--grammar") +
            ", which says itself where the text ends; expected one of them");
  }
}

PromptInput prompt_of(const RunOptions& options) {
  std::string text = text_or_stdin(options.prompt, "PROMPT");
  if (options.raw) return RawText{std::move(text)};
  Prompt prompt;
  if (options.system) prompt.messages.push_back({"system", *options.system, {}});
  prompt.messages.push_back({"user", std::move(text), {}});
  return prompt;
}

GenerateRequest request_of(const RunOptions& options, PromptInput prompt) {
  GenerateRequest request{.prompt = std::move(prompt),
                          .tokens_max = options.tokens,
                          .sampler = options.sampler,
                          .stop = options.stop,
                          .samples = options.samples,
                          .logprobs = options.logprobs >= 0,
                          .logprobs_top = std::max<int64_t>(options.logprobs, 0)};
  request.sampler.seed = static_cast<uint64_t>(options.seed);
  return request;
}

Json logprobs_json(const text::Tokenizer& tokenizer, const GeneratedSample& sample) {
  Json all = Json::array();
  for (const TokenLogprob& token : sample.logprobs) {
    Json row = {{"id", token.id}, {"piece", tokenizer.piece(token.id)}, {"logprob", token.logprob}};
    for (const auto& [id, logprob] : token.top) {
      row["top"].push_back({{"id", id}, {"piece", tokenizer.piece(id)}, {"logprob", logprob}});
    }
    all.push_back(std::move(row));
  }
  return all;
}

Json sample_json(const RunOptions& options, const text::Tokenizer& tokenizer,
                 const GeneratedSample& sample) {
  Json json = {{"text", sample.text}, {"ids", sample.ids}, {"finish_reason", sample.finish_reason}};
  if (options.logprobs >= 0) json["logprobs"] = logprobs_json(tokenizer, sample);
  return json;
}

Json result_json(const RunOptions& options, const text::Tokenizer& tokenizer,
                 const GenerateResult& result) {
  Json json = sample_json(options, tokenizer, result.samples.at(0));
  json["usage"] = {{"prompt_tokens", result.usage.prompt_tokens},
                   {"completion_tokens", result.usage.completion_tokens}};
  json["timing"] = {{"first_token_ms", result.milliseconds_to_first_token},
                    {"total_ms", result.milliseconds_total}};
  if (options.samples > 1) {
    for (const GeneratedSample& sample : result.samples) {
      json["samples"].push_back(sample_json(options, tokenizer, sample));
    }
  }
  return json;
}

void print_logprobs(const text::Tokenizer& tokenizer, const GenerateResult& result,
                    Context& context) {
  std::string lines;
  for (const GeneratedSample& sample : result.samples) {
    for (const TokenLogprob& token : sample.logprobs) {
      lines += std::to_string(token.logprob) + "\t" + std::to_string(token.id) + "\t" +
               tokenizer.piece(token.id) + "\n";
    }
  }
  context.print(lines);
}

// A streamed text is there already.
void print_texts(const GenerateResult& result, bool streamed, Context& context) {
  if (streamed) return context.print("\n");
  for (size_t i = 0; i < result.samples.size(); ++i) {
    context.print((i == 0 ? "" : "---\n") + result.samples[i].text + "\n");
  }
}

// What the model reads, special tokens spelled out.
std::string prompt_text(app::Session& session, const RunOptions& options, const Model& model,
                        const PromptInput& prompt) {
  if (!model.encoder_decoder) return session.local_generator(options.model).prompt_text(prompt);
  return model.tokenizer->decode(session.seq2seq(options.model).encode(prompt), true);
}

int run(const RunOptions& options, Context& context) {
  check_constraint(options);
  const auto grammar = app::constraint_grammar(options.constraint);
  PromptInput prompt = prompt_of(options);
  EngineOptions engine = options.engine;
  begin_profile(engine);
  app::Session session = make_session(engine);
  const std::shared_ptr<const Model> model = session.model(options.model);
  const text::Tokenizer& tokenizer = *model->tokenizer;
  Generator& generator = model->encoder_decoder
                             ? static_cast<Generator&>(session.seq2seq(options.model))
                             : session.generator_for(options.model, options.adapter);
  if (options.show_prompt) {
    context.print(prompt_text(session, options, *model, prompt) + "\n");
    return kExitDone;
  }
  GenerateRequest request = request_of(options, std::move(prompt));
  if (!options.adapter.empty()) request.adapter = session.adapter(options.model, options.adapter);
  if (grammar) request.mask = app::constraint_mask(grammar, model);
  show_notices(session, context);
  const auto adapter = request.adapter;
  const bool stream = !options.json && options.samples == 1;
  request.on_text = [&context, stream](const StreamEvent& event) {
    return (!stream || context.output.write(event.text)) && !interrupted();
  };
  const GenerateResult result = generator.generate(std::move(request));
  write_profile(engine);
  if (options.json) {
    Json json = result_json(options, tokenizer, result);
    if (adapter) json["adapter"] = adapter->hash;
    context.print(json_line(json));
  } else {
    print_texts(result, stream, context);
    print_logprobs(tokenizer, result, context);
  }
  if (grammar) app::check_ended(result);
  return kExitDone;
}

void declare_sampler(Options& options, RunOptions* o) {
  options.number("--temperature", "T", &o->sampler.temperature, {0, 100},
                 "0: always the most likely token; else softmax(z / T)");
  options.integer("--top-k", "K", &o->sampler.top_k, {0, 1 << 24},
                  "draw from the K most likely tokens; 0: all");
  options.number("--top-p", "P", &o->sampler.top_p, {0, 1},
                 "draw from the smallest set of this probability");
  options.number("--min-p", "P", &o->sampler.min_p, {0, 1},
                 "drop tokens below this share of the best one's probability");
  options.integer("--seed", "N", &o->seed, {0, INT64_MAX}, "of drawing");
}

Action declare(Options& options) {
  const auto o = std::make_shared<RunOptions>();
  options.positional("PROMPT", &o->prompt, "what to say; absent or `-`: standard input");
  declare_model(options, &o->model);
  options.text("--adapter", "PATH", &o->adapter,
               "LoRA adapter of the model: a PEFT folder or a GGUF file");
  options.integer("-n,--new", "NEW", &o->tokens, {1, kNewMax}, "tokens to write at most");
  options.text("--system", "TEXT", &o->system, "system text before the prompt");
  options.flag("--raw", &o->raw, "continue the prompt as it is, without the chat template");
  declare_sampler(options, o.get());
  options.list("--stop", "TEXT", &o->stop, "end before this text; may be given several times");
  options.text("--json-schema", "FILE", &o->constraint.json_schema,
               "write JSON that satisfies this schema");
  options.text("--grammar", "FILE", &o->constraint.grammar,
               "write a sentence of this grammar (GBNF)");
  options.integer("--samples", "N", &o->samples, {1, kSamplesMax}, "answers to write");
  options.integer("--logprobs", "K", &o->logprobs, {0, kLogprobsTopMax},
                  "also log-probabilities, with K alternatives a token; -1: none");
  options.flag("--show-prompt", &o->show_prompt, "print what the model would read, and stop");
  declare_engine(options, &o->engine);
  declare_prefix_folder(options, &o->engine);
  options.choice("--speculation", &o->engine.speculation, {"off", "lookup"},
                 "guess from prompt and answer while writing; the tokens are the same");
  declare_kv(options, &o->engine);
  options.integer("--context", "C", &o->engine.context, {0, kNewMax},
                  "tokens of prompt and answer; 0: what the model was trained for");
  declare_profile(options, &o->engine);
  declare_json(options, &o->json);
  return [o](Context& context) { return run(*o, context); };
}

constexpr std::array<std::string_view, 4> kLines = {
    "ondol run \"Why is the sky blue?\"",
    "ondol run --temperature 0.8 --seed 7 --samples 3 \"Name a cafe.\"",
    "ondol run --raw -n 20 --json \"The capital of France is\"",
    "ondol run --system \"Answer in one word.\" --show-prompt \"Is ice cold?\""};

}  // namespace

constinit const Command kRun = {.name = "run",
                                .summary = {"write text from one prompt", "글 하나를 이어 씁니다"},
                                .examples = kLines,
                                .declare = declare};

}  // namespace ondol::cli
