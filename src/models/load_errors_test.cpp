// What load_model says about files that are whole but not what an architecture needs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <functional>

#include "base/files.h"
#include "io/gguf_writer.h"
#include "models/model.h"
#include "support/paths.h"

namespace ondol {
namespace {

class LoadErrors : public ::testing::Test {
 protected:
  LoadErrors()
      : folder(std::filesystem::temp_directory_path() /
               ("ondol_load_errors_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
  }
  ~LoadErrors() override { std::filesystem::remove_all(folder); }

  // Copies a tiny model folder of the goldens.
  std::filesystem::path copy_folder(const char* name) {
    const auto to = folder / name;
    std::filesystem::copy(testing::golden_dir() / "models" / name, to,
                          std::filesystem::copy_options::recursive);
    return to;
  }
  static void replace_in(const std::filesystem::path& file, std::string_view from,
                         std::string_view to) {
    std::string text = read_file(file);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    write_file_atomic(file, text.replace(at, from.size(), to));
  }

  void expect_error(const std::filesystem::path& path, ErrorCode code,
                    std::initializer_list<const char*> parts) {
    try {
      load_model(path, pool);
      ADD_FAILURE() << "loaded " << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      for (const char* part : parts) {
        EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
            << error.what() << "\n lacks " << part;
      }
    }
  }

  ThreadPool pool{1};
  std::filesystem::path folder;
};

// A one-layer Llama of width 32 with 4 tokens, and ways to spoil it.
struct TinyGguf {
  std::string architecture = "llama";
  std::string pre = "gpt-2";
  std::string tokenizer = "gpt2";
  std::string missing;    // a tensor left out
  std::string extra;      // a tensor that belongs to nothing
  int64_t mlp_rows = 32;  // of ffn_up
  uint32_t heads = 2, kv_heads = 1;
  std::vector<std::string> pieces = {"a", "b", "c", "<|end|>"};

  void write(const std::filesystem::path& path) {
    io::GgufWriter writer;
    writer.set_string("general.architecture", architecture);
    const std::pair<const char*, uint32_t> numbers[] = {
        {"block_count", 1},          {"embedding_length", 32},
        {"feed_forward_length", 32}, {"attention.head_count", heads},
        {"context_length", 64},      {"attention.head_count_kv", kv_heads}};
    for (const auto& [key, value] : numbers) {
      writer.set<uint32_t>(architecture + "." + key, value);
    }
    writer.set<float>(architecture + ".attention.layer_norm_rms_epsilon", 1e-5F);
    writer.set_string("tokenizer.ggml.model", tokenizer);
    if (!pre.empty()) writer.set_string("tokenizer.ggml.pre", pre);
    writer.set_strings("tokenizer.ggml.tokens", pieces);
    writer.set_strings("tokenizer.ggml.merges", {});
    writer.set<uint32_t>("tokenizer.ggml.eos_token_id", 3);
    const auto add = [&](const std::string& name, Shape shape) {
      if (name == missing) return;
      bytes.emplace_back(static_cast<size_t>(element_count(shape)) * sizeof(float));
      writer.add_tensor(name, DType::kF32, std::move(shape), bytes.back());
    };
    const int64_t q = 32, kv = 16;  // whatever `heads` says: no tensor may be empty
    add("token_embd.weight", {4, 32});
    add("blk.0.attn_norm.weight", {32});
    add("blk.0.attn_q.weight", {q, 32});
    add("blk.0.attn_k.weight", {kv, 32});
    add("blk.0.attn_v.weight", {kv, 32});
    add("blk.0.attn_output.weight", {32, q});
    add("blk.0.ffn_norm.weight", {32});
    add("blk.0.ffn_gate.weight", {32, 32});
    add("blk.0.ffn_up.weight", {mlp_rows, 32});
    add("blk.0.ffn_down.weight", {32, 32});
    add("output_norm.weight", {32});
    if (!extra.empty()) add(extra, {32});
    writer.write(path);
  }

