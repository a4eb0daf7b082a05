// What the tests of training runs share: forty rows, a short run of a tiny model, a stop.
#pragma once

#include <fstream>

#include "app/test_support.h"
#include "app/train.h"

namespace ondol::app::testing {

// Cancels a run after this many of its steps, as Ctrl-C would.
class StopAfter final : public ProgressSink {
 public:
  explicit StopAfter(uint64_t steps) : steps_(steps) {}
  void update(std::string_view stage, uint64_t done, uint64_t) override {
    if (stage == "train" && done == steps_) throw Error(ErrorCode::kCancelled, "stopped");
  }
  void notice(std::string_view) override {}

 private:
  uint64_t steps_;
};

// Six steps with validations and checkpoints between, on rows that are written to `folder`.
inline TrainFields short_run(const fs::path& folder) {
  std::ofstream rows(folder / "train.jsonl");
  for (int i = 0; i < 40; ++i) {
    rows << R"({"prompt": "count )" << i << R"( then", "completion": " next )" << i + 1 << R"("})"
         << "\n";
  }
  TrainFields fields;
  fields.model = tiny_llama().string();
  fields.dataset = {(folder / "train.jsonl").string()};
  fields.validation_split = 0.2;
  fields.output_dir = (folder / "run").string();
  fields.max_length = 64;
  fields.max_steps = 6;
  fields.logging_steps = 1;
  fields.eval_steps = 2;
  fields.save_steps = 3;
  return fields;
}

}  // namespace ondol::app::testing
