// What this process has used, from the kernel's own accounting.
#pragma once

#include <cstdint>

namespace ondol::app {

double process_cpu_seconds();      // user and system, all threads
int64_t process_peak_rss_bytes();  // highest resident set since the start or the last reset
int64_t available_memory_bytes();  // that new work may take without swapping; 0: not known
void reset_peak_rss();  // where the kernel allows it; otherwise the peak goes on from before

}  // namespace ondol::app
