#include "train/seq2seq.h"

#include <algorithm>

#include "base/error.h"
#include "nn/call_pages.h"

namespace ondol::train {

PairBatch make_pair_batch(const ExampleSet& examples, std::span<const uint32_t> pack, TokenId start,
                          const Adapter* adapter) {
  PairBatch batch;
  const auto slice_of = [&](size_t begin, size_t end) {
    SequenceSlice slice;
    slice.token_begin = static_cast<int64_t>(begin);
    slice.token_end = static_cast<int64_t>(end);
    slice.adapter = adapter;
    return slice;
  };
  for (const uint32_t example : pack) {
    const auto ids = examples.ids(example);
    const auto loss = examples.loss(example);
    const auto border = static_cast<size_t>(std::ranges::find(loss, 1) - loss.begin());
    const auto target = ids.subspan(border);
    if (border == 0 || target.empty() || std::ranges::count(loss.subspan(border), 0) > 0) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[train] an example of " + std::to_string(ids.size()) + " tokens with " +
                      std::to_string(border) +
                      " before the first learned one; expected a source and a target behind it");
    }
    const size_t source_begin = batch.source_ids.size(), begin = batch.input_ids.size();
    batch.source_ids.insert(batch.source_ids.end(), ids.begin(), target.begin());
    batch.input_ids.push_back(start);
    batch.input_ids.insert(batch.input_ids.end(), target.begin(), target.end() - 1);
    batch.labels.insert(batch.labels.end(), target.begin(), target.end());
    batch.sources.sequences.push_back(slice_of(source_begin, batch.source_ids.size()));
    batch.targets.sequences.push_back(slice_of(begin, batch.input_ids.size()));
  }
  return batch;
}

ops::LossSum seq2seq_loss(const Model& model, const ops::Context& context, const PairBatch& batch,
                          const ops::LossOptions& options) {
  const EncoderDecoderModel& pair = *model.encoder_decoder;
  const KvShape kv = pair.kv_shape();
  const AttentionShape shape{kv.kv_heads, kv.kv_heads, kv.head_width, 1};
  const nn::CallPages own(shape, batch.targets), cross(shape, batch.sources);
  const Tensor states = pair.encode(context, batch.source_ids, batch.sources);
  const Tensor hidden =
      pair.decode(context, batch.input_ids, own.batch(), {cross.batch(), &states});
  return ops::linear_cross_entropy(context, hidden, pair.head(), batch.labels, options);
}

ops::LossSum Seq2SeqObjective::loss(const ops::Context& context, Split split,
                                    std::span<const uint32_t> examples,
                                    const ops::LossOptions& options) {
  const TokenId start = model().encoder_decoder->start_token();
  return seq2seq_loss(model(), context,
                      make_pair_batch(of(split).examples, examples, start, adapter()), options);
}

}  // namespace ondol::train
