#include "infer/local_embedder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "infer/local_generator.h"  // kNumericsVersion
#include "infer/sequence.h"

namespace ondol {

using text::TokenId;

LocalEmbedder::LocalEmbedder(std::shared_ptr<const Model> model, std::unique_ptr<ThreadPool> pool,
                             LocalEmbedderOptions options)
    : model_(std::move(model)), pool_(std::move(pool)), options_(options) {
  if (!model_->tokenizer) {
    throw Error(ErrorCode::kUnsupported,
                "[embed] '" + model_->path.string() + "' has no tokenizer");
  }
  if (!model_->encoder && !model_->decoder) {
    throw Error(ErrorCode::kUnsupported, "[embed] '" + model_->path.string() +
                                             "' makes no sentence vectors (architecture '" +
                                             model_->info.architecture +
                                             "'); try an encoder, such as all-minilm-l6-v2");
  }
  if (model_->pooling) {
    pooling_ = *model_->pooling;
  } else {
    pooling_.tokens_max = model_->info.context_tokens_max;
  }
}

int64_t LocalEmbedder::dimensions() const { return model_->info.width; }
int64_t LocalEmbedder::tokens_max() const { return pooling_.tokens_max; }

int64_t LocalEmbedder::count_tokens(const std::string& text) const {
  return static_cast<int64_t>(model_->tokenizer->encode(text, {}).size());
}

std::string LocalEmbedder::id() const {
  const bool own = model_->weight_form == WeightForm::kFile;
  return model_->hash + (own ? "" : "/" + std::string(weight_form_name(model_->weight_form))) +
         (options_.precision == Precision::kExact ? "/exact/" : "/fast/") +
         std::string(kernel_isa(best_kernels())) + "/" + std::to_string(kNumericsVersion);
}

namespace {

// Pieces of the vocabulary with a character of [first, last] (both of three UTF-8 bytes).
int64_t pieces_with(const text::Tokenizer& tokenizer, std::string_view first,
                    std::string_view last) {
  int64_t count = 0;
  for (const std::string& piece : tokenizer.config().pieces) {
    for (size_t i = 0; i + 3 <= piece.size(); ++i) {
      const std::string_view character = std::string_view(piece).substr(i, 3);
      if (character >= first && character <= last) {
        ++count;
        break;
      }
    }
  }
  return count;
}

}  // namespace

// Neither file format says which languages a model learned, but a vocabulary without a language's
// syllables cannot know it: English BERT has about a hundred Hangul pieces, multilingual
// vocabularies have thousands.
std::vector<std::string> LocalEmbedder::languages() const {
  constexpr int64_t kHangulPiecesMin = 1000;
  constexpr int64_t kHanPiecesMin = 3000;
  std::vector<std::string> languages = {"en"};
  if (pieces_with(*model_->tokenizer, "가", "힣") >= kHangulPiecesMin) languages.push_back("ko");
  if (pieces_with(*model_->tokenizer, "一", "鿿") >= kHanPiecesMin) {
    languages.insert(languages.end(), {"zh", "ja"});
  }
  return languages;
}

std::vector<TokenId> LocalEmbedder::encode(const std::string& text, bool truncate,
                                           bool& cut) const {
  std::vector<TokenId> ids = model_->tokenizer->encode(text, {.add_special = true});
  const auto limit = static_cast<size_t>(pooling_.tokens_max);
  cut = ids.size() > limit;
  if (!cut) return ids;
  if (!truncate) {
    throw Error(ErrorCode::kInvalidArgument,
                "[embed] a text has " + std::to_string(ids.size()) + " tokens; the model reads " +
                    std::to_string(limit) + "; try --truncate or shorter texts");
  }
  // The closing special token stays the last one, as sentence-transformers cuts.
  const TokenId last = ids.back();
  ids.resize(limit);
  if (model_->tokenizer->config().add_eos) ids.back() = last;
  return ids;
}

Tensor LocalEmbedder::forward(std::span<const std::vector<TokenId>> batch, SequenceBatch& layout) {
  std::vector<TokenId> ids;
  for (const auto& sequence : batch) {
    const auto begin = static_cast<int64_t>(ids.size());
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    layout.sequences.push_back({.token_begin = begin,
                                .token_end = static_cast<int64_t>(ids.size()),
                                .first_position = 0,
                                .pages = {}});
  }
  const ops::Context context{*pool_, best_kernels(), options_.precision, ops::Form::kFused,
                             options_.profile};
  if (model_->encoder) return model_->encoder->forward(context, ids, layout);

  int64_t page_count = 0;
  for (const auto& s : layout.sequences)
    page_count += infer::pages_for(s.token_end - s.token_begin);
  KvPool probe(model_->decoder->kv_shape(), 0);
  KvPool pages(model_->decoder->kv_shape(), static_cast<size_t>(page_count) * probe.page_bytes());
  std::vector<infer::PageList> lists;
  for (auto& s : layout.sequences) {
    lists.emplace_back(pages);
    lists.back().grow_to(s.token_end - s.token_begin);
    s.pages = lists.back().ids();
  }
  layout.kv = &pages;
  Tensor hidden = model_->decoder->forward(context, ids, layout);
  layout.kv = nullptr;
  for (auto& s : layout.sequences) s.pages = {};
  return hidden;
}

void LocalEmbedder::embed_batch(std::span<const std::vector<TokenId>> batch,
                                std::span<const size_t> slots,
                                std::vector<std::vector<float>>& out) {
  SequenceBatch layout;
  const Tensor states = forward(batch, layout);
  for (size_t i = 0; i < batch.size(); ++i) {
    const SequenceSlice& slice = layout.sequences[i];
    std::vector<double> sum(static_cast<size_t>(dimensions()), 0.0);
    int64_t begin = slice.token_begin, end = slice.token_end;
    if (pooling_.kind == PoolingConfig::Kind::kCls) end = begin + 1;
    if (pooling_.kind == PoolingConfig::Kind::kLast) begin = end - 1;
    for (int64_t token = begin; token < end; ++token) {
      const auto row = states.row(token);
      for (size_t d = 0; d < sum.size(); ++d) sum[d] += row[d];
    }
    double scale = 1.0 / static_cast<double>(end - begin);
    if (pooling_.normalize) {
      const double norm = std::sqrt(std::inner_product(sum.begin(), sum.end(), sum.begin(), 0.0));
      scale = norm > 0 ? 1.0 / norm : 0.0;
    }
    std::vector<float>& vector = out[slots[i]];
    for (double value : sum) vector.push_back(static_cast<float>(value * scale));
  }
}

EmbedResult LocalEmbedder::embed(std::span<const std::string> texts, const EmbedOptions& options) {
  std::lock_guard lock(mutex_);
  EmbedResult result;
  result.vectors.resize(texts.size());
  std::vector<std::vector<TokenId>> encoded;
  for (size_t i = 0; i < texts.size(); ++i) {
    bool cut = false;
    encoded.push_back(encode(texts[i], options.truncate, cut));
    if (cut) result.truncated.push_back(i);
    if (encoded.back().empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[embed] text " + std::to_string(i + 1) + " is empty; give at least one word");
    }
    result.tokens += static_cast<int64_t>(encoded.back().size());
  }
  std::vector<std::vector<TokenId>> batch;
  std::vector<size_t> slots;
  int64_t batch_tokens = 0;
  const auto flush = [&] {
    if (!batch.empty()) embed_batch(batch, slots, result.vectors);
    batch.clear(), slots.clear(), batch_tokens = 0;
  };
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto count = static_cast<int64_t>(encoded[i].size());
    if (batch_tokens + count > options_.batch_tokens_max) flush();
    batch.push_back(std::move(encoded[i]));
    slots.push_back(i);
    batch_tokens += count;
  }
  flush();
  return result;
}

}  // namespace ondol
