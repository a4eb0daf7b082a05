#include "app/session.h"

#include "app/catalogue.h"

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

LocalGenerator& Session::generator(const std::string& name) {
  auto& slot = generators_[name];
  if (!slot) {
    slot = std::make_unique<LocalGenerator>(
        model(name), std::make_unique<ThreadPool>(options_.threads),
        LocalGeneratorOptions{.precision = options_.precision,
                              .kv_type = options_.kv_type,
                              .context_tokens_max = options_.context_tokens_max,
                              .prefix_folder = options_.prefix_folder,
                              .speculation = options_.speculation,
                              .profile = options_.profile});
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
  LocalGenerator& base = generator(name);
  if (path.empty()) return base;
  auto& slot = adapted_[{name, path}];
  if (!slot) slot = std::make_unique<AdaptedGenerator>(base, adapter(name, path));
  return *slot;
}

LocalEmbedder& Session::embedder(const std::string& name) {
  auto& slot = embedders_[name];
  if (!slot) {
    slot = std::make_unique<LocalEmbedder>(
        model(name), std::make_unique<ThreadPool>(options_.threads),
        LocalEmbedderOptions{.precision = options_.precision, .profile = options_.profile});
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
