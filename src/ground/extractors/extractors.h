// The makers of the extractors, for the registry. Internal to ground.
#pragma once

#include "ground/extraction.h"

namespace ondol::ground {

// Tier 0: names and noun phrases by their form, English and Korean, no model.
std::unique_ptr<Extractor> make_name_extractor();

}  // namespace ondol::ground
