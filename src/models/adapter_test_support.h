// Adapters of the tiny Llama, in memory and in files, for tests.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "base/files.h"
#include "models/adapter_file.h"
#include "models/test_forward.h"
#include "support/paths.h"

namespace ondol::testing {

inline constexpr float kTolerance = 1e-4F;

inline std::filesystem::path golden_adapter(const std::string& name) {
  return golden_dir() / "adapters" / name;
}

inline Model tiny(const std::string& name, ThreadPool& pool) {
  const std::filesystem::path folder = golden_dir() / "models" / name;
  return load_model(std::filesystem::exists(folder / "model.gguf") ? folder / "model.gguf" : folder,
                    pool);
}

class AdapterFiles : public ::testing::Test {
 protected:
  AdapterFiles()
      : scratch(std::filesystem::temp_directory_path() /
                ("ondol_adapter_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(scratch);
    std::filesystem::create_directories(scratch);
  }
  ~AdapterFiles() override { std::filesystem::remove_all(scratch); }

  Tensor logits(const Model& model, const Ids& ids, const Adapter* adapter) {
    const auto count = static_cast<int64_t>(ids.size());
    const auto kv = make_pool(model, count);
    TestSequence sequence(*kv, count);
    SequenceBatch batch{{sequence.next(0, count)}, kv.get()};
    batch.sequences[0].adapter = adapter;
    const ops::Context context{pool, best_kernels(), Precision::kExact};
    return model.decoder->logits(context, model.decoder->forward(context, ids, batch));
  }

  // A copy of a golden PEFT folder whose config is changed.
  std::filesystem::path changed(const std::string& golden,
                                const std::function<std::string(const std::string&)>& change) {
    const std::filesystem::path to = scratch / ("changed" + std::to_string(++copies));
    std::filesystem::copy(golden_adapter(golden), to, std::filesystem::copy_options::recursive);
    write_file_atomic(to / "adapter_config.json", change(read_file(to / "adapter_config.json")));
    return to;
  }

  void expect_error(const std::filesystem::path& path, const Model& model, ErrorCode code,
                    std::initializer_list<const char*> parts) {
    try {
      load_adapter(path, model);
      ADD_FAILURE() << "loaded " << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      for (const char* part : parts) EXPECT_THAT(error.what(), ::testing::HasSubstr(part));
    }
  }

  ThreadPool pool{1};
  Model folder_model = tiny("llama_tied", pool);
  Model gguf_model = tiny("llama_tied_f32_gguf", pool);
  std::filesystem::path scratch;
  int copies = 0;
};

}  // namespace ondol::testing
