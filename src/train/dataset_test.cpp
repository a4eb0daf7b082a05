// Every format of the table, every shape of file, and what is said about rows that are wrong.
#include "train/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "train/test_support.h"

namespace ondol::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Dataset read(const std::string& content, const std::string& name = "rows.jsonl",
             const ReadOptions& options = {}) {
  const TempFile file(name, content);
  const std::filesystem::path path = file.path();
  return read_dataset(std::span(&path, 1), options);
}

template <class T>
T only(const std::string& json) {
  const Dataset data = read("[" + json + "]");
  EXPECT_THAT(data.rows, SizeIs(1));
  return std::get<T>(data.rows.at(0).data);
}

std::string fault(const std::string& content, const std::string& name = "rows.jsonl",
                  const ReadOptions& options = {}) {
  try {
    read(content, name, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// "user: hi | assistant: yes"
std::string said(const std::vector<text::ChatMessage>& messages) {
  std::string all;
  for (const auto& m : messages) {
    all += (all.empty() ? "" : " | ") + m.role + ": " + m.content + m.extra_json;
  }
  return all;
}

TEST(DataFormats, TextAndPrompts) {
  EXPECT_EQ(only<TextRow>(R"({"text": "a b", "id": 3})").text, "a b");
  const auto plain = only<PromptRow>(R"({"prompt": "2+2=", "completion": "4"})");
  EXPECT_EQ(plain.prompt.text, "2+2=");
  EXPECT_EQ(plain.completion.text, "4");
  const auto chat =
      only<PromptRow>(R"({"prompt": [{"role": "user", "content": "hi"}], "completion": "yes"})");
  EXPECT_EQ(said(chat.prompt.messages), "user: hi");
  EXPECT_EQ(said(chat.completion.messages), "assistant: yes");
  const auto seq = only<Seq2SeqRow>(R"({"inputs": "q", "targets": "a", "template": "t"})");
  EXPECT_EQ(seq.source + seq.target, "qa");
  EXPECT_EQ(only<Seq2SeqRow>(R"({"source": "x", "target": "y"})").target, "y");
}

TEST(DataFormats, Conversations) {
  const auto messages = only<ChatRow>(
      R"({"messages": [{"role": "user", "content": "hi"},
          {"role": "assistant", "content": "one", "weight": 0},
          {"role": "assistant", "content": [{"type": "text", "text": "t"},
                                            {"type": "text", "text": "wo"}]}]})");
  EXPECT_EQ(said(messages.messages), "user: hi | assistant: one | assistant: two");
  EXPECT_THAT(messages.unlearned, ElementsAre(0, 1, 0));
  const auto shared = only<ChatRow>(
      R"({"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "yo"}],
          "system": "be kind"})");
  EXPECT_EQ(said(shared.messages), "system: be kind | user: hi | assistant: yo");
  EXPECT_TRUE(shared.unlearned.empty());
  const auto tools = only<ChatRow>(
      R"({"conversations": [{"from": "human", "value": "hi"},
          {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {}}"},
          {"from": "observation", "value": "3"}, {"from": "gpt", "value": "three"}],
          "tools": "[{\"name\": \"f\"}]"})");
  EXPECT_EQ(tools.tools_json, R"([{"name":"f"}])");
  EXPECT_THAT(tools.messages[1].extra_json, HasSubstr("tool_calls"));
  EXPECT_EQ(tools.messages[2].role, "tool");
  const auto alpaca = only<ChatRow>(
      R"({"instruction": "add", "input": "1 2", "output": "3", "system": "s",
          "history": [["q", "a"]]})");
  EXPECT_EQ(said(alpaca.messages),
            "system: s | user: q | assistant: a | user: add\n1 2 | assistant: 3");
  EXPECT_EQ(said(only<ChatRow>(R"({"question": "q", "answer": "a"})").messages),
            "user: q | assistant: a");
}

TEST(DataFormats, Preferences) {
  const auto plain =
      only<PreferenceRow>(R"({"prompt": "p", "chosen": "good", "rejected": "bad", "margin": 0.5})");
  EXPECT_EQ(plain.prompt.text + plain.chosen.text + plain.rejected.text, "pgoodbad");
  EXPECT_EQ(plain.margin, 0.5);
  const auto hidden = only<PreferenceRow>(
      R"({"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}],
          "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}]})");
  EXPECT_EQ(said(hidden.prompt.messages), "user: q");
  EXPECT_EQ(said(hidden.chosen.messages), "assistant: good");
  EXPECT_EQ(said(hidden.rejected.messages), "assistant: bad");
  const auto shared = only<PreferenceRow>(
      R"({"conversations": [{"from": "human", "value": "q"}],
          "chosen": {"from": "gpt", "value": "good"}, "rejected": {"from": "gpt", "value": "bad"}})");
  EXPECT_EQ(said(shared.chosen.messages), "assistant: good");
  EXPECT_FALSE(only<FeedbackRow>(R"({"prompt": "p", "completion": "c", "label": false})").good);
  const auto judged = only<FeedbackRow>(
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
          "kto_tag": true})");
  EXPECT_TRUE(judged.good);
  EXPECT_EQ(said(judged.completion.messages), "assistant: a");
}

