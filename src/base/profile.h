// A timeline of what the engine did: one event an op, a step, a load.
//
//   Profile profile;
//   {
//     const ProfileScope scope(&profile, "linear", [&] { return work_of(x); });  // null: no
//     profile
//     ...
//   }
//   write_file_atomic("trace.json", profile.trace_json());   // chrome://tracing, Perfetto
//   std::fputs(profile.table().c_str(), stderr);
//
// The room for events is taken once; recording allocates nothing and takes no lock. What does not
// fit is counted, not kept, and said in the file and the table. Scopes may close on any thread,
// also while another thread reads; a scope that is still open is not seen. Names and types are
// string literals or live as long as the profile.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ondol {

// What an event worked on; 0 (or empty, or a negative layer) says nothing.
struct ProfileWork {
  std::string_view type;  // of the weights: "q4_1"
  int64_t tokens = 0;
  int64_t rows = 0;  // of the weight: outputs
  int64_t columns = 0;
  int64_t bytes = 0;       // read from memory, when every byte is read once
  int64_t operations = 0;  // multiplications and additions
  int64_t layer = -1;
  int64_t prefill = 0;  // of a step: prompt tokens and generated tokens
  int64_t decode = 0;
};

struct ProfileEvent {
  const char* name = nullptr;
  std::thread::id thread;
  int64_t start = 0;  // nanoseconds since the profile began
  int64_t duration = 0;
  ProfileWork work;
};

// Events of one kind: the same name, type and shape at the same class of batch size.
struct ProfileRow {
  std::string name;
  std::string what;    // "q4_1 1536x576", empty when the event names no weight
  std::string tokens;  // "1", "2-16", "17+", empty when the event counts none
  int64_t calls = 0;
  int64_t nanoseconds = 0;       // begin to end
  int64_t self_nanoseconds = 0;  // without the events inside
  int64_t bytes = 0;
  int64_t operations = 0;
};

class Profile {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr size_t kEventsMax = size_t{1} << 19;  // 60 MB, touched as it fills
  explicit Profile(size_t events_max = kEventsMax);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  Clock::time_point begin() const { return begin_; }
  void record(const char* name, Clock::time_point from, Clock::time_point to,
              const ProfileWork& work) noexcept;

  // By thread, then by begin; an event stands before those inside it, which inherit its layer.
  std::vector<ProfileEvent> events() const;
  uint64_t dropped() const;
  // The sums, most time of their own first.
  std::vector<ProfileRow> rows() const;
  // Trace Event Format: {"traceEvents": [{"name", "cat", "ph": "X", "ts", "dur", "pid", "tid",
  // "args"}]}, times in microseconds.
  std::string trace_json() const;
  // The rows for people, 80 columns wide.
  std::string table() const;

 private:
  struct Free {
    void operator()(ProfileEvent* events) const;
  };
  const Clock::time_point begin_;
  const size_t events_max_;
  std::unique_ptr<ProfileEvent[], Free> slots_;
  std::atomic<uint64_t> next_{0};
};

// Records the time from its making to its end. `work` is called at the end, and only if there is a
// profile: without one a scope costs two branches.
template <class Work>
class ProfileScope {
 public:
  ProfileScope(Profile* profile, const char* name, Work work)
      : profile_(profile), name_(name), work_(work) {
    if (profile_ != nullptr) from_ = Profile::Clock::now();
  }
  ~ProfileScope() {
    if (profile_ == nullptr) return;
    const Profile::Clock::time_point to = Profile::Clock::now();
    profile_->record(name_, from_, to, work_());
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  Profile* profile_;
  const char* name_;
  Work work_;
  Profile::Clock::time_point from_;
};

}  // namespace ondol
