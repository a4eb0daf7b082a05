#include "app/train_word2vec.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/files.h"

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

Json config_json(train::Word2VecConfig config) {
  ToJson to;
  visit_fields(to, config);
  return to.json;
}

std::string metrics_row(const train::Word2VecEpoch& epoch) {
  const double rate = epoch.seconds > 0 ? static_cast<double>(epoch.words) / epoch.seconds : 0;
  const Json row = {{"epoch", epoch.epoch},    {"loss", epoch.loss},   {"alpha", epoch.alpha},
                    {"pairs", epoch.pairs},    {"words", epoch.words}, {"seconds", epoch.seconds},
                    {"words_per_second", rate}};
  return row.dump() + "\n";
}

void write_summary(const train::Word2VecConfig& config,
                   const std::vector<std::filesystem::path>& files,
                   const train::Word2VecResult& result, const std::filesystem::path& path) {
  Json names = Json::array();
  for (const std::filesystem::path& file : files) names.push_back(file.filename().string());
  const Json summary = {{"config", config_json(config)},
                        {"files", names},
                        {"words_read", result.words_read},
                        {"words_distinct", result.words_distinct},
                        {"words_kept", result.words_kept},
                        {"vocabulary", result.vectors.size()},
                        {"lines", result.lines},
                        {"lines_cut", result.lines_cut},
                        {"isa", kernel_isa(best_kernels())},
                        {"loss", result.epochs.back().loss}};
  write_file_atomic(path, summary.dump(2) + "\n");
}

}  // namespace

Word2VecSummary train_word2vec_run(const train::Word2VecConfig& config,
                                   const std::vector<std::filesystem::path>& files,
                                   const std::filesystem::path& output, ThreadPool& pool,
                                   ProgressSink& progress) {
  Word2VecSummary summary;
  std::string metrics;
  const auto on_epoch = [&](const train::Word2VecEpoch& epoch) {
    metrics += metrics_row(epoch);
    write_file_atomic(output / "metrics.jsonl", metrics);
    summary.seconds += epoch.seconds;
  };
  const train::Word2VecResult result =
      train::train_word2vec(config, files, pool, progress, on_epoch);
  if (result.lines_cut > 0) {
    progress.notice(fmt::format(
        "{} of {} lines have more than 10,000 words and were learned in parts: words at "
        "the cuts do not see each other",
        result.lines_cut, result.lines));
  }
  summary.words = result.vectors.size();
  summary.width = result.vectors.width();
  summary.words_read = result.words_read;
  summary.loss = result.epochs.back().loss;
  if (summary.seconds > 0) {
    summary.words_per_second = static_cast<double>(result.words_read) *
                               static_cast<double>(config.epochs) / summary.seconds;
  }
  summary.vectors_bin = output / "vectors.bin";
  summary.vectors_vec = output / "vectors.vec";
  train::write_word_vectors(result.vectors, summary.vectors_bin, train::WordVectorFormat::kBinary);
  train::write_word_vectors(result.vectors, summary.vectors_vec, train::WordVectorFormat::kText);
  write_summary(config, files, result, output / "word2vec.json");
  return summary;
}

}  // namespace ondol::app
