#include "app/home.h"

#include <cstdlib>

#include "base/error.h"

namespace ondol::app {

Home user_home() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : nullptr;
  };
  if (const char* home = set("ONDOL_HOME")) return {home};
  if (const char* cache = set("XDG_CACHE_HOME")) return {std::filesystem::path(cache) / "ondol"};
  if (const char* user = set("HOME")) return {std::filesystem::path(user) / ".cache" / "ondol"};
  throw Error(ErrorCode::kNotFound,
              "[home] no folder for models; set ONDOL_HOME to a folder that can be written");
}

}  // namespace ondol::app
