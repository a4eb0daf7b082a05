#include "ground/readers/readers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/rng.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string slice(const Document& document, int64_t from, int64_t to) {
  std::string out;
  int64_t chars = 0;
  for (size_t at = 0; at < document.text.size(); ++chars) {
    const size_t begin = at;
    text::next_code_point(document.text, at);
    if (chars >= from && chars < to) out += document.text.substr(begin, at - begin);
  }
  return out;
}

// "path / path | block" for each block, with "#" before rows and the line behind.
std::vector<std::string> blocks(const Document& document) {
  std::vector<std::string> out;
  for (const Section& section : document.sections) {
    std::string path;
    for (const std::string& part : section.heading_path) path += part + " / ";
    for (const Block& block : section.blocks) {
      out.push_back(path + (block.kind == BlockKind::kRows ? "#" : "") +
                    slice(document, block.char_from, block.char_to) + " @" +
                    std::to_string(block.line));
    }
  }
  return out;
}

void expect_error(const std::string& uri, const std::string& bytes, ErrorCode code,
                  const std::string& part, const ReadLimits& limits = {}) {
  try {
    read_document(uri, bytes, limits);
    ADD_FAILURE() << uri << " was read; expected: " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

TEST(Readers, TextJoinsWrappedLinesAndKeepsLists) {
  const Document d = read_document(
      "notes/a.txt", "First line\r\nwrapped here.\r\n\r\n방은 따뜻하다.\n- one\n- two\n");
  EXPECT_EQ(d.title, "a");
  EXPECT_THAT(blocks(d),
              ElementsAre("First line wrapped here. @1", "방은 따뜻하다.\n- one\n- two @4"));
}

TEST(Readers, MarkdownHeadingsTablesAndLists) {
  const Document d = read_document("guide.md", R"(# Handbook

Intro with *stars* and [a link](http://x)
wrapped.

## Hours
### Winter
We open at `nine`.

| Day | Opens |
|-----|-------|
| Mon | 9:00 |
| Tue | |

## 휴가
1. first
   - nested
<div>raw <b>html</b><script>x()</script></div>
)");
  EXPECT_EQ(d.title, "Handbook");
  EXPECT_THAT(blocks(d), ElementsAre("Handbook / Intro with stars and a link wrapped. @3",
                                     "Handbook / Hours / Winter / We open at nine. @8",
                                     "Handbook / Hours / Winter / #Day: Mon; Opens: 9:00 @12",
                                     "Handbook / Hours / Winter / #Day: Tue @13",
                                     "Handbook / 휴가 / first @16", "Handbook / 휴가 / nested @17",
                                     "Handbook / 휴가 / raw html @18"));
}

TEST(Readers, MarkdownFrontMatter) {
  const Document d =
      read_document("a.md", "---\ntitle: \"The Rules\"\ndepartment: sales\n---\nText.\n");
  EXPECT_EQ(d.title, "The Rules");
  EXPECT_THAT(d.tags,
              ElementsAre(std::pair<const std::string, std::string>("department", "sales")));
  EXPECT_THAT(blocks(d), ElementsAre("Text. @5"));
  // A rule line is no front matter.
  EXPECT_THAT(blocks(read_document("b.md", "---\nplain words\n")), ElementsAre("plain words @2"));
}

TEST(Readers, HtmlTextWithoutMachinery) {
  const Document d = read_document("p.html", R"(<!doctype html><html><head><title>Opening
 hours</title><style>p{}</style></head><body><nav><a>Home</a></nav>
<h1>Hours</h1><p>We   open<br>at <b>nine</b>&nbsp;&amp; close.</p>
<script>evil()</script><h2>Prices</h2>
<table><tr><th>Item<th>Won</tr><tr><td>Tea</td><td>3,000</td></tr></table>
<table><tr><td>no</td><td>header</td></tr></table>
<ul><li>one<li>two</ul><pre>a
  b</pre></body></html>)");
  EXPECT_EQ(d.title, "Opening hours");
  EXPECT_THAT(blocks(d), ElementsAre("Hours / We open\nat nine\u00A0& close. @3",
                                     "Hours / Prices / #Item: Tea; Won: 3,000 @5",
                                     "Hours / Prices / #no; header @6", "Hours / Prices / one @7",
                                     "Hours / Prices / two @7", "Hours / Prices / a\n  b @7"));
}

TEST(Readers, CsvAfterRfc4180) {
  const Document d = read_document(
      "t.csv", "Name,Note\r\n\"Kim, \"\"K\"\"\",\"two\r\nlines\"\r\n,\r\n이,x,extra\r\n");
  EXPECT_THAT(blocks(d), ElementsAre("#Name: Kim, \"K\"; Note: two lines @2",
                                     "#Name: 이; Note: x; column 3: extra @5"));
  EXPECT_THAT(blocks(read_document("s.csv", "a;b\n1;2,5\n")), ElementsAre("#a: 1; b: 2,5 @2"));
  EXPECT_THAT(blocks(read_document("h.csv", "only,header\n")), ElementsAre("#only; header @1"));
  expect_error("q.csv", "a,b\n\"open,1\n", ErrorCode::kCorruptData, "line 2");
  expect_error("q.csv", "a,b\n\"x\"y,1\n", ErrorCode::kCorruptData, "after a closing quote");
}

TEST(Readers, JsonlTextAndRecords) {
  const Document d = read_document("q.jsonl",
                                   "{\"id\": 7, \"title\": \"T\", \"text\": \"One. Two.\"}\n\n"
                                   "{\"name\": \"Kim\", \"age\": 40, \"tags\": [\"a\", \"b\"]}\n");
  EXPECT_THAT(blocks(d), ElementsAre("T / One. Two. @1", "#name: Kim; age: 40; tags: a, b @3"));
  expect_error("q.jsonl", "{\"text\": \"ok\"}\n{broken\n", ErrorCode::kCorruptData, "line 2");
  expect_error("q.jsonl", "[1]\n", ErrorCode::kCorruptData, "array");
  expect_error("q.jsonl", "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}\n",
               ErrorCode::kCorruptData, "nested too deeply");
}

TEST(Readers, EncodingsGiveTheSameDocument) {
  const std::string utf8 = "온돌 is warm";
  std::string little;
  for (size_t at = 0; at < utf8.size();) {
    const char32_t c = text::next_code_point(utf8, at);
    little += static_cast<char>(c & 0xFF);
    little += static_cast<char>(c >> 8);
  }
  std::string big = little;
  for (size_t i = 0; i + 1 < big.size(); i += 2) std::swap(big[i], big[i + 1]);
  for (const std::string& bytes :
       {utf8, "\xEF\xBB\xBF" + utf8, "\xFF\xFE" + little, "\xFE\xFF" + big, little, big}) {
    EXPECT_EQ(read_document("a.txt", bytes).text, utf8);
  }
  // Decomposed letters come out composed, whatever program wrote them.
  EXPECT_EQ(read_document("a.txt", "\u1112\u1161\u11AB").text, "한");
}

TEST(Readers, BytesThatAreNoTextAreNamed) {
  expect_error("a.txt", "abc\xFF\xFE", ErrorCode::kCorruptData, "0xff at offset 3");
  expect_error("a.md", std::string("ab\0c", 4), ErrorCode::kCorruptData, "offset 2");
  expect_error("a.txt", std::string("\xFF\xFE\x3D\xD8", 4), ErrorCode::kCorruptData, "byte 0");
  expect_error("a.pdf", "x", ErrorCode::kUnsupported, ".md");
  expect_error("a", "x", ErrorCode::kUnsupported, "nothing reads");
  expect_error("a.txt", "12345", ErrorCode::kResourceExhausted, "5 bytes, expected at most 4",
               {.bytes_max = 4});
}

TEST(Readers, HostileNestingEndsInAnErrorOrText) {
  std::string deep;
  for (int i = 0; i < 200000; ++i) deep += "<div>";
  expect_error("a.html", deep, ErrorCode::kResourceExhausted, "nested too deeply");
  EXPECT_EQ(read_document("a.html", deep.substr(0, 5 * 500) + "x").text, "x");
  // Formatting elements that every paragraph opens again: a tree of n * m from n + m tags.
  std::string bomb = "<p>";
  for (int i = 0; i < 500; ++i) bomb += "<b a=" + std::to_string(i) + ">";
  for (int i = 0; i < 30000; ++i) bomb += "<p>x";
  expect_error("a.html", bomb, ErrorCode::kResourceExhausted, "out of all proportion");
  expect_error("a.md", std::string(5000, '>') + " x", ErrorCode::kResourceExhausted,
               "nested too deeply");
  expect_error("a.jsonl", "{\"id\":1,\"text\":\"a\"}\n{\"id\":2,\"text\":\"b\"}\n",
               ErrorCode::kResourceExhausted, "too many sections", {.sections_max = 1});
}

// Random bytes and random cuts of real syntax: an Error or a document whose ranges hold.
TEST(Readers, NoInputBreaksTheRanges) {
  const std::string seeds[] = {
      "# A\n\n| a | b |\n|---|---|\n| 1 | 2 |\n- x\n> q\n```\ncode\n```\n<b>h</b>\n[^1]: n\n",
      "<html><body><h1>A<table><tr><th>x<td>y<table><td>z</table><p>b<br>c<select><option>d",
      "a,b\n\"x,\"\"y\",2\n;\t\n",
      "{\"id\":1,\"text\":\"a\\u0000b\"}\n{\"x\":[1,{\"y\":null}]}\n",
      "\xFF\xFE\x41\x00\x42\x00",
      "방 온돌\f\r\r\n- \xF0\x9F\x98\x80"};
  const char* names[] = {"a.md", "a.html", "a.csv", "a.jsonl", "a.txt"};
  Rng rng(11);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = seeds[rng.below(std::size(seeds))];
    for (uint64_t edits = rng.below(6); edits > 0 && !bytes.empty(); --edits) {
      const size_t at = rng.below(bytes.size());
      if (rng.below(2) == 0) {
        bytes[at] = static_cast<char>(rng.below(256));
      } else {
        bytes.insert(at, bytes.substr(rng.below(bytes.size())));
      }
    }
    const char* name = names[rng.below(std::size(names))];
    try {
      const Document d = read_document(name, bytes);
      const auto chars = static_cast<int64_t>(text::count_code_points(d.text));
      int64_t last = 0;
      for (const Section& section : d.sections) {
        for (const Block& block : section.blocks) {
          ASSERT_LE(last, block.char_from);
          ASSERT_LT(block.char_from, block.char_to);
          last = block.char_to;
        }
      }
      ASSERT_LE(last, chars);
      ASSERT_FALSE(text::invalid_utf8_offset(d.text).has_value());
    } catch (const Error& error) {
      ASSERT_NE(error.code(), ErrorCode::kInternal) << error.what();
    }
  }
}

}  // namespace
}  // namespace ondol::ground
