// Helper processes (pip, pdftotext): started without a shell, bounded in time and output.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ondol {

struct ProcessResult {
  int exit_code = -1;      // 128 + signal if it was killed
  bool timed_out = false;  // ended by us after seconds_max
  std::string output;      // stdout and stderr, the last output_bytes_max of it
};

struct ProcessOptions {
  double seconds_max = 600;
  size_t output_bytes_max = size_t{1} << 20;
  // Called about every 0.2 seconds while it runs; return false to end it.
  std::function<bool()> on_tick;
};

// arguments[0] is looked up in PATH. Throws Error(kUnavailable) when it cannot be started.
ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options);

}  // namespace ondol
