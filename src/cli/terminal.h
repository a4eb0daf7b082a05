// Writing to a terminal, a pipe or a file: results, and the progress of long work.
//
//   Output output(1);                       // stdout
//   TerminalProgress progress(2, language); // stderr
//   if (!output.write("text")) ...          // the reader has gone
//
// On a terminal progress is one line that is rewritten and fits 80 columns; elsewhere plain lines,
// at most one every five seconds or at a change of stage. Both are thread-safe; neither throws on a
// write (a closed pipe is no error): the program asks output.failure() at its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "cli/messages.h"

namespace ondol::cli {

class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  // false: nobody reads any more (or the disk is full); what follows is dropped.
  bool write(std::string_view text);
  bool line(std::string text) { return write(text += '\n'); }
  bool closed() const;
  int failure() const;  // errno of the first failed write; 0: none
  bool is_terminal() const;

 private:
  int fd_;
  mutable std::mutex mutex_;
  int failure_ = 0;
};

class TerminalProgress final : public ProgressSink {
 public:
  // After Ctrl-C update() throws Error(kCancelled): whoever reports from threads of its own carries
  // that to the thread that waits (conventions, C17).
  TerminalProgress(int fd, Language language);
  ~TerminalProgress() override;
  void update(std::string_view stage, uint64_t done, uint64_t total) override;
  void notice(std::string_view sentence) override;
  // Takes the rewritten line away, so that a result can follow on the same terminal.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  std::string describe(uint64_t done, uint64_t total, Clock::time_point now) const;
  void draw(uint64_t done, uint64_t total);

  Output output_;
  Language language_;
  bool rewrites_;
  size_t columns_;
  std::mutex mutex_;
  std::string stage_;
  Clock::time_point stage_start_{};
  uint64_t stage_first_ = 0;  // units done when the stage was first heard of
  Clock::time_point drawn_{};
  uint64_t last_done_ = 0;
  uint64_t last_total_ = 0;
  bool pending_ = false;  // the last update is not drawn yet
  bool on_line_ = false;
};

// Ctrl-C: the first one asks for an orderly stop, the second ends the process.
void install_interrupt();
// The same for SIGTERM: mpirun passes a Ctrl-C on as that.
void install_terminate();
bool interrupted();

// Columns a terminal takes for a text: wide for Hangul, Han, kana and full-width forms.
size_t display_columns(std::string_view utf8);
// The longest beginning that takes at most `columns`.
std::string_view clip_columns(std::string_view utf8, size_t columns);
// Words broken into lines of at most `width` columns, the second and later ones indented.
std::string wrap(std::string_view text, size_t width, size_t indent);

std::string format_bytes(uint64_t bytes);     // "88.6 MB"
std::string format_duration(double seconds);  // "0:07", "1:02:03"

}  // namespace ondol::cli
