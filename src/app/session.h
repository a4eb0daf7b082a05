// The models of one run of the program: loaded when first needed, each once.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/endpoint.h"
#include "app/home.h"
#include "infer/adapted_generator.h"
#include "infer/cached_generator.h"
#include "infer/local_embedder.h"
#include "infer/local_generator.h"
#include "infer/local_reranker.h"
#include "infer/seq2seq_generator.h"
#include "net/remote_embedder.h"
#include "net/remote_generator.h"

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
  // The endpoints of a workspace: "endpoint:NAME" is a model from now on.
  void add_endpoints(const std::map<std::string, EndpointConfig>& endpoints);

  // A catalogue name or path, as find_model takes. References stay good as long as the session.
  LocalGenerator& local_generator(const std::string& model);
  // Of requests that name this adapter themselves: the model's own generator, or, for an adapter
  // with whole weights, that of a model of its own. Empty: none.
  LocalGenerator& generator_for(const std::string& model, const std::filesystem::path& adapter);
  // The same with the adapter (a PEFT folder or a GGUF file) on every request; empty: none. Also an
  // endpoint, with the limits of its table over all that the session asks of it. Throws as
  // load_adapter and to_endpoint do.
  Generator& generator(const std::string& model, const std::filesystem::path& adapter = {});
  std::shared_ptr<const LoadedAdapter> adapter(const std::string& model,
                                               const std::filesystem::path& path);
  // What is to be told about what was loaded since the last call: parts of a file not used.
  std::vector<std::string> take_notices() { return std::exchange(notices_, {}); }
  Embedder& embedder(const std::string& model);  // also an endpoint
  LocalEmbedder& local_embedder(const std::string& model);
  LocalReranker& reranker(const std::string& model);    // of a cross-encoder
  Seq2SeqGenerator& seq2seq(const std::string& model);  // of an encoder-decoder
  std::shared_ptr<const Model> model(const std::string& name_or_path);
  const Home& home() const { return home_; }
  const SessionOptions& options() const { return options_; }

 private:
  std::unique_ptr<LocalGenerator> generator_of(std::shared_ptr<const Model> model) const;

  const EndpointConfig& endpoint(const std::string& name) const;

  struct RemoteModel {
    std::unique_ptr<net::RemoteGenerator> generator;
    std::unique_ptr<CachedGenerator> limited;
  };
  Home home_;
  SessionOptions options_;
  std::map<std::string, EndpointConfig> endpoints_;
  std::map<std::string, RemoteModel> remotes_;
  std::map<std::string, std::unique_ptr<net::RemoteEmbedder>> remote_embedders_;
  std::map<std::string, std::shared_ptr<const Model>> models_;
  std::map<std::string, std::unique_ptr<LocalGenerator>> generators_;
  using AdapterKey = std::pair<std::string, std::filesystem::path>;  // model, adapter
  std::map<AdapterKey, std::shared_ptr<const LoadedAdapter>> adapters_;
  std::map<AdapterKey, std::unique_ptr<LocalGenerator>> saved_;  // of adapters with whole weights
  std::map<AdapterKey, std::unique_ptr<AdaptedGenerator>> adapted_;
  std::map<std::string, std::unique_ptr<LocalEmbedder>> embedders_;
  std::map<std::string, std::unique_ptr<LocalReranker>> rerankers_;
  std::map<std::string, std::unique_ptr<Seq2SeqGenerator>> seq2seqs_;
  std::vector<std::string> notices_;
};

}  // namespace ondol::app
