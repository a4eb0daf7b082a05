// The one list of every setting of `ondol train` (conventions, C21): a visitor gets name, member
// and a sentence. Names and meanings are those of transformers, TRL and PEFT.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ondol::app {

struct TrainFields {
  std::string model = "smollm2-135m-instruct";
  std::vector<std::string> dataset;
  std::string mixture;
  std::string mixture_folder;
  std::vector<std::string> validation_dataset;
  double validation_split = 0.05;
  std::string dataset_format;
  std::string output_dir;

  bool completion_only_loss = true;
  bool assistant_only_loss = true;
  int64_t max_length = 1024;
  bool packing = true;
  bool drop_empty = false;

  double learning_rate = 2e-4;
  double num_train_epochs = 1;
  int64_t max_steps = -1;
  int64_t per_device_train_batch_size = 1;
  int64_t gradient_accumulation_steps = 1;
  std::string gradient_checkpointing = "auto";
  std::string lr_scheduler_type = "cosine";
  double warmup_steps = 0.03;
  std::string optim = "adamw_torch";
  double weight_decay = 0;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double adam_epsilon = 1e-8;
  double max_grad_norm = 1;
  double label_smoothing_factor = 0;
  int64_t seed = 42;

  bool use_peft = true;
  std::vector<std::string> freeze;
  std::string weight_form = "int8";
  int64_t lora_r = 16;
  double lora_alpha = 32;
  bool use_rslora = false;
  std::vector<std::string> target_modules = {"all-linear"};
  std::string init_lora_weights = "kaiming";
  double loraplus_lr_ratio = 1;
  bool use_dora = false;
  double lora_dropout = 0;
  std::vector<std::string> rank_pattern;
  std::vector<std::string> alpha_pattern;
  std::vector<std::string> modules_to_save;
  double neftune_noise_alpha = 0;

  double mlm_probability = 0.15;
  std::string model_config;
  std::string tokenizer = "bytes";
  int64_t hidden_size = 256;
  int64_t intermediate_size = 0;
  int64_t num_hidden_layers = 6;
  int64_t num_attention_heads = 4;
  int64_t num_key_value_heads = 0;
  double rope_theta = 10000;
  bool tie_word_embeddings = true;

  int64_t logging_steps = 5;
  int64_t eval_steps = 0;
  int64_t save_steps = 0;
  int64_t save_total_limit = 2;
  int64_t early_stopping_patience = 0;
};

