// Measurements in the user's cache folder: {"format": 1, "machines": [{"machine": {}, "speed":
// {}}]}.
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/machine.h"
#include "base/error.h"
#include "base/files.h"

namespace ondol::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr size_t kBytesMax = size_t{1} << 20;
constexpr size_t kMachinesMax = 64;  // the oldest goes

struct Field {
  const char* name;
  double MachineSpeed::*value;
};
constexpr Field kFields[] = {{"read_gb_s_one", &MachineSpeed::read_one},
                             {"read_gb_s_all", &MachineSpeed::read_all},
                             {"int8_gop_s_one", &MachineSpeed::int8_one},
                             {"int8_gop_s_all", &MachineSpeed::int8_all},
                             {"f32_gop_s_one", &MachineSpeed::f32_one},
                             {"f32_gop_s_all", &MachineSpeed::f32_all},
                             {"barrier_us", &MachineSpeed::barrier_microseconds},
                             {"seconds", &MachineSpeed::seconds}};

Json key_json(const MachineKey& key) {
  return {{"cpu", key.cpu},   {"features", key.features}, {"kernels", key.kernels},
          {"cpus", key.cpus}, {"cores", key.cores},       {"version", key.version}};
}

std::optional<MachineSpeed> parse_speed(const Json& json) {
  MachineSpeed speed;
  for (const Field& field : kFields) {
    speed.*field.value = json.at(field.name).get<double>();
    if (!std::isfinite(speed.*field.value) || speed.*field.value <= 0) return std::nullopt;
  }
  speed.threads_best = json.at("threads_best").get<int>();
  if (speed.threads_best < 1) return std::nullopt;
  return speed;
}

// The stored machines; empty when there is no file or it is not one of ours.
Json stored_machines(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return Json::array();
  try {
    const Json json = Json::parse(read_file(file, kBytesMax));
    if (json.at("format") == kFormat && json.at("machines").is_array()) return json["machines"];
  } catch (const Error&) {
  } catch (const Json::exception&) {
  }
  return Json::array();
}

bool is_of(const Json& entry, const Json& machine) {
  return entry.is_object() && entry.contains("machine") && entry["machine"] == machine;
}

}  // namespace

std::string speed_json(const MachineSpeed& speed) {
  Json json;
  for (const Field& field : kFields) json[field.name] = speed.*field.value;
  json["threads_best"] = speed.threads_best;
  return json.dump();
}

std::optional<MachineSpeed> stored_speed(const std::filesystem::path& file, const MachineKey& key) {
  const Json machine = key_json(key);
  for (const Json& entry : stored_machines(file)) {
    if (!is_of(entry, machine)) continue;
    try {
      return parse_speed(entry.at("speed"));
    } catch (const Json::exception&) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

void store_speed(const std::filesystem::path& file, const MachineKey& key,
                 const MachineSpeed& speed) {
  const Json machine = key_json(key);
  Json machines = Json::array();
  for (const Json& entry : stored_machines(file)) {
    if (!is_of(entry, machine)) machines.push_back(entry);
  }
  while (machines.size() >= kMachinesMax) machines.erase(0);
  machines.push_back({{"machine", machine}, {"speed", Json::parse(speed_json(speed))}});
  write_file_atomic(file, Json{{"format", kFormat}, {"machines", machines}}.dump(1) + "\n");
}

}  // namespace ondol::app
