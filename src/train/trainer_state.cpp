#include "train/trainer_state.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace ondol::train {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json object_of(const LogEntry& entry) {
  Json object = {{"epoch", number(entry.epoch)}, {"step", entry.step}};
  for (const auto& [name, value] : entry.values) object[name] = number(value);
  return object;
}

double number_of(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

LogEntry entry_of(const Json& object) {
  LogEntry entry;
  entry.step = object.at("step").get<int64_t>();
  entry.epoch = object.contains("epoch") ? number_of(object["epoch"]) : 0;
  for (const auto& [name, value] : object.items()) {
    if (name == "step" || name == "epoch") continue;
    if (value.is_number() || value.is_null()) entry.values.emplace_back(name, number_of(value));
  }
  return entry;
}

template <class T>
void read(const Json& object, const char* name, T& value) {
  const auto found = object.find(name);
  if (found != object.end() && !found->is_null()) value = found->get<T>();
}

template <class T>
void read(const Json& object, const char* name, std::optional<T>& value) {
  const auto found = object.find(name);
  if (found != object.end() && !found->is_null()) value = found->get<T>();
}

TrainerState state_of(const Json& object) {
  TrainerState state;
  state.global_step = object.at("global_step").get<int64_t>();
  read(object, "epoch", state.epoch);
  read(object, "max_steps", state.max_steps);
  read(object, "num_train_epochs", state.num_train_epochs);
  read(object, "logging_steps", state.logging_steps);
  read(object, "eval_steps", state.eval_steps);
  read(object, "save_steps", state.save_steps);
  read(object, "train_batch_size", state.train_batch_size);
  read(object, "num_input_tokens_seen", state.num_input_tokens_seen);
  read(object, "total_flos", state.total_flos);
  read(object, "best_metric", state.best_metric);
  read(object, "best_global_step", state.best_global_step);
  for (const Json& entry : object.at("log_history")) state.log_history.push_back(entry_of(entry));
  return state;
}

template <class Read>
auto parsed(std::string_view text, const std::string& where, Read read_object) {
  try {
    const Json object = Json::parse(text);
    if (object.is_object()) return read_object(object);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kCorruptData, "[trainer state] " + where + ": " + error.what());
  }
  throw Error(ErrorCode::kCorruptData, "[trainer state] " + where + " is not a JSON object");
}

}  // namespace

std::string to_json(const LogEntry& entry) {
  return object_of(entry).dump(-1, ' ', false, Json::error_handler_t::replace);
}

LogEntry parse_log_entry(std::string_view json) { return parsed(json, "a logged step", entry_of); }

std::string to_json(const TrainerState& state, const std::string& folder) {
  const auto best = state.best_global_step;
  Json history = Json::array();
  for (const LogEntry& entry : state.log_history) history.push_back(object_of(entry));
  const Json object = {
      {"best_global_step", best ? Json(*best) : Json(nullptr)},
      {"best_metric", state.best_metric ? number(*state.best_metric) : Json(nullptr)},
      {"best_model_checkpoint",
       best ? Json(folder + "checkpoint-" + std::to_string(*best)) : Json(nullptr)},
      {"epoch", number(state.epoch)},
      {"eval_steps", state.eval_steps},
      {"global_step", state.global_step},
      {"is_hyper_param_search", false},
      {"is_local_process_zero", true},
      {"is_world_process_zero", true},
      {"log_history", history},
      {"logging_steps", state.logging_steps},
      {"max_steps", state.max_steps},
      {"num_input_tokens_seen", state.num_input_tokens_seen},
      {"num_train_epochs", number(state.num_train_epochs)},
      {"save_steps", state.save_steps},
      {"stateful_callbacks", Json::object()},
      {"total_flos", number(state.total_flos)},
      {"train_batch_size", state.train_batch_size},
      {"trial_name", nullptr},
      {"trial_params", nullptr}};
  return object.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

TrainerState parse_trainer_state(std::string_view json, const std::string& where) {
  return parsed(json, where, state_of);
}

}  // namespace ondol::train
