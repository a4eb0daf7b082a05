// How rooms below `app` report long work: they never print or log (conventions, C22).
#pragma once

#include <cstdint>
#include <string_view>

namespace ondol {

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  // `done` of `total` units of the named stage; total 0 means unknown. May be called from any
  // thread. Throws Error(kCancelled) when the user asks to stop.
  virtual void update(std::string_view stage, uint64_t done, uint64_t total) = 0;
  // One sentence a person should read even after the work is over, for example a fallback taken.
  virtual void notice(std::string_view sentence) = 0;
};

// Drops everything: for tests and for callers without a listener.
class SilentProgress final : public ProgressSink {
 public:
  void update(std::string_view, uint64_t, uint64_t) override {}
  void notice(std::string_view) override {}
};

}  // namespace ondol
