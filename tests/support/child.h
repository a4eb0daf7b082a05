// This test program as a child that a test kills: the child runs tests that are disabled otherwise.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

namespace ondol::testing {

// Starts the tests of `filter` with "NAME=VALUE" in their environment; the caller kills and waits
// for it.
inline pid_t spawn_test_child(const std::string& filter, const std::string& variable) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<std::string> arguments = {self, "--gtest_filter=" + filter,
                                        "--gtest_also_run_disabled_tests"};
  std::vector<std::string> environment = {variable};
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    environment.emplace_back(*inherited);
  }
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> list;
    for (std::string& text : texts) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
  };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int failed = posix_spawn(&child, self.c_str(), &actions, nullptr,
                                 pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(failed, 0);
  return child;
}

}  // namespace ondol::testing
