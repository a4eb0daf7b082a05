// What an operation runs with. A forward function takes a Context and never asks where it runs: the
// context picks fused kernels (inference) or composed fine ops (an oracle), and may carry a tape.
#pragma once

#include "base/profile.h"
#include "kernels/kernels.h"

namespace ondol::ops {

class Tape;

enum class Form : uint8_t {
  kFused,     // one kernel a coarse op
  kComposed,  // the coarse op's declared formula in fine ops
};

struct Context {
  ThreadPool& pool;
  const KernelTable& kernels;
  Precision precision = Precision::kFast;
  Form form = Form::kFused;
  Profile* profile = nullptr;  // where ops write how long they took; null: nowhere
  Tape* tape = nullptr;        // where ops record their gradients (tape.h); null: inference

  KernelContext kernel() const { return {pool, kernels, precision}; }
};

}  // namespace ondol::ops
