#include "app/process_stats.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace ondol::app {
namespace {

// A line "VmHWM:    1234 kB" of a file under /proc.
int64_t proc_kib(const char* file, const std::string& key) {
  std::ifstream status(file);
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":")) return std::stoll(line.substr(key.size() + 1));
  }
  return 0;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

double process_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int64_t process_peak_rss_bytes() { return proc_kib("/proc/self/status", "VmHWM") * 1024; }

int64_t available_memory_bytes() { return proc_kib("/proc/meminfo", "MemAvailable") * 1024; }

// proc(5): writing 5 to clear_refs resets the peak resident set size.
void reset_peak_rss() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace ondol::app
