#include "cli/terminal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/error.h"

namespace ondol::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~Pipe() {
    close_reader();
    ::close(ends_[1]);
  }
  int writer() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) ::close(ends_[0]);
    ends_[0] = -1;
  }
  std::string read_all() {
    ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t n; (n = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(n));
    }
    return text;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

TEST(Output, AClosedPipeIsNotedAndNotThrown) {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  Output output(pipe.writer());
  EXPECT_TRUE(output.write("one"));
  EXPECT_EQ(pipe.read_all(), "one");
  pipe.close_reader();
  EXPECT_FALSE(output.write("two"));
  EXPECT_TRUE(output.closed());
}

TEST(Output, AFullDiskIsAFailureButNotAClosedPipe) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  Output output(full);
  EXPECT_FALSE(output.write("text"));
  EXPECT_FALSE(output.closed());
  EXPECT_EQ(output.failure(), ENOSPC);
  ::close(full);
}

TEST(Progress, PlainLinesComeAtAChangeOfStageAndNotEveryTime) {
  Pipe pipe;
  {
    TerminalProgress progress(pipe.writer(), Language::kEnglish);
    for (uint64_t i = 0; i <= 100; ++i) progress.update("ingest", i, 100);
    progress.update("download big", 500000, 2000000);
    progress.notice("a sentence");
  }
  EXPECT_EQ(pipe.read_all(),
            "ingest    0%  0/100\n"
            "ingest  100%  100/100\n"
            "download big   25%  500 kB/2.0 MB\n"
            "note: a sentence\n");
}

TEST(Progress, StagesAndNoticesAreKoreanWhereAsked) {
  Pipe pipe;
  {
    TerminalProgress progress(pipe.writer(), Language::kKorean);
    progress.update("ingest", 1, 2);
    progress.notice("문장");
  }
  const std::string text = pipe.read_all();
  EXPECT_THAT(text, HasSubstr("문서 읽기"));
  EXPECT_THAT(text, HasSubstr("알림: 문장"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));  // no control sequences into a file
}

TEST(Progress, TheFirstWordOfAStageIsTranslated) {
  EXPECT_EQ(stage_label("compare: few-shot", Language::kKorean), "견주기: few-shot");
  EXPECT_EQ(stage_label("download a==1", Language::kKorean), "내려받기 a==1");
  EXPECT_EQ(stage_label("compare: few-shot", Language::kEnglish), "compare: few-shot");
  EXPECT_EQ(stage_label("something new", Language::kKorean), "something new");
}

TEST(Text, ColumnsCountWideCharactersTwice) {
  EXPECT_EQ(display_columns("abc"), 3U);
  EXPECT_EQ(display_columns("온돌"), 4U);
  EXPECT_EQ(clip_columns("온돌이다", 5), "온돌");
  EXPECT_EQ(clip_columns("ab\xec", 9), "ab\xec");  // a cut character does not run past the end
}

TEST(Text, WrapBreaksAtWordsAndIndents) {
  EXPECT_EQ(wrap("aa bb cc", 5, 0), "aa bb\ncc");
  EXPECT_EQ(wrap("aa bb cc", 7, 2), "aa bb\n  cc");
  EXPECT_EQ(wrap("toolongword b", 4, 0), "toolongword\nb");
}

TEST(Text, AmountsAreShort) {
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(92871040), "92.9 MB");
  EXPECT_EQ(format_duration(7.4), "0:07");
  EXPECT_EQ(format_duration(3723), "1:02:03");
}

TEST(Language, IsAskedForOrTheLocales) {
  EXPECT_EQ(choose_language("ko", nullptr, nullptr), Language::kKorean);
  EXPECT_EQ(choose_language("en", "ko_KR.UTF-8", nullptr), Language::kEnglish);
  EXPECT_EQ(choose_language("", "ko_KR.UTF-8", "en_US"), Language::kKorean);
  EXPECT_EQ(choose_language("", "", "ko_KR"), Language::kKorean);
  EXPECT_EQ(choose_language("", "C", "ko_KR"), Language::kEnglish);
  EXPECT_THROW(choose_language("fr", nullptr, nullptr), Error);
}

}  // namespace
}  // namespace ondol::cli