template <class Visitor>
void visit_fields(Visitor& v, TrainFields& f) {
  v("model", f.model, "catalogue name or path of the model that is adapted");
  v("dataset", f.dataset, "files of rows to learn");
  v("mixture", f.mixture, "in place of a dataset: a TOML file of tasks and their templates");
  v("mixture_folder", f.mixture_folder, "what its files are relative to; empty: its own folder");
  v("validation_dataset", f.validation_dataset, "files of rows to measure with");
  v("validation_split", f.validation_split, "share of the rows kept for it when there are none");
  v("dataset_format", f.dataset_format, "how to read the rows; empty: by their keys");
  v("output_dir", f.output_dir, "folder of the run");
  v("completion_only_loss", f.completion_only_loss, "learn completions, not prompts");
  v("assistant_only_loss", f.assistant_only_loss, "learn turns of the assistant only");
  v("max_length", f.max_length, "tokens of an example, and of a pack");
  v("packing", f.packing, "put examples together, each attending to itself only");
  v("drop_empty", f.drop_empty, "leave out rows with nothing to learn");
  v("learning_rate", f.learning_rate, "at the top of the schedule");
  v("num_train_epochs", f.num_train_epochs, "passes over the rows");
  v("max_steps", f.max_steps, "optimizer steps, in place of epochs; -1: by epochs");
  v("per_device_train_batch_size", f.per_device_train_batch_size, "packs of a micro-batch");
  v("gradient_accumulation_steps", f.gradient_accumulation_steps, "micro-batches of a step");
  v("gradient_checkpointing", f.gradient_checkpointing,
    "computed again, not kept: off, attention, layers; auto: as memory is short");
  v("lr_scheduler_type", f.lr_scheduler_type, "linear, cosine, constant_with_warmup, ...");
  v("warmup_steps", f.warmup_steps, "steps; below 1 a share of all");
  v("optim", f.optim, "adamw_torch, adamw_8bit, lion, sgd, adafactor, muon");
  v("weight_decay", f.weight_decay, "of matrices");
  v("adam_beta1", f.adam_beta1, "decay of the mean gradient");
  v("adam_beta2", f.adam_beta2, "decay of the mean square");
  v("adam_epsilon", f.adam_epsilon, "added to the root of it");
  v("max_grad_norm", f.max_grad_norm, "gradients above are scaled down; 0: never");
  v("label_smoothing_factor", f.label_smoothing_factor, "share of the loss that counts evenly");
  v("seed", f.seed, "of the order of rows and of what the adapter begins with");
  v("use_peft", f.use_peft, "learn an adapter; false: all weights of the model");
  v("freeze", f.freeze, "all weights: patterns of names that stay as they are");
  v("weight_form", f.weight_form, "all weights: int8, bf16 or f32 in products; f32 is kept");
  v("lora_r", f.lora_r, "rank of the adapter");
  v("lora_alpha", f.lora_alpha, "its scale is alpha / r");
  v("use_rslora", f.use_rslora, "scale alpha / sqrt(r) instead");
  v("target_modules", f.target_modules, "linears that get one: all-linear or names");
  v("init_lora_weights", f.init_lora_weights, "kaiming, gaussian, pissa or pissa_niter_N");
  v("loraplus_lr_ratio", f.loraplus_lr_ratio, "learning rate of B over that of A (LoRA+)");
  v("use_dora", f.use_dora, "a magnitude for every output beside the matrices (DoRA)");
  v("lora_dropout", f.lora_dropout, "share of the adapter's inputs that are zero in training");
  v("rank_pattern", f.rank_pattern, "other ranks, by module: q_proj=8");
  v("alpha_pattern", f.alpha_pattern, "other alphas, by module: q_proj=16");
  v("modules_to_save", f.modules_to_save, "learned whole beside it: lm_head, embed_tokens, norm");
  v("neftune_noise_alpha", f.neftune_noise_alpha, "noise on embeddings in training; 0: none");
  v("mlm_probability", f.mlm_probability, "mlm: share of the tokens that are hidden");
  v("model_config", f.model_config, "pretrain: a config.json; empty: the fields below");
  v("tokenizer", f.tokenizer, "pretrain: bytes, a tokenizer.json or its folder, or a model");
  v("hidden_size", f.hidden_size, "pretrain: numbers a token");
  v("intermediate_size", f.intermediate_size, "pretrain: width of the MLP; 0: 8/3 of it");
  v("num_hidden_layers", f.num_hidden_layers, "pretrain: layers");
  v("num_attention_heads", f.num_attention_heads, "pretrain: heads of a layer");
  v("num_key_value_heads", f.num_key_value_heads, "pretrain: shared keys; 0: one a head");
  v("rope_theta", f.rope_theta, "pretrain: base of the rotary positions");
  v("tie_word_embeddings", f.tie_word_embeddings, "pretrain: embedding and head are one matrix");
  v("logging_steps", f.logging_steps, "steps from one line of metrics to the next");
  v("eval_steps", f.eval_steps, "steps between validations; 0: ten in a run");
  v("save_steps", f.save_steps,
    "steps between checkpoints beside the best ones; 0: as validations");
  v("save_total_limit", f.save_total_limit, "checkpoints kept beside the best; 0: all");
  v("early_stopping_patience", f.early_stopping_patience,
    "validations without a gain before it stops; 0: never");
}

}  // namespace ondol::app
