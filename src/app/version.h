#pragma once

namespace ondol::app {
inline constexpr const char* kVersion = "0.1.0";
}  // namespace ondol::app
