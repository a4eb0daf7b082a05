// Text generation as a library. Standard library types only; no ABI promise between versions.
//
//   auto model = ondol::api::TextModel::open("smollm2-135m-instruct");   // a pulled model, or a
//   path std::cout << model.chat("What is a ferry?").text << "\n";
//
// Movable, not copyable. Thread-safe: calls from several threads run side by side in one batch.
// Errors are std::runtime_error with a sentence that says what, got, expected and what to try.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ondol::api {

struct ModelOptions {
  int threads = 0;     // 0: all cores this process may use
  bool exact = false;  // f32 activations instead of int8 ones: slower, for comparison
};

struct GenerateOptions {
  int64_t tokens_max = 128;
  double temperature = 0;  // 0: always the most likely token
  double top_p = 1;
  uint64_t seed = 0;
  std::vector<std::string> stop;
  // Called with whole characters as they are generated; return false to stop.
  std::function<bool(const std::string&)> on_text;
};

struct Completion {
  std::string text;
  std::string finish_reason;  // "stop", "length", "cancelled"
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

class TextModel {
 public:
  static TextModel open(const std::string& name_or_path, const ModelOptions& options = {});
  ~TextModel();
  TextModel(TextModel&&) noexcept;
  TextModel& operator=(TextModel&&) noexcept;

  // One user message through the model's chat template; `system` may be empty.
  Completion chat(const std::string& user, const std::string& system = "",
                  const GenerateOptions& options = {});
  // The text continued as it is, no template.
  Completion complete(const std::string& text, const GenerateOptions& options = {});

 private:
  struct State;
  explicit TextModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ondol::api
