#include "base/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>
#include <tuple>
#include <type_traits>

namespace ondol {
namespace {

// The events that enclose the one at hand, outermost first.
class Enclosing {
 public:
  // Closes what ended before `event` began and gives the event it lies in, or null.
  ProfileEvent* enter(ProfileEvent& event) {
    if (!open_.empty() && open_.front()->thread != event.thread) open_.clear();
    while (!open_.empty() && open_.back()->start + open_.back()->duration <= event.start) {
      open_.pop_back();
    }
    ProfileEvent* outer = open_.empty() ? nullptr : open_.back();
    open_.push_back(&event);
    return outer;
  }

 private:
  std::vector<ProfileEvent*> open_;
};

std::string what_of(const ProfileWork& work) {
  std::string what(work.type);
  if (work.rows > 0 && work.columns > 0) {
    what += fmt::format("{}{}x{}", what.empty() ? "" : " ", work.rows, work.columns);
  }
  return what;
}

const char* tokens_class(int64_t tokens) {
  if (tokens <= 0) return "";
  if (tokens == 1) return "1";
  return tokens <= 16 ? "2-16" : "17+";
}

void append_arguments(const ProfileWork& work, std::string& out) {
  const char* comma = "";
  const auto add = [&](const char* name, int64_t value, int64_t silent) {
    if (value == silent) return;
    fmt::format_to(std::back_inserter(out), "{}\"{}\":{}", comma, name, value);
    comma = ",";
  };
  if (!work.type.empty()) {
    fmt::format_to(std::back_inserter(out), "\"type\":\"{}\"", work.type);
    comma = ",";
  }
  add("tokens", work.tokens, 0);
  add("rows", work.rows, 0);
  add("columns", work.columns, 0);
  add("bytes", work.bytes, 0);
  add("operations", work.operations, 0);
  add("layer", work.layer, -1);
  add("prefill", work.prefill, 0);
  add("decode", work.decode, 0);
}

double microseconds(int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

std::string per_second(int64_t amount, int64_t nanoseconds) {
  if (amount == 0 || nanoseconds == 0) return "";
  return fmt::format("{:.1f}", static_cast<double>(amount) / static_cast<double>(nanoseconds));
}

}  // namespace

// calloc gives pages of zeros that are touched when they are used, and zeros are an event that is
// not there yet.
static_assert(std::is_trivially_destructible_v<ProfileEvent>);
void Profile::Free::operator()(ProfileEvent* events) const { std::free(events); }

Profile::Profile(size_t events_max)
    : begin_(Clock::now()),
      events_max_(events_max),
      slots_(static_cast<ProfileEvent*>(std::calloc(events_max, sizeof(ProfileEvent)))) {
  if (!slots_) throw std::bad_alloc();
}
Profile::~Profile() = default;

void Profile::record(const char* name, Clock::time_point from, Clock::time_point to,
                     const ProfileWork& work) noexcept {
  const uint64_t index = next_.fetch_add(1, std::memory_order_relaxed);
  if (index >= events_max_) return;
  ProfileEvent& slot = slots_[index];
  slot.thread = std::this_thread::get_id();
  slot.start = std::chrono::nanoseconds(from - begin_).count();
  slot.duration = std::chrono::nanoseconds(to - from).count();
  slot.work = work;
  // Last: a reader that sees the name sees the rest.
  std::atomic_ref(slot.name).store(name, std::memory_order_release);
}

uint64_t Profile::dropped() const {
  const uint64_t recorded = next_.load(std::memory_order_relaxed);
  return recorded > events_max_ ? recorded - events_max_ : 0;
}

std::vector<ProfileEvent> Profile::events() const {
  const uint64_t count = std::min<uint64_t>(next_.load(std::memory_order_relaxed), events_max_);
  std::vector<ProfileEvent> events;
  events.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const char* name = std::atomic_ref(slots_[i].name).load(std::memory_order_acquire);
    if (name != nullptr) events.push_back(slots_[i]);  // else it is being written
  }
  std::stable_sort(events.begin(), events.end(), [](const ProfileEvent& a, const ProfileEvent& b) {
    return std::tuple(a.thread, a.start, -a.duration) < std::tuple(b.thread, b.start, -b.duration);
  });
  Enclosing enclosing;
  for (ProfileEvent& event : events) {
    const ProfileEvent* outer = enclosing.enter(event);
    if (outer != nullptr && event.work.layer < 0) event.work.layer = outer->work.layer;
  }
  return events;
}

std::vector<ProfileRow> Profile::rows() const {
  std::vector<ProfileEvent> all = events();
  std::vector<int64_t> self;
  Enclosing enclosing;
  for (ProfileEvent& event : all) {
    self.push_back(event.duration);
    if (const ProfileEvent* outer = enclosing.enter(event)) {
      self[static_cast<size_t>(outer - all.data())] -= event.duration;
    }
  }
  std::map<std::tuple<std::string, std::string, std::string>, ProfileRow> sums;
  for (size_t i = 0; i < all.size(); ++i) {
    const ProfileEvent& event = all[i];
    std::tuple key(event.name, what_of(event.work), tokens_class(event.work.tokens));
    ProfileRow& row = sums[key];
    if (row.calls++ == 0) std::tie(row.name, row.what, row.tokens) = key;
    row.nanoseconds += event.duration;
    row.self_nanoseconds += self[i];
    row.bytes += event.work.bytes;
    row.operations += event.work.operations;
  }
  std::vector<ProfileRow> rows;
  for (auto& [key, row] : sums) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(), [](const ProfileRow& a, const ProfileRow& b) {
    return a.self_nanoseconds > b.self_nanoseconds;
  });
  return rows;
}

