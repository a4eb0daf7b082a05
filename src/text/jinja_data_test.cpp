// The shared vectors: templates with the texts they must give.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "support/paths.h"
#include "text/chat.h"
#include "text/jinja_cases.h"

namespace ondol::text {
namespace {

using nlohmann::ordered_json;

std::vector<ordered_json> read_rows(const std::filesystem::path& path) {
  std::vector<ordered_json> rows;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) rows.push_back(ordered_json::parse(line));
  }
  return rows;
}

TEST(JinjaVectors, EveryTemplateGivesItsText) {
  ONDOL_NEED_DATA("jinja_vectors");
  size_t rows = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::data_dir() / "jinja_vectors")) {
    if (entry.path().extension() != ".jsonl") continue;
    for (const ordered_json& row : read_rows(entry.path())) {
      const std::string source = row["template"];
      ++rows;
      try {
        EXPECT_EQ(render_with(source, row["context"].dump()), row["expected"].get<std::string>())
            << row["name"] << "\n"
            << source;
      } catch (const Error& error) {
        ADD_FAILURE() << row["name"] << "\n" << source << "\n" << error.what();
      }
    }
  }
  EXPECT_GE(rows, 132u);
}

std::vector<ChatMessage> read_messages(const ordered_json& rows) {
  std::vector<ChatMessage> messages;
  for (const ordered_json& row : rows) messages.push_back({row["role"], row["content"], {}});
  return messages;
}

// llama.cpp drops a bos_token that begins the prompt: the vectors may lack it.
std::string without_bos(std::string text, const std::string& bos) {
  if (!bos.empty() && text.rfind(bos, 0) == 0) text.erase(0, bos.size());
  return text;
}

TEST(ChatTemplateVectors, EveryAgreeingRow) {
  ONDOL_NEED_DATA("chat_templates");
  size_t rows = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::data_dir() / "chat_templates")) {
    if (entry.path().filename().string().rfind("vectors.", 0) != 0) continue;
    for (const ordered_json& row : read_rows(entry.path())) {
      if (!row["python_jinja2_agrees"].get<bool>()) continue;
      ++rows;
      const std::string bos = row["bos_token"];
      const ChatTemplate chat(row["template"].get<std::string>(), {bos, row["eos_token"]});
      ChatRenderOptions options;
      options.add_generation_prompt = row["add_generation_prompt"];
      const std::string text = join_spans(chat.render(read_messages(row["messages"]), options));
      EXPECT_EQ(without_bos(text, bos), without_bos(row["expected"], bos)) << row["name"];
    }
  }
  EXPECT_GE(rows, 13u);
}

// These need tools or variables of their own, or change a message: Python's jinja2 ends in an error
// for a plain conversation too.
const std::set<std::string> kFailInPythonToo = {
    "CohereForAI-c4ai-command-r-plus-tool_use.jinja",
    "MiroThinker.jinja",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja",
    "fireworks-ai-llama-3-firefunction-v2.jinja",
};

// Real templates: a text that holds what was said, or the template's own refusal.
TEST(ChatTemplates, EveryRealTemplateRendersOrRefuses) {
  ONDOL_NEED_DATA("chat_templates");
  const std::vector<ChatMessage> messages = {{"system", "Answer in verse.", {}},
                                             {"user", "What is a stove?", {}},
                                             {"assistant", "A fire that stays.", {}},
                                             {"user", "And a chimney?", {}}};
  size_t files = 0, rendered = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(testing::data_dir() / "chat_templates" / "templates")) {
    ++files;
    std::ifstream in(entry.path());
    const std::string source{std::istreambuf_iterator<char>(in), {}};
    try {
      const ChatTemplate chat(source, {"<s>", "</s>"});
      const std::string text = join_spans(chat.render(messages, {.now = 1'700'000'000}));
      EXPECT_NE(text.find("And a chimney?"), std::string::npos) << entry.path();
      ++rendered;
    } catch (const Error& error) {
      const std::string what = error.what();
      const bool refused = what.find("refuses this conversation") != std::string::npos;
      const bool expected = kFailInPythonToo.count(entry.path().filename().string()) > 0;
      EXPECT_TRUE(refused || expected) << entry.path() << "\n" << what;
    }
  }
  EXPECT_GE(files, 50u);
  EXPECT_GE(rendered, files - 6);
}

}  // namespace
}  // namespace ondol::text
