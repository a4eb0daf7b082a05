// Counts how deep expressions, statements and calls are inside one another, and every step.
#pragma once

#include "text/jinja_runtime.h"

namespace ondol::text::jinja {

class Runtime::Depth {
 public:
  explicit Depth(Runtime* runtime) : runtime_(runtime) {
    runtime_->count_steps(1);
    const int limit = runtime_->heap_->limits().depth;
    if (runtime_->depth_ >= limit) fail_limit("nested calls and expressions", limit + 1, limit);
    ++runtime_->depth_;
  }
  ~Depth() { --runtime_->depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Runtime* runtime_;
};

}  // namespace ondol::text::jinja