TEST(DataFormats, LabelsAndPairs) {
  EXPECT_EQ(only<LabelRow>(R"({"text": "x", "label": 1})").label, "1");
  EXPECT_EQ(only<LabelRow>(R"({"text": "x", "label": "pos"})").label, "pos");
  EXPECT_EQ(only<LabelRow>(R"({"premise": "x", "hypothesis": "y", "label": "no"})").second, "y");
  EXPECT_EQ(only<PairRow>(R"({"sentence1": "a", "sentence2": "b", "score": 4.2})").score, 4.2);
  EXPECT_EQ(only<PairRow>(R"({"sentence1": "a", "sentence2": "b"})").score, std::nullopt);
  EXPECT_EQ(only<PairRow>(R"({"anchor": "a", "positive": "b", "negative": "c"})").negative, "c");
}

TEST(DataFormats, EveryRowOfTheTableCanBeAskedForByName) {
  for (const FormatInfo& format : data_formats()) {
    EXPECT_THAT(fault("{\"nothing\": 1}\n", "rows.jsonl", {.format = format.name}),
                HasSubstr("'" + format.name + "', as asked for"));
    EXPECT_FALSE(format.keys.empty());
  }
  EXPECT_THAT(fault("{\"text\": \"a\"}\n", "rows.jsonl", {.format = "txet"}),
              HasSubstr("'txet' is not known; expected one of preference"));
  // A format that says less than the keys do, because it was asked for.
  const Dataset data = read("{\"text\": \"a\", \"label\": 1}\n", "r.jsonl", {.format = "text"});
  EXPECT_EQ(std::get<TextRow>(data.rows[0].data).text, "a");
  EXPECT_THAT(data.files[0].ignored, ElementsAre("label"));
}

TEST(DataFiles, JsonArraysKeepTheirLines) {
  const Dataset data = read("[\n {\"text\": \"a ] , } \\\" [\"},\n\n {\"text\":\n \"b\"}\n]\n");
  ASSERT_THAT(data.rows, SizeIs(2));
  EXPECT_EQ(data.rows[0].line, 2U);
  EXPECT_EQ(data.rows[1].line, 4U);
  EXPECT_EQ(std::get<TextRow>(data.rows[0].data).text, "a ] , } \" [");
  EXPECT_THAT(fault("[{\"text\": \"a\"}"), HasSubstr(":1: the array is never closed"));
  EXPECT_THAT(fault("[{\"text\": \"a\"},\n]"), HasSubstr(":2: the row is not JSON"));
  EXPECT_THAT(fault("[{\"text\": \"a\"}]\nmore"), HasSubstr("text stands behind the array"));
  EXPECT_THAT(fault("[]"), HasSubstr("has no rows"));
}

TEST(DataFiles, LinesMayEndInEitherWayAndBeginWithAMark) {
  const Dataset data = read("\xEF\xBB\xBF{\"text\": \"a\"}\r\n\r\n{\"text\": \"b\"}");
  ASSERT_THAT(data.rows, SizeIs(2));
  EXPECT_EQ(data.rows[1].line, 3U);
  EXPECT_THAT(fault(" \n", "book.txt"), HasSubstr(":1: field 'text' is empty"));
  EXPECT_THAT(fault("a\n\xff", "book.txt"), HasSubstr(":2: the text is not UTF-8; got byte 0xFF"));
  EXPECT_EQ(std::get<TextRow>(read("one\ntwo\n", "book.txt").rows[0].data).text, "one\ntwo\n");
}

TEST(DataFiles, CsvAsRfc4180SaysIt) {
  const Dataset data = read(
      "prompt,completion\r\n\"a, \"\"b\"\"\",\"two\nlines\"\r\n\r\nplain,\" x\"\r\n,last", "r.csv");
  ASSERT_THAT(data.rows, SizeIs(3));
  const auto row = [&](size_t i) { return std::get<PromptRow>(data.rows[i].data); };
  EXPECT_EQ(row(0).prompt.text, "a, \"b\"");
  EXPECT_EQ(row(0).completion.text, "two\nlines");
  EXPECT_EQ(row(1).completion.text, " x");
  EXPECT_EQ(row(1).prompt.text, "plain");
  EXPECT_EQ(data.rows[1].line, 5U);
  const Dataset tab = read("text\tlabel\na,b\t1\n", "r.tsv");
  EXPECT_EQ(std::get<LabelRow>(tab.rows[0].data).text, "a,b");
  const Dataset pair = read("sentence1,sentence2,score\na,b,4.5\nc,d,\n", "r.csv");
  EXPECT_EQ(std::get<PairRow>(pair.rows[0].data).score, 4.5);
  EXPECT_EQ(std::get<PairRow>(pair.rows[1].data).score, std::nullopt);
}

