#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.h"

extern char** environ;

namespace ondol {
namespace {

using Clock = std::chrono::steady_clock;

pid_t spawn(const std::vector<std::string>& arguments, int output_fd) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output_fd, 1);
  posix_spawn_file_actions_adddup2(&actions, output_fd, 2);
  // A group of its own, so that ending it ends what it started.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw Error(ErrorCode::kUnavailable,
                "[process] cannot start '" + arguments[0] + "': " + std::strerror(error));
  }
  return pid;
}

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments,
                          const ProcessOptions& options) {
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) {
    throw Error(ErrorCode::kResourceExhausted,
                std::string("[process] cannot make a pipe: ") + std::strerror(errno));
  }
  struct Closer {
    int fd;
    ~Closer() {
      if (fd >= 0) ::close(fd);
    }
  } reader{pipe_fds[0]}, writer{pipe_fds[1]};
  const pid_t pid = spawn(arguments, writer.fd);
  ::close(std::exchange(writer.fd, -1));

  ProcessResult result;
  const auto deadline = Clock::now() + std::chrono::duration<double>(options.seconds_max);
  bool ended_by_us = false;
  while (true) {
    pollfd wait_for{.fd = reader.fd, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&wait_for, 1, 200);
    if (ready > 0) {
      char piece[4096];
      const ssize_t count = ::read(reader.fd, piece, sizeof piece);
      if (count == 0) break;  // every writer is gone
      if (count > 0) result.output.append(piece, static_cast<size_t>(count));
      if (result.output.size() > 2 * options.output_bytes_max) {
        result.output.erase(0, result.output.size() - options.output_bytes_max);
      }
    }
    result.timed_out = result.timed_out || Clock::now() > deadline;
    const bool stop = result.timed_out || (options.on_tick && !options.on_tick());
    if (stop && !std::exchange(ended_by_us, true)) ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = exit_code_of(status);
  if (result.output.size() > options.output_bytes_max) {
    result.output.erase(0, result.output.size() - options.output_bytes_max);
  }
  return result;
}

}  // namespace ondol
