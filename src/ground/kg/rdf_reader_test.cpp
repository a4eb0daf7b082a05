#include "ground/kg/rdf_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ground/kg/kg_test_support.h"
#include "ground/kg/nesting.h"

namespace ondol::ground {
namespace {

using store::KgTerm;
using store::KgTermKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::put;
using testing::TempFolder;

std::string shown(const KgTerm& term) {
  return term.text + (term.language.empty() ? "" : "@" + term.language) +
         (term.datatype.empty() ? "" : "^^" + term.datatype);
}

struct Read {
  std::vector<std::string> triples;
  std::vector<int64_t> bad_lines;
  std::vector<std::string> messages;
};

Read ntriples(const std::string& content, const RdfOptions& options = {}) {
  const TempFolder folder;
  const auto stream = open_byte_stream(put(folder, "a.nt", content));
  Read read;
  read_ntriples(
      *stream, options,
      [&](const KgTerm& s, const KgTerm& p, const KgTerm& o) {
        read.triples.push_back(shown(s) + " " + shown(p) + " " + shown(o));
      },
      [&](const RdfProblem& problem) {
        read.bad_lines.push_back(problem.line);
        read.messages.push_back(problem.message);
      });
  return read;
}

std::vector<std::string> turtle(const std::string& content, const RdfOptions& options = {}) {
  const TempFolder folder;
  const auto stream = open_byte_stream(put(folder, "a.ttl", content));
  std::vector<std::string> triples;
  read_turtle(*stream, options, [&](const KgTerm& s, const KgTerm& p, const KgTerm& o) {
    triples.push_back(shown(s) + " " + shown(p) + " " + shown(o));
  });
  return triples;
}

TEST(NTriples, TermsAreReadAsTheyAre) {
  const Read read = ntriples(
      "<a:s> <a:p> <a:o> .\n# a comment\n\n  \n"
      "_:x <a:p> \"caf\\u00e9 \\\"q\\\"\"@EN-gb . # behind\n"
      "<a:s> <a:p> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .\r\n"
      "<a:s> <a:p> \"plain\"^^<http://www.w3.org/2001/XMLSchema#string> .");
  EXPECT_THAT(read.triples,
              ElementsAre("a:s a:p a:o", "x a:p café \"q\"@en-gb",
                          "a:s a:p 1^^http://www.w3.org/2001/XMLSchema#integer", "a:s a:p plain"));
  EXPECT_TRUE(read.bad_lines.empty());
}

TEST(NTriples, ABadLineLosesOnlyItself) {
  const Read read = ntriples(
      "<a:1> <a:p> <a:o> .\n"
      "<a:2> <a:p> <a:o>\n"     // no end: no half triple either
      "<a:3> <a:p> \"open .\n"  // the literal does not swallow the next line
      "<a:4> <a:p> <a:o> .\n"
      "<a:5> <a:p> \"\xff\xfe\" .\n"  // not UTF-8
      "<a:6> <a:p> \"a\\qb\" .\n"     // no such escape
      "@prefix a: <a:> .\n"           // Turtle
      "<a:8> <a:p> <a:o> . <a:9> <a:p> <a:o> .\n"
      "<relative> <a:p> <a:o> .\n"
      "<a:10> <a:p> <a:o> .\n");
  EXPECT_THAT(read.triples, ElementsAre("a:1 a:p a:o", "a:4 a:p a:o", "a:10 a:p a:o"));
  EXPECT_THAT(read.bad_lines, ElementsAre(2, 3, 5, 6, 7, 8, 9));
  EXPECT_THAT(read.messages[2], HasSubstr("byte 14 is not UTF-8"));
}

TEST(NTriples, ZeroBytesAndEndlessLinesAreRefused) {
  const std::string zero("<a:1> <a:p> \"a\0b\" .\n", 20);
  const std::string huge = "<a:2> <a:p> \"" + std::string(3000000, 'x') + "\" .\n";
  const Read read = ntriples(zero + huge + "<a:3> <a:p> <a:o> .\n", {.line_max = 1000000});
  EXPECT_THAT(read.triples, ElementsAre("a:3 a:p a:o"));
  EXPECT_THAT(read.bad_lines, ElementsAre(1, 2));
  EXPECT_THAT(read.messages[1], HasSubstr("longer than 1000000 bytes"));
  EXPECT_EQ(ntriples(huge).triples.at(0).size(), 3000008u);  // within the limit it is read whole
}

TEST(NTriples, ManyBadLinesLeaveNothingBehind) {
  std::string content;
  for (int i = 0; i < 20000; ++i) content += "<a:s> <a:p> <a:o> ; broken\n";
  EXPECT_EQ(ntriples(content).bad_lines.size(), 20000u);
}

TEST(Turtle, PrefixesBasesListsAndBlankNodes) {
  EXPECT_THAT(turtle("@base <http://b/> . @prefix : <http://x/#> . :s a :C ; :p 1, \"t\"@ko . "
                     "<r> :q [ :n true ] ."),
              ElementsAre("http://x/#s http://www.w3.org/1999/02/22-rdf-syntax-ns#type http://x/#C",
                          "http://x/#s http://x/#p 1^^http://www.w3.org/2001/XMLSchema#integer",
                          "http://x/#s http://x/#p t@ko", "http://b/r http://x/#q b1",
                          "b1 http://x/#n true^^http://www.w3.org/2001/XMLSchema#boolean"));
  EXPECT_THAT(turtle("<r> <p> _:a .", {.base = "http://b/c", .blank_prefix = "f1-"}),
              ElementsAre("http://b/r http://b/p f1-a"));
}

TEST(Turtle, TheFirstErrorEndsItWithItsLine) {
  const struct {
    std::string content;
    const char* message;
  } rows[] = {{"<a:s> <a:p> <a:o> .\n<a:s> ] .", "line 2"},
              {"x:s <a:p> <a:o> .", "no prefix"},
              {"<a:s> <a:p> \"open", "line 1"},
              {"<a:s> <a:p> \"\xff\" .", "line 1"},
              {std::string("<a:s> <a:p> \0 .", 15), "zero byte"},
              {"<a:s> <a:p> " + std::string(100000, '['), "brackets deeper than 200"},
              {"<a:s> <a:p> " + std::string(100000, '('), "brackets deeper than 200"}};
  for (const auto& row : rows) {
    try {
      turtle(row.content);
      ADD_FAILURE() << "no error: " << row.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr(row.message));
    }
  }
}

TEST(Turtle, ALiteralWithoutEndIsRefused) {
  const std::string fine = "<a:s> <a:p> \"" + std::string(20000, 'x') + "\" .\n";
  EXPECT_EQ(turtle(fine + fine + fine, {.silence_max = 30000}).size(), 3u);
  EXPECT_THROW(turtle("<a:s> <a:p> \"" + std::string(50000, 'x') + "\" .", {.silence_max = 30000}),
               Error);
}

TEST(Turtle, WhatTheCallbackThrowsComesOut) {
  const TempFolder folder;
  const auto stream = open_byte_stream(put(folder, "a.ttl", "<a:s> <a:p> <a:o> ."));
  EXPECT_THROW(read_turtle(*stream, {},
                           [](const KgTerm&, const KgTerm&, const KgTerm&) {
                             throw Error(ErrorCode::kCancelled, "stop");
                           }),
               Error);
}

TEST(Nesting, CountsBracketsWhereTheyAreBrackets) {
  const auto passes = [](const std::string& text) { return NestingGuard(2).pass(text); };
  EXPECT_TRUE(passes("[[]] [()] []"));
  EXPECT_FALSE(passes("[[["));
  EXPECT_TRUE(passes("\"[[[\" '(((' <[[[> # [[[[\n []"));
  EXPECT_TRUE(passes("\"\"\"[[[ \" [[ \"\" (( \\\"\"\" \"\"\" []"));
  EXPECT_FALSE(passes("\"\" [[["));
  EXPECT_TRUE(passes("\"a\\\"[[[\" a:b\\(\\(\\("));
  NestingGuard guard(2);
  for (const char c : std::string("[ \"\"\"[[[\"\"\" [")) EXPECT_TRUE(guard.pass({&c, 1}));
  EXPECT_FALSE(guard.pass("("));
}

}  // namespace
}  // namespace ondol::ground