TEST(DataFiles, CsvFaultsNameTheirLine) {
  const struct {
    const char* content;
    const char* says;
  } kCases[] = {
      {"", ":1: the file is empty"},
      {"text,text\na,b\n", "two columns are named 'text'"},
      {"text,\na,b\n", ":1: a column has no name"},
      {"text,label\na,1\nb\n", ":3: the record has 1 fields; expected 2"},
      {"text,label\na,1\nb,2,3\n", ":3: the record has 3 fields"},
      {"text,label\na,1\n\"b,2\n", ":3: a quoted field is never closed"},
      {"text,label\nit \"is\",1\n", ":2: a quote stands inside a field"},
      {"text,label\n\"a\"b,1\n", ":2: text stands behind a closing quote; got 'b'"},
      {"messages,tools\na,b\n", ":2: column 'messages' must be a list"},
      {"sentence1,sentence2,score\na,b,4.5x\n", ":2: field 'score|label' is not a number"},
      {"prompt,completion,label\na,b,maybe\n", ":2: field 'label|kto_tag' is not true or false"},
      {"text,label\n,1\n", ":2: field 'text' is empty"},
      {"text,label\na,1\nb,\n", ":3: field 'label' is no label; got \"\""},
      {"text,id\na,1\n,2\n", ":3: field 'text' is empty"},
  };
  for (const auto& one : kCases) EXPECT_THAT(fault(one.content, "r.csv"), HasSubstr(one.says));
}

TEST(DataFaults, NameFileLineAndWhatToTry) {
  const std::string good = "{\"text\": \"a\"}\n";
  const struct {
    std::string second;
    const char* says;
  } kCases[] = {
      {"{\"text\": 5}", ":2: field 'text' is not text; got 5, expected a string; try"},
      {"{\"text\": [\"a\"]}", "field 'text' is not text; got [\"a\"]"},
      {"{\"text\": \" \\n\"}", "field 'text' is empty"},
      {"{\"text\": null}", ":2: field 'text' is null"},
      {"{}", ":2: the row is empty"},
      {"17", "the row is not an object; got 17"},
      {"{\"text\": \"a\"} {\"text\": \"b\"}", "the row is not JSON at its byte 15"},
      {"{\"text\": \"a", ":2: the row is not JSON"},
      {"{\"text\": \"\\ud800\"}", "the row is not JSON"},
      {"{\"prompt\": \"a\", \"completion\": \"b\"}",
       ":2: the row is of another format, 'prompt-completion'; got the keys prompt, completion, "
       "expected 'text' as in line 1"},
      {"{\"text\": \"a\", \"label\": 1}", "of another format, 'text-label'"},
      {"{\"text\": \"\xC3\x28\"}", ":2: the row is not UTF-8; got byte 0xC3 at its byte 11"},
      {"{\"text\": \"\xED\xA0\x80\"}", "the row is not UTF-8; got byte 0xED"},
  };
  for (const auto& one : kCases) {
    EXPECT_THAT(fault(good + one.second + "\n"), HasSubstr(one.says));
    EXPECT_THAT(fault(good + one.second + "\n"), HasSubstr("rows.jsonl:2: ")) << one.second;
  }
  EXPECT_THAT(fault("{\"id\": 1, \"body\": \"x\"}\n"),
              HasSubstr("no known format; got id, body, expected one of {chosen, rejected}"));
  EXPECT_THAT(fault("\n\n"), HasSubstr("has no rows"));
  EXPECT_THAT(fault("x", "r.parquet"), HasSubstr("is a parquet file; expected .jsonl"));
  const std::filesystem::path none = "/nowhere/rows.jsonl";
  EXPECT_THROW(read_dataset(std::span(&none, 1), {}), Error);
}

