#include "app/train_task.h"

#include <array>

#include "base/error.h"
#include "base/nearest.h"

namespace ondol::app {
namespace {

constexpr const char* kEncoder = "all-minilm-l6-v2";

void nothing(TrainFields&) {}

void settle_pretrain(TrainFields& f) {
  f.use_peft = f.completion_only_loss = f.assistant_only_loss = false;
}

void encoder_defaults(TrainFields& f) {
  f.use_peft = false;
  f.weight_form = "f32";
  f.weight_decay = 0.01;
}
void mlm_defaults(TrainFields& f) {
  encoder_defaults(f);
  f.model.clear();  // a new one
  f.max_length = 128;
  f.per_device_train_batch_size = 8;
  f.learning_rate = 5e-4;
}
void sentence_defaults(TrainFields& f) {
  encoder_defaults(f);
  f.model = kEncoder;
  f.max_length = 128;
  f.packing = false;
  f.per_device_train_batch_size = 32;
  f.learning_rate = 2e-5;
  f.warmup_steps = 0.1;
  f.validation_split = 0.1;
}

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

void settle_encoder(TrainFields& f) {
  if (f.use_peft) invalid("use_peft; adapters of encoders are not used anywhere, expected false");
}
void settle_sentence(TrainFields& f) {
  settle_encoder(f);
  if (f.packing) invalid("packing; a text is one vector here, expected false");
}

std::unique_ptr<TrainTarget> named_or_new(const TrainFields& fields, Session& session,
                                          ThreadPool& pool) {
  return fields.model.empty() ? make_untrained_target(fields, session, pool)
                              : make_train_target(fields, session, pool);
}

void seq2seq_defaults(TrainFields& f) { f.model.clear(); }  // a new one
void settle_seq2seq(TrainFields& f) {
  if (f.model.empty()) f.use_peft = false;
}

std::unique_ptr<TrainTarget> named_or_new_pair(const TrainFields& fields, Session& session,
                                               ThreadPool& pool) {
  return fields.model.empty() ? make_untrained_pair_target(fields, session, pool)
                              : make_train_target(fields, session, pool);
}

constexpr std::array<TrainMethod, 6> kMethods = {{
    {"sft", "learn answers", nothing, nothing, make_train_target, make_text_task, "ondol run -m"},
    {"pretrain", "a new model learns texts", nothing, settle_pretrain, make_untrained_target,
     make_block_task, "ondol run -m"},
    {"seq2seq", "an encoder-decoder learns targets of sources", seq2seq_defaults, settle_seq2seq,
     named_or_new_pair, make_seq2seq_task, "ondol run -m"},
    {"mlm", "an encoder learns hidden words", mlm_defaults, settle_encoder, named_or_new,
     make_masked_task, "ondol train classify --dataset FILE --output-dir FOLDER --model"},
    {"embed", "an encoder learns which texts are near", sentence_defaults, settle_sentence,
     make_train_target, make_pair_task, "ondol embed -m"},
    {"classify", "an encoder learns labels", sentence_defaults, settle_sentence, make_train_target,
     make_label_task, "ondol predict --dataset FILE -m"},
}};

}  // namespace

std::span<const TrainMethod> train_methods() { return kMethods; }

const TrainMethod& train_method(std::string_view name) {
  std::string names;
  for (const TrainMethod& method : kMethods) {
    if (method.name == name) return method;
    names += (names.empty() ? "" : ", ") + std::string(method.name);
  }
  invalid("unknown method '" + std::string(name) + "'; expected " + names +
          ", tokenizer or word2vec");
}

}  // namespace ondol::app
