// The settings of an adapter as they are typed, for train::make_lora.
#pragma once

#include "app/train_fields.h"
#include "train/lora.h"

namespace ondol::app {

// Throws Error(kInvalidArgument) that names setting, got and expected.
train::LoraConfig lora_config(const TrainFields& fields);

}  // namespace ondol::app