TEST(DataFaults, OfConversations) {
  const auto of = [&](const std::string& messages) {
    return fault("{\"messages\": " + messages + "}\n");
  };
  const std::string user = R"({"role": "user", "content": "hi"})";
  EXPECT_THAT(of("[" + user + R"(, {"role": "asistant", "content": "x"}])"),
              HasSubstr("message 2 of 'messages', 'role', is an unknown role; got 'asistant', "
                        "expected one of system, user, human, assistant"));
  EXPECT_THAT(of("[" + user + "]"), HasSubstr("has no message of the assistant"));
  EXPECT_THAT(of("[]"), HasSubstr("'messages' is empty"));
  EXPECT_THAT(of("\"hi\""), HasSubstr("field 'messages' is not a list; got \"hi\""));
  EXPECT_THAT(of("[\"hi\"]"), HasSubstr("message 1 of 'messages' is not a message; got \"hi\""));
  EXPECT_THAT(of(R"([{"content": "x"}])"), HasSubstr("has no role"));
  EXPECT_THAT(of(R"([{"role": "user"}])"), HasSubstr("has no 'content'"));
  EXPECT_THAT(of(R"([{"role": "user", "content": 3}])"),
              HasSubstr("'content', is not text; got 3"));
  EXPECT_THAT(of("[" + user + R"(, {"role": "assistant", "content": " "}])"),
              HasSubstr("message 2 of 'messages' (assistant) says nothing"));
  EXPECT_THAT(of("[" + user + R"(, {"role": "assistant", "content": "a", "weight": 2}])"),
              HasSubstr("'weight', is 2; expected 0 or 1"));
  EXPECT_THAT(of(R"([{"role": "user", "content": [{"type": "image"}]}])"),
              HasSubstr("a part that is not text"));
  EXPECT_THAT(fault(R"({"chosen": "a", "rejected": "a"})"), HasSubstr("are the same"));
  EXPECT_THAT(fault(R"({"instruction": "a", "output": "b", "history": [["q"]]})"),
              HasSubstr("turn 1 of 'history' is not a pair"));
}

TEST(DataFaults, AreCollectedWhenAskedAndTheOthersKept) {
  std::vector<RowProblem> problems;
  const Dataset data = read("{\"text\": \"a\"}\n{\"text\": 1}\nnonsense\n{\"text\": \"" +
                                std::string(100, 'x') + "\"}\n{\"text\": \"b\"}\n",
                            "rows.jsonl", {.row_bytes_max = 80, .problems = &problems});
  EXPECT_THAT(data.rows, SizeIs(2));
  ASSERT_THAT(problems, SizeIs(3));
  EXPECT_EQ(problems[0].line, 2U);
  EXPECT_EQ(problems[1].line, 3U);
  EXPECT_EQ(problems[2].line, 4U);
  EXPECT_THAT(problems[2].message, HasSubstr("too long; got 112 bytes, expected at most 80"));
  EXPECT_EQ(data.files[0].rows, 2U);
}

TEST(DataFaults, AFileOfAnotherKindIsOneError) {
  std::vector<RowProblem> problems;
  std::string content;
  for (int i = 0; i < 10'001; ++i) content += "x\n";
  EXPECT_THAT(fault(content, "rows.jsonl", {.problems = &problems}),
              HasSubstr("more than 10000 rows are wrong; the last: [data] "));
}

TEST(DataFaults, AnEndlessLineIsSaidNotSwallowed) {
  const std::string line = "{\"text\": \"" + std::string(20'000'000, 'x') + "\"}\n";
  EXPECT_THAT(fault(line), HasSubstr(":1: the row is too long; got 20000012 bytes, expected at "
                                     "most 16000000; try splitting"));
}

TEST(DataFaults, WhatWouldTakeStackOrTimeIsRefused) {
  const auto many = [](const std::string& one, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += one;
    return all;
  };
  EXPECT_THAT(fault("{\"text\": " + many("[", 1'000'000) + "\n"), HasSubstr("more than 64 deep"));
  EXPECT_THAT(fault("{\"text\": " + many("{\"a\":", 100) + "1" + many("}", 101) + "\n"),
              HasSubstr("more than 64 deep"));
  EXPECT_THAT(fault("{" + many("\"k\": 1, ", 30'000) + "\"text\": \"a\"}\n"),
              HasSubstr("more than 20000 keys"));
  EXPECT_THAT(fault("{\"messages\": [" + many(R"({"role": "user", "content": "a"},)", 1001) +
                    R"({"role": "assistant", "content": "b"}]})"),
              HasSubstr("has 1002 messages; expected at most 1000"));
  EXPECT_EQ(read("{\"text\": \"" + many("[{:", 50'000) + "\"}\n").rows.size(), 1U);
}

TEST(DataRows, TextForDuplicatesSeparatesThePrompt) {
  const Dataset data = read(R"({"question": "q", "answer": "a"})");
  EXPECT_NE(row_text(data.rows[0], true), row_text(data.rows[0], false));
  EXPECT_EQ(row_text(data.rows[0], true).find("assistant"), std::string::npos);
  EXPECT_EQ(row_text(read(R"({"text": "t"})").rows[0], true), "");
}

}  // namespace
}  // namespace ondol::train
