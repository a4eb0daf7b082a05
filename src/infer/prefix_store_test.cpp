// Pages on disk: whole or not at all, never more than allowed, and found again after kill -9.
#include "infer/prefix_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/files.h"
#include "base/rng.h"
#include "infer/test_support.h"
#include "support/child.h"

namespace ondol::testing {
namespace {

namespace fs = std::filesystem;
using infer::PrefixStore;

constexpr size_t kPage = 1000;
constexpr const char* kFolderVariable = "ONDOL_TEST_PREFIX_FOLDER";

// A fresh folder, removed with all in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "ondol_prefix.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& file : fs::directory_iterator(path_)) found.push_back(file.path());
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  fs::path path_;
};

std::vector<std::byte> page_of(int64_t seed, size_t size = kPage) {
  Rng rng(static_cast<uint64_t>(seed));
  std::vector<std::byte> page(size);
  for (std::byte& byte : page) byte = static_cast<std::byte>(rng.below(256));
  return page;
}

std::string name_of(const PrefixStore& store, int64_t seed) {
  return store.name(store.root(), some_ids(64, seed));
}

void save_all(PrefixStore& store, int64_t count) {
  for (int64_t i = 0; i < count; ++i) ASSERT_TRUE(store.save(name_of(store, i), page_of(i)));
  store.flush();
}

bool loads(PrefixStore& store, int64_t seed) {
  std::vector<std::byte> page(kPage);
  return store.load(name_of(store, seed), page) && page == page_of(seed);
}

TEST(PrefixStore, FindsAgainWhatWasSaved) {
  const Folder folder;
  {
    PrefixStore store(folder.path() / "new", "key", 1 << 20);
    save_all(store, 5);
    EXPECT_TRUE(loads(store, 3));
    EXPECT_EQ(store.stats().pages_saved, 5);
  }
  PrefixStore store(folder.path() / "new", "key", 1 << 20);
  EXPECT_EQ(store.stats().pages, 5);
  for (int64_t i = 0; i < 5; ++i) EXPECT_TRUE(store.contains(name_of(store, i)) && loads(store, i));
  EXPECT_FALSE(store.contains(name_of(store, 5)));
  EXPECT_FALSE(loads(store, 5));
  // Another model, other tokens before, other tokens: other names.
  PrefixStore other(folder.path() / "new", "other key", 1 << 20);
  EXPECT_FALSE(other.contains(name_of(other, 0)));
  EXPECT_NE(store.name(name_of(store, 1), some_ids(64, 2)), name_of(store, 2));
  EXPECT_NE(store.name(store.root(), some_ids(63, 2)), name_of(store, 2));
}

TEST(PrefixStore, ADamagedFileIsAbsent) {
  const Folder folder;
  PrefixStore store(folder.path(), "key", 1 << 20);
  save_all(store, 1);
  const fs::path file = folder.files().at(0);
  const std::string good = read_file(file);
  const auto reads = [&](const std::string& content) {
    write_file_atomic(file, content);
    PrefixStore again(folder.path(), "key", 1 << 20);
    const bool fine = loads(again, 0);
    EXPECT_EQ(again.contains(name_of(again, 0)), fine);
    EXPECT_EQ(fs::exists(file), fine);  // what is no use does not stay
    return fine;
  };
  EXPECT_TRUE(reads(good));
  for (const size_t at : {0UL, 8UL, 71UL, 72UL, 79UL, 80UL, good.size() / 2, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(reads(bad)) << "byte " << at;
  }
  for (const size_t length : {size_t{0}, size_t{7}, size_t{80}, good.size() - 1}) {
    EXPECT_FALSE(reads(good.substr(0, length))) << length;
  }
  EXPECT_FALSE(reads(good + "x"));
  EXPECT_TRUE(reads(good));
  // A page of another size under the same name.
  std::vector<std::byte> larger(kPage + 1);
  EXPECT_FALSE(store.load(name_of(store, 0), larger));
}

TEST(PrefixStore, APageUnderAnotherNameIsNotTaken) {
  const Folder folder;
  PrefixStore store(folder.path(), "key", 1 << 20);
  save_all(store, 2);
  fs::copy_file(folder.path() / (name_of(store, 0) + ".kv"),
                folder.path() / (name_of(store, 1) + ".kv"), fs::copy_options::overwrite_existing);
  EXPECT_FALSE(loads(store, 1));
  EXPECT_TRUE(loads(store, 0));
}

TEST(PrefixStore, TheLongestUnusedMakesRoom) {
  const Folder folder;
  constexpr size_t kFour = 4 * (kPage + 144);
  {
    PrefixStore store(folder.path(), "key", kFour);
    save_all(store, 4);
    store.touch(name_of(store, 0));
    ASSERT_TRUE(store.save(name_of(store, 9), page_of(9)));
    store.flush();
    EXPECT_EQ(folder.files().size(), 4U);
    EXPECT_FALSE(store.contains(name_of(store, 1)));
    EXPECT_TRUE(loads(store, 0) && loads(store, 9));
    EXPECT_TRUE(store.save(name_of(store, 5), page_of(5, kFour + 1)));  // never fits
    store.flush();
    EXPECT_EQ(folder.files().size(), 4U);
  }
  PrefixStore smaller(folder.path(), "key", kFour / 2);
  EXPECT_EQ(folder.files().size(), 2U);
  EXPECT_TRUE(loads(smaller, 9));
}

TEST(PrefixStore, LeavesOtherFilesAloneAndSweepsItsOwn) {
  const Folder folder;
  const std::string name(64, 'a');
  for (const std::string file : {"notes.txt", "short.kv", ".hidden"}) {
    write_file_atomic(folder.path() / file, "mine");
  }
  const fs::path stale = folder.path() / ("." + name + ".kv.aB3xYz");
  const fs::path fresh = folder.path() / ("." + name + ".kv.cD3xYz");
  for (const fs::path& file : {stale, fresh}) write_file_atomic(file, "half a page");
  fs::last_write_time(stale, fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::create_directory(folder.path() / (name + ".kv"));
  PrefixStore store(folder.path(), "key", 1);
  EXPECT_EQ(store.stats().pages, 0);
  EXPECT_FALSE(fs::exists(stale));
  EXPECT_TRUE(fs::exists(fresh));  // another process may be at it
  EXPECT_EQ(folder.files().size(), 5U);
}

TEST(PrefixStore, AFolderThatCannotBeIsAnErrorAndAFullDiskIsCounted) {
  const Folder folder;
  write_file_atomic(folder.path() / "file", "x");
  expect_error([&] { PrefixStore(folder.path() / "file", "key", 1 << 20); },
               ErrorCode::kInvalidArgument, {"prefix_store", "file"});
  PrefixStore store(folder.path() / "gone", "key", 1 << 20);
  // No page can be written where a file stands.
  fs::remove_all(folder.path() / "gone");
  write_file_atomic(folder.path() / "gone", "x");
  save_all(store, 20);
  EXPECT_GT(store.stats().failures, 0);
  EXPECT_LE(store.stats().failures, 8);
  EXPECT_NE(store.stats().last_error.find("gone"), std::string::npos);
  EXPECT_FALSE(loads(store, 0));
}

TEST(PrefixStore, TakesNoMoreThanItMayQueue) {
  const Folder folder;
  PrefixStore store(folder.path(), "key", size_t{1} << 30);
  constexpr size_t kLarge = PrefixStore::kQueuedBytesMax / 3;
  const std::vector<std::byte> page(kLarge);
  int64_t taken = 0;
  while (taken < 40 && store.save(name_of(store, taken), page)) ++taken;
  EXPECT_GE(taken, 3);
  EXPECT_LT(taken, 40);
  store.flush();
  EXPECT_TRUE(store.save(name_of(store, 50), page));
}

// ---- through the generator ----

GenerateRequest ask(int64_t question) {
  GenerateRequest request;
  std::vector<TokenId> prompt = some_ids(150);
  for (const TokenId id : some_ids(20, question + 1)) prompt.push_back(id);
  request.prompt = std::move(prompt);
  request.tokens_max = 8;
  request.sampler = {.temperature = 25, .logit_bias = ascii_only()};
  return request;
}

TEST(PrefixStore, AnotherGeneratorGoesOnFromTheDisk) {
  const Folder folder;
  const auto plain = tiny_generator({.prefix_cache = false});
  {
    const auto first = tiny_generator({.prefix_folder = folder.path()});
    first->generate(ask(1));
  }
  EXPECT_EQ(folder.files().size(), 2U);  // two full pages of the prompt
  for (int64_t question = 1; question < 4; ++question) {
    const auto next = tiny_generator({.prefix_folder = folder.path()});
    const GenerateResult got = next->generate(ask(question));
    EXPECT_EQ(got.usage.cached_tokens, 128);
    EXPECT_EQ(got.samples[0].ids, plain->generate(ask(question)).samples[0].ids);
    EXPECT_EQ(next->stats().pages_loaded, 2);
    const ScoreRequest score{.prompt = ask(question).prompt, .continuations = {" he", " world"}};
    EXPECT_EQ(next->score(score)[1].log_likelihood, plain->score(score)[1].log_likelihood);
  }
  // Exact numbers are another key.
  const auto exact =
      tiny_generator({.precision = Precision::kExact, .prefix_folder = folder.path()});
  EXPECT_EQ(exact->generate(ask(1)).usage.cached_tokens, 0);
}

TEST(PrefixStore, ADamagedPageIsComputedAgain) {
  const Folder folder;
  tiny_generator({.prefix_folder = folder.path()})->generate(ask(1));
  const auto plain = tiny_generator({.prefix_cache = false});
  const auto expected = plain->generate(ask(2)).samples[0].ids;
  for (const fs::path& file : folder.files()) {
    std::string content = read_file(file);
    content[content.size() / 2] ^= 4;
    write_file_atomic(file, content);
    const auto next = tiny_generator({.prefix_folder = folder.path()});
    const GenerateResult got = next->generate(ask(2));
    EXPECT_EQ(got.samples[0].ids, expected);
    EXPECT_LT(got.usage.cached_tokens, 128);
  }
  const auto healed = tiny_generator({.prefix_folder = folder.path()});
  EXPECT_EQ(healed->generate(ask(2)).usage.cached_tokens, 128);
}

// What the child below runs: asks one question after the other and saves, until it is killed.
TEST(PrefixStoreChild, DISABLED_FillsTheFolderUntilItIsKilled) {
  const char* folder = std::getenv(kFolderVariable);
  ASSERT_NE(folder, nullptr);
  const auto generator = tiny_generator({.prefix_folder = folder});
  for (int64_t round = 0; round < 100000; ++round) {
    GenerateRequest request = ask(round % 3);
    if (round % 2 == 1) request.prompt = some_ids(200, round);
    generator->generate(std::move(request));
  }
}

pid_t spawn_child(const fs::path& folder) {
  return ondol::testing::spawn_test_child("PrefixStoreChild.*",
                                          std::string(kFolderVariable) + "=" + folder.string());
}

TEST(PrefixStore, SurvivesKillMinusNine) {
  const Folder folder;
  const auto plain = tiny_generator({.prefix_cache = false});
  Rng rng(11);
  for (int round = 0; round < 6; ++round) {
    const pid_t child = spawn_child(folder.path());
    ASSERT_GT(child, 0);
    const auto enough = [&] { return folder.files().size() > static_cast<size_t>(3 + 4 * round); };
    for (int i = 0; i < 12000 && !enough(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(5000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    const auto next = tiny_generator({.prefix_folder = folder.path()});
    for (int64_t question = 0; question < 3; ++question) {
      const GenerateResult got = next->generate(ask(question));
      EXPECT_GE(got.usage.cached_tokens, 128);
      EXPECT_EQ(got.samples[0].ids, plain->generate(ask(question)).samples[0].ids);
    }
    EXPECT_EQ(next->stats().pages_loaded, 2);
  }
}

}  // namespace
}  // namespace ondol::testing
