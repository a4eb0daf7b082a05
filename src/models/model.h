// A loaded model: weights, tokenizer, chat template.
//
//   ThreadPool pool(2);
//   Model model = load_model("SmolLM2-135M-Instruct.Q4_1.gguf", pool);   // or a safetensors folder
//   if (model.decoder) model.decoder->forward(context, ids, batch);
//
// Architectures are data plus blocks: one file `models/<family>.cpp` (config mapping, weight names,
// options) and one row in models/registry.cpp. Immutable after loading; forward functions may be
// called by one thread at a time (they use the pool of the context).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/sequence_batch.h"
#include "ops/context.h"
#include "ops/pool.h"
#include "tensor/tensor.h"
#include "text/tokenizer.h"

namespace ondol {

// In which form an encoder multiplies float weights of its file; decides its results.
enum class WeightForm : uint8_t {
  kFile,  // as they are: the vectors of the model's authors, to f32 rounding
  kBf16,  // rounded to bf16, activations too
  kInt8,  // blocks of 32 with a scale each (Q8_0), activations in int8 blocks too
  kF32,   // every matrix as f32, quantised ones dequantised: what training of all weights begins
          // with
};
std::string_view weight_form_name(WeightForm form);  // "file", "bf16", "int8", "f32"
// The type of a matrix of rows of `columns` in this form (not kFile); rows that no block of int8
// divides are bf16.
DType matrix_dtype(WeightForm form, int64_t columns);

struct LoadOptions {
  WeightForm encoder_weights = WeightForm::kFile;  // a decoder has its file's form, or f32
  bool all_f32 = false;                            // WeightForm::kF32, of decoders too
};

// What every architecture can say about itself.
struct ModelInfo {
  std::string architecture;  // "llama", "bert", "t5"
  std::string name;          // from the file, may be empty
  int64_t parameters = 0;
  int64_t layers = 0;  // of an encoder-decoder: of both together
  int64_t width = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_width = 0;
  int64_t vocabulary = 0;
  int64_t context_tokens_max = 0;
  std::string weights_summary;  // "q4_1 211, f32 61"
  size_t weights_bytes = 0;     // memory held after packing
};

// A linear of the model that an adapter may add to: entry nn::Linear::slot of Model::linears.
struct LinearSlot {
  std::string module;  // as Hugging Face names it: "model.layers.0.self_attn.q_proj"
  std::string gguf;    // as GGUF names it: "blk.0.attn_q.weight"; empty: no such format
  int64_t rows = 0;
  int64_t columns = 0;
  // Heads whose rows stand as neighbouring rotary pairs here, where Hugging Face has halves; 0:
  // rows as there.
  int64_t paired_heads = 0;
  // Heads whose rows GGUF files of this architecture hold so, whatever this model came from.
  int64_t gguf_paired_heads = 0;
  // The weight itself, on the memory of the model's own.
  std::shared_ptr<const PackedMatrix> weight = nullptr;
};

// A weight that training may change: a matrix by where the model keeps it, a vector by its storage.
struct WeightRef {
  std::string name;                // Hugging Face's: "model.layers.0.self_attn.q_proj.weight"
  PackedMatrix* matrix = nullptr;  // null: `vector` it is
  Tensor vector;
  int64_t paired_heads = 0;  // as LinearSlot::paired_heads, of its rows
  std::string gguf = {};     // GGUF's name of a matrix or norm; empty: no such format, or a bias
};

// Decoder-only: hidden states of every token of a ragged batch, then logits of chosen rows.
class DecoderModel {
 public:
  virtual ~DecoderModel() = default;
  virtual KvShape kv_shape() const = 0;
  // ids[sum T] -> hidden states after the last norm [sum T, D]. Writes keys and values into the
  // batch's pages.
  virtual Tensor forward(const ops::Context& context, std::span<const text::TokenId> ids,
                         const SequenceBatch& batch) const = 0;
  // hidden[R, D] -> logits[R, V]
  virtual Tensor logits(const ops::Context& context, const Tensor& hidden) const = 0;
  // hidden[1, D] -> out[V], of which only the entries of `ids` (ascending) and perhaps some more
  // are written: the values of logits(). Costs what the rows of the head cost that it reads.
  virtual void logits_of(const ops::Context& context, const Tensor& hidden,
                         std::span<const text::TokenId> ids, std::span<float> out) const = 0;
  virtual const PackedMatrix& head() const = 0;  // [V, D]; may be the embedding itself
  // Every weight once, in a fixed order; a tied head is the embedding.
  virtual std::vector<WeightRef> weights() = 0;
};

// How sentence vectors are made from token states (sentence-transformers modules.json).
struct PoolingConfig {
  using Kind = ops::Pooling;
  Kind kind = Kind::kMean;
  bool normalize = true;
  int64_t tokens_max = 512;  // sentence_bert_config.json max_seq_length
};

// Encoder: token states [sum T, D] of a ragged batch, bidirectional attention, no padding.
class EncoderModel {
 public:
  virtual ~EncoderModel() = default;
  virtual Tensor forward(const ops::Context& context, std::span<const text::TokenId> ids,
                         const SequenceBatch& batch) const = 0;
  virtual const PackedMatrix& embedding() const = 0;  // [V, D], of the token ids
  virtual std::vector<WeightRef> weights() = 0;       // as DecoderModel's
};

// Encoder-decoder: the states of a source, then a decoder that looks at them.
//
//   Tensor states = encoder_decoder->encode(context, source_ids, sources);         // no pages
//   Tensor hidden = encoder_decoder->decode(context, {start_token()}, batch,
//                                           {sources_with_pages, &states});
//   hidden = encoder_decoder->decode(context, {next}, batch, {sources_with_pages});  // and so on
class EncoderDecoderModel {
 public:
  virtual ~EncoderDecoderModel() = default;
  // Of the decoder's own tokens, and of the tokens of the encoder that it looks at.
  virtual KvShape kv_shape() const = 0;
  // ids[sum S] -> states [sum S, D], bidirectional, no pages.
  virtual Tensor encode(const ops::Context& context, std::span<const text::TokenId> ids,
                        const SequenceBatch& batch) const = 0;
  // ids[sum T] -> what the head reads [sum T, D]. Writes keys and values into the batch's pages
  // and, where `memory` has states, those of the states into its pages.
  virtual Tensor decode(const ops::Context& context, std::span<const text::TokenId> ids,
                        const SequenceBatch& batch, const EncoderMemory& memory) const = 0;
  // hidden[R, D] -> logits[R, V]
  virtual Tensor logits(const ops::Context& context, const Tensor& hidden) const = 0;
  virtual const PackedMatrix& head() const = 0;   // [V, D]; may be the embedding itself
  virtual text::TokenId start_token() const = 0;  // what a decoder begins with
  virtual text::TokenId end_token() const = 0;    // what ends sources and targets
  // Every weight once, in a fixed order; a tied head is the embedding.
  virtual std::vector<WeightRef> weights() = 0;
};

struct Model {
  ModelInfo info;
  std::vector<LinearSlot> linears;
  std::unique_ptr<DecoderModel> decoder;  // exactly one of these three is set
  std::unique_ptr<EncoderModel> encoder;
  std::unique_ptr<EncoderDecoderModel> encoder_decoder;
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::string chat_template;             // Jinja source; empty: none in the file
  std::optional<PoolingConfig> pooling;  // from modules.json / 1_Pooling
  std::filesystem::path path;
  WeightForm weight_form = WeightForm::kFile;
  std::string hash;  // SHA-256 over the files that define results: weights, tokenizer, configs
};

// `path` is a GGUF file or a folder with config.json and *.safetensors. Throws Error: kNotFound,
// kCorruptData (names file and field), kUnsupported (architecture, type or tokenizer that nothing
// here implements). `hash_cache` is a folder where hashes of files are remembered by size and time;
// empty: every load hashes the files anew. The hash is that of the files: what is keyed by results
// needs the form of the weights beside it (Embedder::id has both).
Model load_model(const std::filesystem::path& path, ThreadPool& pool,
                 const std::filesystem::path& hash_cache = {}, LoadOptions options = {});

// Names of the architectures of the registry, for `ondol info`.
std::span<const std::string_view> supported_architectures();

}  // namespace ondol