  std::deque<std::vector<std::byte>> bytes;  // outlive the writer
};

TEST_F(LoadErrors, TheUnspoiltFileLoads) {
  TinyGguf{}.write(folder / "tiny.gguf");
  const Model model = load_model(folder / "tiny.gguf", pool);
  EXPECT_EQ(model.info.vocabulary, 4);
  EXPECT_EQ(model.info.weights_summary, "f32 11");
}

TEST_F(LoadErrors, GgufFilesThatAreNotTheArchitecture) {
  struct Row {
    std::function<void(TinyGguf&)> spoil;
    ErrorCode code;
    std::initializer_list<const char*> parts;
  };
  const Row rows[] = {
      {[](TinyGguf& f) { f.architecture = "mamba"; },
       ErrorCode::kUnsupported,
       {"x.gguf", "got 'mamba', expected one of llama, bert, t5, mt5"}},
      {[](TinyGguf& f) { f.missing = "blk.0.attn_v.weight"; },
       ErrorCode::kCorruptData,
       {"x.gguf", "blk.0.attn_v.weight"}},
      {[](TinyGguf& f) { f.missing = "output_norm.weight"; },
       ErrorCode::kCorruptData,
       {"x.gguf", "output_norm.weight"}},
      {[](TinyGguf& f) { f.mlp_rows = 48; },
       ErrorCode::kCorruptData,
       {"x.gguf", "blk.0.ffn_up.weight", "[48, 32]", "[32, 32]"}},
      {[](TinyGguf& f) { f.extra = "blk.0.attn_q_norm.weight"; },
       ErrorCode::kUnsupported,
       {"x.gguf", "blk.0.attn_q_norm.weight", "[32]"}},
      {[](TinyGguf& f) { f.kv_heads = 0; },
       ErrorCode::kCorruptData,
       {"x.gguf", "2 query and 0 key heads"}},
      {[](TinyGguf& f) { f.heads = 0; }, ErrorCode::kCorruptData, {"x.gguf", "0 query"}},
      {[](TinyGguf& f) { f.tokenizer = "llama"; },
       ErrorCode::kUnsupported,
       {"x.gguf", "tokenizer.ggml.model", "'llama'"}},
      {[](TinyGguf& f) { f.pre = "martian"; }, ErrorCode::kUnsupported, {"martian"}},
      {[](TinyGguf& f) { f.pre = ""; }, ErrorCode::kUnsupported, {"x.gguf", "tokenizer.ggml.pre"}},
      {[](TinyGguf& f) { f.pieces.push_back("d"); },
       ErrorCode::kCorruptData,
       {"x.gguf", "got 5 pieces", "at most the 4 rows"}},
  };
  for (const Row& row : rows) {
    TinyGguf file;
    row.spoil(file);
    file.write(folder / "x.gguf");
    expect_error(folder / "x.gguf", row.code, row.parts);
  }
}

TEST_F(LoadErrors, FoldersThatAreNotTheArchitecture) {
  struct Row {
    const char* from;
    const char* to;
    ErrorCode code;
    std::initializer_list<const char*> parts;
  };
  const Row rows[] = {
      {"\"model_type\": \"llama\"",
       "\"model_type\": \"mamba\"",
       ErrorCode::kUnsupported,
       {"config.json", "'mamba'"}},
      {"\"hidden_size\": 64",
       "\"hidden_size\": \"64\"",
       ErrorCode::kCorruptData,
       {"config.json", "'hidden_size'", "\"64\"", "integer"}},
      {"\"hidden_size\": 64",
       "\"hidden_sizes\": 64",
       ErrorCode::kCorruptData,
       {"config.json", "'hidden_size'", "nothing"}},
      {"\"hidden_size\": 64",
       "\"hidden_size\": 96",
       ErrorCode::kCorruptData,
       {"model.embed_tokens.weight", "[288, 64]", "96"}},
      {"\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 3",
       ErrorCode::kCorruptData,
       {"model.layers.2."}},
      {"\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 1",
       ErrorCode::kUnsupported,
       {"model.layers.1."}},
      {"\"num_hidden_layers\": 2",
       "\"num_hidden_layers\": 99999999",
       ErrorCode::kCorruptData,
       {"num_hidden_layers", "99999999"}},
      {"\"hidden_act\": \"silu\"",
       "\"hidden_act\": \"relu\"",
       ErrorCode::kUnsupported,
       {"hidden_act", "'relu'"}},
      {"\"rope_type\": \"llama3\"",
       "\"rope_type\": \"yarn\"",
       ErrorCode::kUnsupported,
       {"rope type", "'yarn'"}},
      {"\"tie_word_embeddings\": false",
       "\"tie_word_embeddings\": 0",
       ErrorCode::kCorruptData,
       {"tie_word_embeddings", "true or false"}},
      {"{", "[", ErrorCode::kCorruptData, {"config.json", "not JSON"}},
  };
  const auto path = copy_folder("llama3_untied");
  const std::string whole = read_file(path / "config.json");
  for (const Row& row : rows) {
    write_file_atomic(path / "config.json", whole);
    replace_in(path / "config.json", row.from, row.to);
    expect_error(path, row.code, row.parts);
  }
  write_file_atomic(path / "config.json", whole);
  std::filesystem::remove(path / "tokenizer.json");
  expect_error(path, ErrorCode::kUnsupported, {"tokenizer.json"});
}

TEST_F(LoadErrors, NothingThere) {
  expect_error(folder / "none.gguf", ErrorCode::kNotFound, {"none.gguf"});
  expect_error(folder, ErrorCode::kNotFound, {"config.json"});
}

TEST_F(LoadErrors, EveryFileCountsInTheHash) {
  const auto path = copy_folder("bert");
  const std::string before = load_model(path, pool).hash;
  EXPECT_EQ(load_model(path, pool).hash, before);
  write_file_atomic(path / "tokenizer_config.json",
                    read_file(path / "tokenizer_config.json") + "\n");
  EXPECT_NE(load_model(path, pool).hash, before);
}

}  // namespace
}  // namespace ondol
