// The models of one run of the program: loaded when first needed, each once.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "app/home.h"
#include "infer/local_embedder.h"
#include "infer/local_generator.h"

namespace ondol::app {

struct SessionOptions {
  int threads = 0;  // 0: all cores this process may use
  Precision precision = Precision::kFast;
  std::optional<KvType> kv_type;  // nullopt: by the precision
  int64_t context_tokens_max = 0;
  Speculation speculation = Speculation::kLookup;
  WeightForm encoder_weights = WeightForm::kFile;
  std::filesystem::path prefix_folder;  // keys and values kept between runs; empty: none
  Profile* profile = nullptr;           // of loading, and of all engines; null: none
};

class Session {
 public:
  Session(Home home, SessionOptions options) : home_(std::move(home)), options_(options) {}
  // A catalogue name or path, as find_model takes. References stay good as long as the session.
  LocalGenerator& generator(const std::string& model);
  LocalEmbedder& embedder(const std::string& model);
  std::shared_ptr<const Model> model(const std::string& name_or_path);
  const Home& home() const { return home_; }
  const SessionOptions& options() const { return options_; }

 private:
  Home home_;
  SessionOptions options_;
  std::map<std::string, std::shared_ptr<const Model>> models_;
  std::map<std::string, std::unique_ptr<LocalGenerator>> generators_;
  std::map<std::string, std::unique_ptr<LocalEmbedder>> embedders_;
};

}  // namespace ondol::app
