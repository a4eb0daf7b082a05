// What models said, kept in the store beside the chunks that they were shown: answers to the same
// question are not paid for twice, and go when a document goes that they were made of.
//
//   StoredOutputs outputs(*store, shelf);
//   CachedGenerator model(generator, &outputs);
//
// Thread-safe. A store that cannot be written (opened for reading, another program writing for too
// long) keeps nothing, which not_kept() counts; it is no error of the question.
#pragma once

#include <atomic>

#include "infer/cached_generator.h"
#include "store/store.h"

namespace ondol::ground {

class StoredOutputs final : public OutputCache {
 public:
  StoredOutputs(store::Store& store, store::CollectionId collection)
      : store_(store), collection_(collection) {}
  std::optional<std::string> find(const std::string& key) override;
  void put(const std::string& key, const std::string& value,
           std::span<const int64_t> sources) override;
  int64_t not_kept() const { return not_kept_; }

 private:
  store::Store& store_;
  store::CollectionId collection_;
  std::atomic<int64_t> not_kept_{0};
};

}  // namespace ondol::ground
