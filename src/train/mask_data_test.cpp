// The templates of real models: either both answers are learned and nothing that was asked, or the
// error says why not. Never a silent mask of nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "support/paths.h"
#include "text/tokenizer_toy.h"
#include "train/example.h"

namespace ondol::train {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> template_files() {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(testing::data_dir() / "chat_templates" / "templates")) {
    if (entry.path().extension() == ".jinja") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string learned_text(const text::Tokenizer& tokenizer, const Example& example) {
  std::vector<TokenId> ids;
  for (size_t t = 0; t < example.ids.size(); ++t) {
    if (example.loss[t]) ids.push_back(example.ids[t]);
  }
  return tokenizer.decode(ids, true);
}

TEST(RealTemplates, LearnTheAnswersAndNothingThatWasAsked) {
  ONDOL_NEED_DATA("chat_templates");
  const auto tokenizer = text::make_tokenizer(text::toy_bpe());
  const Row row{ChatRow{{{"user", "QUESTION-ONE", ""},
                         {"assistant", "ANSWER-ONE", ""},
                         {"user", "QUESTION-TWO", ""},
                         {"assistant", "ANSWER-TWO", ""}},
                        {},
                        ""}};
  size_t good = 0, several = 0;
  std::string refused;
  const std::vector<fs::path> files = template_files();
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.filename().string());
    std::vector<Example> examples;
    try {
      const Renderer renderer(*tokenizer, read_file(file), {.now = 0});
      examples = renderer.render(row);
    } catch (const Error& error) {
      EXPECT_GT(std::string(error.what()).size(), 20U);
      refused += "  " + file.filename().string() + ": " + error.what() + "\n";
      continue;
    }
    std::string learned;
    for (const Example& example : examples) learned += learned_text(*tokenizer, example);
    const size_t one = learned.find("ANSWER-ONE");
    const size_t two = learned.find("ANSWER-TWO");
    ASSERT_NE(one, std::string::npos) << learned;
    ASSERT_NE(two, std::string::npos) << learned;
    EXPECT_LT(one, two);
    EXPECT_EQ(learned.find("QUESTION"), std::string::npos) << learned;
    EXPECT_EQ(learned.find("ANSWER-ONE", one + 1), std::string::npos) << "learned twice";
    several += examples.size() > 1 ? 1 : 0;
    ++good;
  }
  RecordProperty("one_example_a_turn", static_cast<int>(several));
  // Four of the others cannot be rendered without tools, one sets members of a dict, one writes
  // another beginning when it asks.
  EXPECT_GE(good, 49U) << refused;
  EXPECT_GE(several, 6U);
}

}  // namespace
}  // namespace ondol::train
