#include "app/lora_settings.h"

#include <charconv>

#include "base/error.h"

namespace ondol::app {
namespace {

[[noreturn]] void invalid(const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "[train] " + what);
}

template <class T>
bool number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "pattern=value" each.
template <class T>
std::map<std::string, T> patterns(const char* setting, const std::vector<std::string>& given) {
  std::map<std::string, T> table;
  for (const std::string& entry : given) {
    const size_t equals = entry.rfind('=');
    T value{};
    if (equals == std::string::npos || equals == 0 ||
        !number(std::string_view(entry).substr(equals + 1), value)) {
      invalid(std::string(setting) + "; got '" + entry +
              "', expected a module's name and a number: q_proj=8");
    }
    table[entry.substr(0, equals)] = value;
  }
  return table;
}

void set_init(const std::string& name, train::LoraConfig& config) {
  constexpr std::string_view kIterations = "pissa_niter_";
  if (name == "kaiming") {
    config.init_lora_weights = train::LoraInit::kKaiming;
  } else if (name == "gaussian") {
    config.init_lora_weights = train::LoraInit::kGaussian;
  } else if (name == "pissa") {
    config.init_lora_weights = train::LoraInit::kPissa;
  } else if (name.starts_with(kIterations) &&
             number(std::string_view(name).substr(kIterations.size()), config.pissa_iterations) &&
             config.pissa_iterations >= 0 && config.pissa_iterations <= 1000) {
    config.init_lora_weights = train::LoraInit::kPissa;
  } else {
    invalid("init_lora_weights; got '" + name +
            "', expected kaiming, gaussian, pissa or pissa_niter_ and a number up to 1000");
  }
}

}  // namespace

train::LoraConfig lora_config(const TrainFields& f) {
  train::LoraConfig config;
  config.r = f.lora_r;
  config.lora_alpha = f.lora_alpha;
  config.use_rslora = f.use_rslora;
  config.use_dora = f.use_dora;
  config.lora_dropout = f.lora_dropout;
  config.target_modules = f.target_modules;
  config.rank_pattern = patterns<int64_t>("rank_pattern", f.rank_pattern);
  config.alpha_pattern = patterns<double>("alpha_pattern", f.alpha_pattern);
  config.loraplus_lr_ratio = f.loraplus_lr_ratio;
  config.seed = static_cast<uint64_t>(f.seed);
  set_init(f.init_lora_weights, config);
  return config;
}

}  // namespace ondol::app
