// What training changes: a named f32 tensor. The model's adapters share its storage, so an
// optimizer step is seen by the next forward pass.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace ondol::train {

struct Parameter {
  std::string name;   // unique in a run: keys of checkpoints
  Tensor value;       // f32, contiguous
  bool decay = true;  // weight decay applies (not to norms, biases and other vectors)
  double rate = 1;    // factor on the learning rate (LoRA+)
};

}  // namespace ondol::train
