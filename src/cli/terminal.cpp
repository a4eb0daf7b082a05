#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "base/error.h"

namespace ondol::cli {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr auto kPlainLineEvery = std::chrono::seconds(5);
constexpr size_t kColumnsMax = 80;
// Rates from less time than this are noise.
constexpr double kRateSecondsMin = 0.5;

// A signal handler can reach nothing but a global.
std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

size_t terminal_columns(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsMax;
  return std::min<size_t>(size.ws_col, kColumnsMax);
}

}  // namespace

bool Output::write(std::string_view text) {
  const std::lock_guard lock(mutex_);
  while (failure_ == 0 && !text.empty()) {
    const ssize_t count = ::write(fd_, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  return failure_ == 0;
}

bool Output::closed() const { return failure() == EPIPE; }

int Output::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool Output::is_terminal() const { return ::isatty(fd_) == 1; }

TerminalProgress::TerminalProgress(int fd, Language language)
    : output_(fd),
      language_(language),
      rewrites_(output_.is_terminal()),
      columns_(terminal_columns(fd)) {}

TerminalProgress::~TerminalProgress() { clear(); }

void TerminalProgress::update(std::string_view stage, uint64_t done, uint64_t total) {
  if (interrupted()) {
    throw Error(ErrorCode::kCancelled, std::string(say(kStopped, language_)));
  }
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const bool new_stage = stage != stage_;
  if (new_stage) {
    // The end of a stage is worth a plain line, however soon it came.
    if (pending_ && !rewrites_) draw(last_done_, last_total_);
    stage_ = std::string(stage);
    stage_start_ = now;
    stage_first_ = done;
  }
  last_done_ = done;
  last_total_ = total;
  pending_ = true;
  const auto every = rewrites_ ? Clock::duration(kRedrawEvery) : Clock::duration(kPlainLineEvery);
  const bool last = rewrites_ && total > 0 && done >= total;
  if (new_stage || last || now - drawn_ >= every) draw(done, total);
}

void TerminalProgress::draw(uint64_t done, uint64_t total) {
  const auto now = Clock::now();
  drawn_ = now;
  pending_ = false;
  const std::string text = describe(done, total, now);
  if (rewrites_) {
    output_.write("\r\033[K" + std::string(clip_columns(text, columns_ - 1)));
    on_line_ = true;
  } else {
    output_.write(text + "\n");
  }
}

std::string TerminalProgress::describe(uint64_t done, uint64_t total, Clock::time_point now) const {
  const bool bytes = stage_counts_bytes(stage_);
  const auto amount = [bytes](uint64_t n) {
    return bytes ? format_bytes(n) : fmt::format("{}", n);
  };
  std::string tail;
  if (total > 0) {
    tail = fmt::format("  {:3}%  {}/{}", std::min<uint64_t>(100, done * 100 / total), amount(done),
                       amount(total));
  } else if (done > 0) {
    tail = "  " + amount(done);
  }
  const double seconds = std::chrono::duration<double>(now - stage_start_).count();
  const uint64_t since = done > stage_first_ ? done - stage_first_ : 0;
  if (since > 0 && seconds >= kRateSecondsMin) {
    const double rate = static_cast<double>(since) / seconds;
    tail += bytes ? fmt::format("  {}/s", format_bytes(static_cast<uint64_t>(rate)))
                  : fmt::format("  {:.{}f}/s", rate, rate < 10 ? 1 : 0);
    if (total > done) {
      tail += "  " + format_duration(static_cast<double>(total - done) / rate) +
              std::string(say(kTimeLeft, language_));
    }
  }
  // The numbers matter more than the end of a long label.
  const std::string label = stage_label(stage_, language_);
  const size_t room = columns_ - 1 - std::min(columns_ - 1, display_columns(tail));
  return std::string(rewrites_ ? clip_columns(label, room) : std::string_view(label)) + tail;
}

void TerminalProgress::notice(std::string_view sentence) {
  clear();
  const std::string text = std::string(say(kNote, language_)) + std::string(sentence);
  output_.write((rewrites_ ? wrap(text, columns_, 0) : text) + "\n");
}

void TerminalProgress::clear() {
  const std::lock_guard lock(mutex_);
  if (!rewrites_ && pending_) draw(last_done_, last_total_);
  if (on_line_) output_.write("\r\033[K");
  on_line_ = false;
  pending_ = false;
  stage_.clear();
}

namespace {

void stop_orderly_at(int signal) {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted.store(true, std::memory_order_relaxed); };
  action.sa_flags = SA_RESETHAND;  // no SA_RESTART: a wait for input ends
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_terminate() { stop_orderly_at(SIGTERM); }

void install_interrupt() {
  stop_orderly_at(SIGINT);
  // A reader that goes away shows as a failed write.
  ::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return g_interrupted.load(std::memory_order_relaxed); }

}  // namespace ondol::cli
