// What training changes: a named f32 tensor. The model's adapters, norms and biases share its
// storage, so an optimizer step is seen by the next forward pass. A matrix of the model itself is
// rounded from it anew after each step.
#pragma once

#include <string>

#include "kernels/kernels.h"
#include "tensor/tensor.h"

namespace ondol::train {

struct Parameter {
  std::string name;                // unique in a run: keys of checkpoints
  Tensor value;                    // f32, contiguous; of a matrix of the model its master copy
  bool decay = true;               // weight decay applies (not to norms, biases and other vectors)
  double rate = 1;                 // factor on the learning rate (LoRA+)
  PackedMatrix* packed = nullptr;  // of the model, [N, K] as value; null: the model reads `value`
};

}  // namespace ondol::train
