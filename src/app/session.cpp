#include "app/session.h"

#include "app/catalogue.h"
#include "base/error.h"
#include "io/model_folder.h"
#include "models/adapter_saved.h"

namespace ondol::app {
namespace {

ProfileWork load_work(const std::shared_ptr<const Model>& model) {
  return {.bytes = model ? static_cast<int64_t>(model->info.weights_bytes) : 0};
}

}  // namespace

std::shared_ptr<const Model> Session::model(const std::string& name_or_path) {
  auto& slot = models_[name_or_path];
  if (!slot) {
    ThreadPool pool(options_.threads);
    const ProfileScope scope(options_.profile, "load", [&] { return load_work(slot); });
    slot = std::make_shared<const Model>(load_model(find_model(home_, name_or_path), pool,
                                                    home_.hashes(),
                                                    {.encoder_weights = options_.encoder_weights}));
  }
  return slot;
}

std::unique_ptr<LocalGenerator> Session::generator_of(std::shared_ptr<const Model> model) const {
  return std::make_unique<LocalGenerator>(
      std::move(model), std::make_unique<ThreadPool>(options_.threads),
      LocalGeneratorOptions{.precision = options_.precision,
                            .kv_type = options_.kv_type,
                            .context_tokens_max = options_.context_tokens_max,
                            .prefix_folder = options_.prefix_folder,
                            .speculation = options_.speculation,
                            .profile = options_.profile});
}

namespace {

bool is_endpoint(const std::string& model) { return model.starts_with(kEndpointPrefix); }

}  // namespace

void Session::add_endpoints(const std::map<std::string, EndpointConfig>& endpoints) {
  for (const auto& [name, config] : endpoints) endpoints_[name] = config;
}

const EndpointConfig& Session::endpoint(const std::string& model) const {
  const auto found = endpoints_.find(model.substr(kEndpointPrefix.size()));
  if (found != endpoints_.end()) return found->second;
  throw Error(ErrorCode::kNotFound, "[endpoint] no '" + model +
                                        "'; expected a table [endpoint.NAME] in the workspace's "
                                        "ondol.toml; try adding one");
}

LocalGenerator& Session::local_generator(const std::string& name) {
  if (is_endpoint(name)) {
    throw Error(ErrorCode::kUnsupported,
                "[model] this needs the weights; got '" + name +
                    "', expected a model on this machine; try a catalogue name or a path");
  }
  auto& slot = generators_[name];
  if (!slot) slot = generator_of(model(name));
  return *slot;
}

LocalGenerator& Session::generator_for(const std::string& name, const std::filesystem::path& path) {
  if (path.empty()) return local_generator(name);
  const auto loaded = adapter(name, path);
  if (loaded->saved.empty()) return local_generator(name);
  auto& slot = saved_[{name, path}];
  if (!slot) {
    ThreadPool pool(options_.threads);
    Model own = load_model(find_model(home_, name), pool, home_.hashes());
    const bool exact = options_.precision == Precision::kExact;
    put_saved(own, *loaded, exact ? WeightForm::kF32 : WeightForm::kInt8, pool);
    slot = generator_of(std::make_shared<const Model>(std::move(own)));
  }
  return *slot;
}

std::shared_ptr<const LoadedAdapter> Session::adapter(const std::string& name,
                                                      const std::filesystem::path& path) {
  auto& slot = adapters_[{name, path}];
  if (!slot) {
    slot = std::make_shared<const LoadedAdapter>(load_adapter(path, *model(name)));
    notices_.insert(notices_.end(), slot->warnings.begin(), slot->warnings.end());
  }
  return slot;
}

Generator& Session::generator(const std::string& name, const std::filesystem::path& path) {
  if (is_endpoint(name)) {
    if (!path.empty()) {
      throw Error(ErrorCode::kUnsupported, "[endpoint] '" + name + "' takes no adapter; got '" +
                                               path.string() +
                                               "', expected none; try a local model");
    }
    RemoteModel& remote = remotes_[name];
    if (!remote.generator) {
      const EndpointConfig& config = endpoint(name);
      remote.generator = std::make_unique<net::RemoteGenerator>(
          to_endpoint(name.substr(kEndpointPrefix.size()), config));
      remote.limited = std::make_unique<CachedGenerator>(
          *remote.generator, nullptr,
          GenerationLimits{.calls_max = config.max_calls, .tokens_max = config.max_tokens});
    }
    return *remote.limited;
  }
  LocalGenerator& base = generator_for(name, path);
  if (path.empty()) return base;
  auto& slot = adapted_[{name, path}];
  if (!slot) slot = std::make_unique<AdaptedGenerator>(base, adapter(name, path));
  return *slot;
}

Embedder& Session::embedder(const std::string& name) {
  if (!is_endpoint(name)) return local_embedder(name);
  auto& slot = remote_embedders_[name];
  if (!slot) {
    const EndpointConfig& config = endpoint(name);
    slot = std::make_unique<net::RemoteEmbedder>(
        to_endpoint(name.substr(kEndpointPrefix.size()), config), config.languages);
  }
  return *slot;
}

LocalEmbedder& Session::local_embedder(const std::string& name) {
  auto& slot = embedders_[name];
  if (!slot) {
    const std::filesystem::path& path = model(name)->path;
    if (std::filesystem::is_directory(path) &&
        io::ModelFolder::open(path).find_tensor("classifier.weight") != nullptr) {
      notices_.push_back("[embed] '" + path.string() +
                         "' has a classifier, which vectors leave out; as a reranker it is used "
                         "whole");
    }
    slot = std::make_unique<LocalEmbedder>(
        model(name), std::make_unique<ThreadPool>(options_.threads),
        LocalEmbedderOptions{.precision = options_.precision, .profile = options_.profile});
  }
  return *slot;
}

LocalReranker& Session::reranker(const std::string& name) {
  auto& slot = rerankers_[name];
  if (!slot) {
    slot = std::make_unique<LocalReranker>(
        model(name), std::make_unique<ThreadPool>(options_.threads),
        LocalRerankerOptions{.precision = options_.precision, .profile = options_.profile});
  }
  return *slot;
}

Seq2SeqGenerator& Session::seq2seq(const std::string& name) {
  auto& slot = seq2seqs_[name];
  if (!slot) {
    slot = std::make_unique<Seq2SeqGenerator>(
        model(name), std::make_unique<ThreadPool>(options_.threads),
        Seq2SeqOptions{.precision = options_.precision, .profile = options_.profile});
  }
  return *slot;
}

}  // namespace ondol::app
