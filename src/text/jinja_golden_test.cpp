// What Python's Jinja gives: tests/golden/jinja.jsonl and chat_templates.jsonl, made by
// tools/golden/jinja.py.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/paths.h"
#include "text/chat.h"
#include "text/jinja_cases.h"

namespace ondol::text {
namespace {

using nlohmann::ordered_json;

std::vector<ordered_json> read_golden(const std::string& name) {
  std::vector<ordered_json> rows;
  std::ifstream in(testing::golden_dir() / name);
  for (std::string line; std::getline(in, line);) rows.push_back(ordered_json::parse(line));
  return rows;
}

// Integers of Python have no end; ours have 64 bits and say so. Lists may change: see the methods.
std::string outcome(const std::string& source, const std::string& context, int64_t now) {
  using namespace jinja;
  try {
    const auto program = parse(source);
    Heap heap(Limits{});
    Runtime runtime(&heap, {now});
    const Value values = from_json(heap, context, kUntrusted, "the context");
    for (const auto& [name, value] : values.dict().entries) runtime.set(name.bytes(), value);
    return runtime.render(*program).bytes;
  } catch (const Error& error) {
    EXPECT_TRUE(std::string(error.what()).rfind("[chat template] line ", 0) == 0) << error.what();
    return std::string("error: ") + error.what();
  }
}

TEST(JinjaGolden, EveryCaseAsPython) {
  const std::vector<ordered_json> rows = read_golden("jinja.jsonl");
  ASSERT_GE(rows.size(), 500u);
  const std::string context = rows[0]["context"].dump();
  const int64_t now = rows[0]["now"];
  for (size_t i = 1; i < rows.size(); ++i) {
    const std::string source = rows[i]["template"];
    const std::string got = outcome(source, context, now);
    if (rows[i].contains("error")) {
      EXPECT_EQ(got.rfind("error: ", 0), 0u) << source << "\ngot: " << got;
    } else {
      EXPECT_EQ(got, rows[i]["expected"].get<std::string>()) << source;
    }
  }
}

std::vector<ChatMessage> read_messages(const ordered_json& rows) {
  std::vector<ChatMessage> messages;
  for (ordered_json row : rows) {
    ChatMessage message{row["role"], row["content"], {}};
    row.erase("role");
    row.erase("content");
    if (!row.empty()) message.extra_json = row.dump();
    messages.push_back(message);
  }
  return messages;
}

TEST(ChatGolden, EveryConversationAsPython) {
  const std::vector<ordered_json> rows = read_golden("chat_templates.jsonl");
  ASSERT_GE(rows.size(), 40u);
  for (size_t i = 1; i < rows.size(); ++i) {
    const ordered_json& row = rows[i];
    const ChatTemplate chat(row["template"].get<std::string>(), {"<s>", "</s>"});
    ChatRenderOptions options;
    options.add_generation_prompt = row["add_generation_prompt"];
    options.now = rows[0]["now"];
    if (!row["tools"].is_null()) options.tools_json = row["tools"].dump();
    const std::vector<ChatMessage> messages = read_messages(row["messages"]);
    const auto text = [&] { return join_spans(chat.render(messages, options)); };
    if (row.contains("error")) {
      EXPECT_THROW(text(), Error) << row["name"] << " " << row["messages"];
    } else {
      EXPECT_EQ(text(), row["expected"].get<std::string>()) << row["name"];
    }
  }
}

}  // namespace
}  // namespace ondol::text
