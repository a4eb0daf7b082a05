#include "app/train_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "text/tokenizer_json_write.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

struct ToJson {
  Json json = Json::object();
  template <class T>
  void operator()(const char* name, const T& value, const char*) {
    json[name] = value;
  }
};

double share(uint64_t part, uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<uint64_t>(1, whole));
}

void write_about(train::TokenizerTraining settings, const std::vector<std::filesystem::path>& files,
                 const train::TrainedTokenizer& made, const std::filesystem::path& path) {
  ToJson to;
  visit_fields(to, settings);
  Json names = Json::array();
  for (const std::filesystem::path& file : files) names.push_back(file.filename().string());
  const Json about = {{"config", to.json},
                      {"files", names},
                      {"vocabulary", made.config.pieces.size()},
                      {"words_distinct", made.words_distinct},
                      {"bytes", made.of_texts.bytes},
                      {"characters", made.of_texts.characters},
                      {"words", made.of_texts.words},
                      {"tokens", made.of_texts.tokens},
                      {"unknown", made.of_texts.unknown}};
  write_file_atomic(path, about.dump(2) + "\n");
}

}  // namespace

TrainTokenizerSummary train_tokenizer_run(const train::TokenizerTraining& settings,
                                          const std::vector<std::filesystem::path>& files,
                                          const std::filesystem::path& output, ThreadPool& pool,
                                          ProgressSink& progress) {
  const train::TrainedTokenizer made = train::train_tokenizer(settings, files, pool, progress);
  const size_t vocabulary = made.config.pieces.size();
  if (vocabulary < static_cast<size_t>(settings.vocab_size)) {
    progress.notice(fmt::format(
        "the texts give {} tokens of the {} asked for: nothing more repeats often enough",
        vocabulary, settings.vocab_size));
  }
  write_file_atomic(output / "tokenizer.json", text::tokenizer_json(made.config));
  write_file_atomic(output / "tokenizer_config.json",
                    text::tokenizer_config_json(made.config, 0, ""));
  write_file_atomic(output / "special_tokens_map.json", text::special_tokens_map_json(made.config));
  write_about(settings, files, made, output / "tokenizer_training.json");
  return {.vocabulary = vocabulary,
          .tokens_per_word = share(made.of_texts.tokens, made.of_texts.words),
          .tokens_per_byte = share(made.of_texts.tokens, made.of_texts.bytes),
          .unknown_share = share(made.of_texts.unknown, made.of_texts.tokens),
          .bytes = made.of_texts.bytes,
          .seconds = made.seconds,
          .folder = output};
}

}  // namespace ondol::app
