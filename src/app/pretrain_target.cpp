// Models that `ondol train pretrain` begins with: a configuration, a tokenizer, random weights.

#include <map>
#include <utility>

#include "app/catalogue.h"
#include "app/train_target.h"
#include "base/error.h"
#include "base/files.h"
#include "models/model_texts.h"
#include "models/untrained.h"
#include "text/byte_tokenizer.h"
#include "text/tokenizer_json_write.h"

namespace ondol::app {
namespace {

namespace fs = std::filesystem;
using Texts = std::map<std::string, std::string>;

Texts texts_of(const text::TokenizerConfig& config, int64_t tokens_max) {
  return {{"tokenizer.json", text::tokenizer_json(config)},
          {"tokenizer_config.json", text::tokenizer_config_json(config, tokens_max, "")}};
}

// "bytes", a tokenizer.json, a folder with one, or a model with its own.
Texts tokenizer_texts(const TrainFields& fields, const Session& session) {
  if (fields.tokenizer == "bytes") {
    return texts_of(text::byte_tokenizer_config(), fields.max_length);
  }
  fs::path path = fields.tokenizer;
  if (fs::is_regular_file(path) && path.extension() == ".json") path = path.parent_path();
  if (path.empty()) path = ".";
  if (fs::is_directory(path) && fs::exists(path / "tokenizer.json")) {
    Texts texts = {{"tokenizer.json", read_file(path / "tokenizer.json")}};
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"}) {
      if (fs::exists(path / name)) texts[name] = read_file(path / name);
    }
    return texts;
  }
  ThreadPool pool(1);
  const Model model =
      load_model(find_model(session.home(), fields.tokenizer), pool, session.home().hashes());
  return texts_of(model.tokenizer->config(), fields.max_length);
}

std::string pair_config_of(const TrainFields& fields, const text::TokenizerConfig& tokens) {
  if (!fields.model_config.empty()) return read_file(fields.model_config);
  const std::optional<text::TokenId> end = tokens.eos ? tokens.eos : tokens.sep;
  if (!end) {
    throw Error(ErrorCode::kInvalidArgument,
                "[train] the tokenizer has no end token, which ends sources and targets");
  }
  return t5_config({.hidden_size = fields.hidden_size,
                    .intermediate_size = fields.intermediate_size,
                    .num_hidden_layers = fields.num_hidden_layers,
                    .num_attention_heads = fields.num_attention_heads,
                    .tie_word_embeddings = fields.tie_word_embeddings,
                    .end_token = *end,
                    .start_token = tokens.pad.value_or(*end)});
}

// A decoder, or an encoder where the tokenizer is a WordPiece one.
std::string config_of(const TrainFields& fields, const text::TokenizerConfig& tokenizer) {
  if (!fields.model_config.empty()) return read_file(fields.model_config);
  if (tokenizer.model == text::TokenizerModel::kWordPiece) {
    return bert_config({.hidden_size = fields.hidden_size,
                        .intermediate_size = fields.intermediate_size,
                        .num_hidden_layers = fields.num_hidden_layers,
                        .num_attention_heads = fields.num_attention_heads,
                        .max_position_embeddings = fields.max_length});
  }
  return llama_config({.hidden_size = fields.hidden_size,
                       .intermediate_size = fields.intermediate_size,
                       .num_hidden_layers = fields.num_hidden_layers,
                       .num_attention_heads = fields.num_attention_heads,
                       .num_key_value_heads = fields.num_key_value_heads,
                       .max_position_embeddings = fields.max_length,
                       .rope_theta = fields.rope_theta,
                       .tie_word_embeddings = fields.tie_word_embeddings});
}

std::unique_ptr<TrainTarget> untrained(const TrainFields& fields, Session& session,
                                       ThreadPool& pool, bool pairs) {
  const Texts tokenizer = tokenizer_texts(fields, session);
  const auto settings = tokenizer.find("tokenizer_config.json");
  const text::TokenizerConfig pieces = text::parse_tokenizer_json(
      tokenizer.at("tokenizer.json"), settings == tokenizer.end() ? "" : settings->second);
  // The folder is read as every model is, and is not needed afterwards.
  const ScratchFolder folder(fields.output_dir, "untrained",
                             "[train] cannot make a folder in '" + fields.output_dir + "'");
  for (const auto& [name, text] : tokenizer) write_file_atomic(folder.path() / name, text);
  const std::string config = pairs ? pair_config_of(fields, pieces) : config_of(fields, pieces);
  write_untrained(folder.path(), config, static_cast<int64_t>(pieces.pieces.size()),
                  static_cast<uint64_t>(fields.seed));
  Model model = load_model(folder.path(), pool, {}, {.all_f32 = true});
  Texts texts = model_texts(model);
  return make_whole_target(std::move(model), std::move(texts), fields, pool);
}

}  // namespace

std::unique_ptr<TrainTarget> make_untrained_target(const TrainFields& fields, Session& session,
                                                   ThreadPool& pool) {
  return untrained(fields, session, pool, false);
}

std::unique_ptr<TrainTarget> make_untrained_pair_target(const TrainFields& fields, Session& session,
                                                        ThreadPool& pool) {
  return untrained(fields, session, pool, true);
}

}  // namespace ondol::app
