// Settings of `ondol train` from files and command lines, and back to text.
//
//   TrainFields fields;
//   read_train_config(read_file("train.toml"), "train.toml", fields);
//   set_train_field(fields, "learning_rate", {"1e-4"});
//   run.write_text("config.toml", train_toml(fields));
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/train_fields.h"
#include "train/tokenizer_training.h"
#include "train/word2vec.h"

namespace ondol::app {

struct TrainFieldInfo {
  std::string name;
  std::string help;
  std::string otherwise;  // the default, as it is written
  bool is_list = false;
};
std::vector<TrainFieldInfo> train_field_infos();
std::vector<TrainFieldInfo> word2vec_field_infos();   // of `ondol train word2vec`
std::vector<TrainFieldInfo> tokenizer_field_infos();  // of `ondol train tokenizer`

// Errors are Error(kInvalidArgument) naming source and field, and the nearest known one.
void read_train_config(std::string_view toml, const std::string& source, TrainFields& fields);
// Settings of presets/train/METHOD/NAME.toml. Throws Error(kNotFound) naming those there are.
void read_train_preset(std::string_view method, std::string_view name, TrainFields& fields);
// `values`: one, or several of a list.
void set_train_field(TrainFields& fields, std::string_view name,
                     std::span<const std::string> values);
void set_word2vec_field(train::Word2VecConfig& config, std::string_view name,
                        std::span<const std::string> values);
void set_tokenizer_field(train::TokenizerTraining& settings, std::string_view name,
                         std::span<const std::string> values);
// Every field, defaults included.
std::string train_toml(TrainFields fields);

}  // namespace ondol::app