std::string Profile::trace_json() const {
  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  out += R"({"name":"process_name","ph":"M","pid":1,"tid":1,"args":{"name":"ondol"}})";
  std::map<std::thread::id, size_t> threads;  // small numbers instead of addresses
  for (const ProfileEvent& event : events()) {
    const size_t thread = threads.try_emplace(event.thread, threads.size() + 1).first->second;
    fmt::format_to(std::back_inserter(out),
                   ",\n{{\"name\":\"{}\",\"cat\":\"ondol\",\"ph\":\"X\",\"ts\":{:.3f},"
                   "\"dur\":{:.3f},\"pid\":1,\"tid\":{},\"args\":{{",
                   event.name, microseconds(event.start), microseconds(event.duration), thread);
    append_arguments(event.work, out);
    out += "}}";
  }
  out += fmt::format("\n],\"otherData\":{{\"events_dropped\":{}}}}}\n", dropped());
  return out;
}

std::string Profile::table() const {
  const std::vector<ProfileRow> all = rows();
  int64_t total = 0;
  for (const ProfileRow& row : all) total += row.self_nanoseconds;
  std::string out = fmt::format("{:<14} {:<18} {:>6} {:>8} {:>9} {:>5} {:>7} {:>6}\n", "op",
                                "weight", "tokens", "calls", "ms", "%", "GFLOP/s", "GB/s");
  for (const ProfileRow& row : all) {
    const double share = 100.0 * static_cast<double>(row.self_nanoseconds) /
                         static_cast<double>(std::max<int64_t>(total, 1));
    fmt::format_to(std::back_inserter(out),
                   "{:<14} {:<18} {:>6} {:>8} {:>9.1f} {:>5.1f} {:>7} {:>6}\n", row.name, row.what,
                   row.tokens, row.calls, microseconds(row.self_nanoseconds) / 1e3, share,
                   per_second(row.operations, row.self_nanoseconds),
                   per_second(row.bytes, row.self_nanoseconds));
  }
  if (dropped() > 0) {
    out += fmt::format("{} events did not fit and are missing; measure a shorter run\n", dropped());
  }
  return out;
}

}  // namespace ondol
