// What a run of `ondol train` changes and keeps: an adapter beside a model that stays as it is, or
// all weights of the model. The loop (train.cpp) is the same for both.
#pragma once

#include <filesystem>
#include <memory>

#include "app/session.h"
#include "app/train_fields.h"
#include "train/checkpoint.h"
#include "train/memory_plan.h"
#include "train/sft.h"

namespace ondol::app {

class TrainTarget {
 public:
  virtual ~TrainTarget() = default;
  virtual const Model& model() const = 0;
  virtual bool is_whole_model() const = 0;  // its checkpoints are models, not adapters
  virtual std::span<train::Parameter> parameters() = 0;
  virtual const Adapter* adapter() const = 0;   // null: the weights themselves change
  virtual double dropout() const { return 0; }  // of the adapter's inputs
  // The parameters have other values: what is derived from them is made anew.
  virtual void changed(const KernelContext& /*kernel*/) {}
  virtual train::MemoryPlan plan(train::MemoryOptions options) const = 0;
  // Weights and the files that make a folder of them, for a checkpoint.
  virtual void save(train::Checkpoint& checkpoint) const = 0;
  // Back to the weights of a checkpoint. Throws Error when they are of another run's settings.
  virtual void restore(const std::filesystem::path& folder,
                       const train::Checkpoint& checkpoint) = 0;
};

// By use_peft. Throws Error(kInvalidArgument) for settings without a meaning.
std::unique_ptr<TrainTarget> make_train_target(const TrainFields& fields, Session& session,
                                               ThreadPool& pool);
// All weights of a model that has learned nothing yet: its configuration (model_config, or the
// sizes of the fields for a decoder, or an encoder where the tokenizer is a WordPiece one),
// tokenizer and seed say which one.
std::unique_ptr<TrainTarget> make_untrained_target(const TrainFields& fields, Session& session,
                                                   ThreadPool& pool);
// The same of an encoder-decoder.
std::unique_ptr<TrainTarget> make_untrained_pair_target(const TrainFields& fields, Session& session,
                                                        ThreadPool& pool);
// All weights of a model that exists already, with the texts that stand beside them in a folder;
// the model moves in.
std::unique_ptr<TrainTarget> make_whole_target(Model model,
                                               std::map<std::string, std::string> texts,
                                               const TrainFields& fields, ThreadPool& pool);

}  // namespace ondol::app
