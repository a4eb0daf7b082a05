// Masks against what they mean: a token is allowed exactly when the text with it begins a sentence.
#include "infer/grammar_mask.h"

#include <gtest/gtest.h>

#include <random>

#include "infer/test_support.h"
#include "text/gbnf.h"
#include "text/grammar_matcher.h"

namespace ondol::testing {
namespace {

const std::vector<std::string> kGrammars = {
    "root ::= \"yes\" | \"no\" | \"perhaps\" (\" not\")?\n",
    "root ::= object\n"
    "object ::= \"{\" (pair (\",\" pair)*)? \"}\"\n"
    "pair ::= string \":\" value\n"
    "value ::= object | string | \"true\" | [0-9]+ | \"[\" (value (\",\" value)*)? \"]\"\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f] | \"\\\\\" [\"\\\\n])* \"\\\"\"\n",
    "root ::= \"\\\"\" [a-z가-힣]{3,200} \"\\\"\" | [가-나]{2,70} \"!\"?\n",
    "root ::= \"(\" root? \")\" \"!\"* | e\ne ::= [ab]* \"a\" [ab]{4}\n",
    "root ::= (\"a\" | \"ab\" | \"b\")* \"é\"{2,} .?\n",
};

// All bytes, and strings that cross what grammars cross; the end is the last id.
std::shared_ptr<const VocabularyTrie> small_vocabulary() {
  std::vector<std::string> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.emplace_back(1, static_cast<char>(byte));
  for (const char* more :
       {"yes",      "ye",    "no",    "not",  " not",  "perhaps",  "haps not", "{\"",
        "\":",      "\":\"", "\",\"", "\"}",  "}}",    "}]",       "true",     "true,",
        "ab",       "aba",   "bab",   "abab", "\"a",   "a\"",      "\xea\xb0", "\x80\xea\xb0\x80",
        "\xb0\x80", "가",    "가나",  "나\"", "é",     "\xa9\xc3", "éé",       "()",
        "))",       ")!",    "(())",  "!!",   "aaaaa", "12",       "12,",      "yes",
        "[[",       "]]",    "\\\"",  "\\n\""}) {
    bytes.emplace_back(more);
  }
  bytes.insert(bytes.end(), {"", "", ""});
  const auto end = static_cast<text::TokenId>(bytes.size());
  bytes.insert(bytes.end(), {"", ""});
  return std::make_shared<const VocabularyTrie>(bytes, std::vector<text::TokenId>{end, end + 1});
}

bool is_end(const VocabularyTrie& vocabulary, TokenId id) {
  return std::count(vocabulary.ends().begin(), vocabulary.ends().end(), id) > 0;
}

// Straight from the definition, token by token.
TokenSet expected_set(const VocabularyTrie& vocabulary, const text::GrammarMatcher& matcher) {
  TokenSet set(vocabulary.size());
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    text::GrammarMatcher next = matcher;
    const std::string& bytes = vocabulary.bytes(id);
    if (is_end(vocabulary, id) ? matcher.may_end() : !bytes.empty() && next.accept(bytes)) {
      set.insert(id);
    }
  }
  return set;
}

TEST(GrammarMask, IsWhatTheGrammarSaysTokenByToken) {
  const auto vocabulary = small_vocabulary();
  std::mt19937 random(1);
  for (const std::string& source : kGrammars) {
    const auto grammar = text::parse_gbnf(source);
    const auto first = make_grammar_mask(grammar, vocabulary);
    for (int walk = 0; walk < 30; ++walk) {
      const auto mask = first->clone();
      text::GrammarMatcher matcher(grammar);
      for (int step = 0; step < 12; ++step) {
        TokenSet set(vocabulary->size());
        mask->allowed(set);
        const std::vector<TokenId> ids = set.ids();
        ASSERT_EQ(ids, expected_set(*vocabulary, matcher).ids()) << source;
        ASSERT_FALSE(ids.empty());
        const TokenId id = ids[random() % ids.size()];
        if (is_end(*vocabulary, id)) break;
        mask->accept(id);
        ASSERT_TRUE(matcher.accept(vocabulary->bytes(id)));
      }
    }
  }
}

TEST(GrammarMask, EveryWalkEndsInASentence) {
  const auto vocabulary = small_vocabulary();
  std::mt19937 random(2);
  for (const std::string& source : kGrammars) {
    const auto grammar = text::parse_gbnf(source);
    const auto first = make_grammar_mask(grammar, vocabulary);
    int ended = 0;
    for (int walk = 0; walk < 100; ++walk) {
      const auto mask = first->clone();
      std::string text;
      for (int step = 0; step < 400; ++step) {
        TokenSet set(vocabulary->size());
        mask->allowed(set);
        std::vector<TokenId> ids = set.ids();
        ASSERT_FALSE(ids.empty()) << source << text;
        // The end as soon as it may come, now and then.
        const TokenId id = step % 3 == 0 && is_end(*vocabulary, ids.back())
                               ? ids.back()
                               : ids[random() % ids.size()];
        if (is_end(*vocabulary, id)) {
          ++ended;
          EXPECT_TRUE(text::matches(grammar, text)) << source << text;
          break;
        }
        text += vocabulary->bytes(id);
        mask->accept(id);
      }
    }
    EXPECT_GT(ended, 20) << source;
  }
}

TEST(GrammarMask, ATokenThatIsNotAllowedIsAnErrorAndClonesGoTheirOwnWay) {
  const auto vocabulary = small_vocabulary();
  const auto first = make_grammar_mask(text::parse_gbnf(kGrammars[0]), vocabulary);
  const auto one = first->clone(), other = first->clone();
  one->accept('y');
  expect_error([&] { one->accept('o'); }, ErrorCode::kInvalidArgument, {"token 111"});
  expect_error([&] { one->accept(-1); }, ErrorCode::kInvalidArgument, {"token -1"});
  expect_error([&] { one->accept(1'000'000); }, ErrorCode::kInvalidArgument, {"1000000"});
  one->accept('e');
  other->accept('n');
  TokenSet set(vocabulary->size());
  one->allowed(set);
  EXPECT_EQ(set.ids(), std::vector<TokenId>{'s'});
  set.clear();
  other->allowed(set);
  EXPECT_EQ(set.ids(), std::vector<TokenId>{'o'});
}

// So long that the machine is made anew under way, which no mask notices.
TEST(GrammarMask, LongTextsMoveToANewMachine) {
  const auto vocabulary = small_vocabulary();
  const auto grammar = text::parse_gbnf(kGrammars[1]);
  const auto first = make_grammar_mask(grammar, vocabulary);
  const auto mask = first->clone();
  mask->accept('{');
  std::unique_ptr<TokenMask> left_behind;
  for (int i = 0; i < 40'000; ++i) {
    for (const char c : std::string("\"a\":{")) mask->accept(static_cast<unsigned char>(c));
    if (i == 5) left_behind = mask->clone();
    TokenSet set(vocabulary->size());
    if (i % 5 == 0) mask->allowed(set);
  }
  for (const char c : std::string("}}}}}}}")) {
    TokenSet set(vocabulary->size());
    left_behind->allowed(set);
    EXPECT_TRUE(set.contains(c));
    left_behind->accept(static_cast<unsigned char>(c));
  }
  TokenSet set(vocabulary->size());
  left_behind->allowed(set);
  EXPECT_EQ(set.ids(), vocabulary->ends());
}

TEST(GrammarMask, AVocabularyWithoutAnEndIsRefused) {
  expect_error([] { VocabularyTrie({"a"}, {}); }, ErrorCode::kUnsupported, {"ends a text"});
}

TEST(VocabularyTrie, HoldsTextTokensInTheOrderOfAWalk) {
  const text::Tokenizer& tokenizer = *tiny_llama()->tokenizer;
  const VocabularyTrie trie(tokenizer);
  std::vector<bool> seen(tokenizer.vocab_size(), false);
  std::string path;
  for (size_t at = 0; at < trie.nodes().size(); ++at) {
    const VocabularyTrie::Node& node = trie.nodes()[at];
    ASSERT_LE(node.depth, path.size());
    path.resize(node.depth);
    path += static_cast<char>(node.byte);
    EXPECT_GT(node.end, at);
    for (const TokenId id : trie.tokens(node)) {
      EXPECT_EQ(tokenizer.token_bytes(id), path);
      seen[static_cast<size_t>(id)] = true;
    }
  }
  for (TokenId id = 0; id < trie.size(); ++id) {
    const bool text = !tokenizer.is_control(id) && !tokenizer.token_bytes(id).empty() &&
                      tokenizer.config().unk != id;
    EXPECT_EQ(seen[static_cast<size_t>(id)], text) << id;
  }
}

TEST(GrammarMask, DrivesGeneration) {
  const auto grammar =
      text::parse_gbnf("root ::= \"The answer is \" [0-9]{1,3} (\", or \" [0-9]{1,3})? \".\"\n");
  const auto vocabulary = std::make_shared<const VocabularyTrie>(*tiny_llama()->tokenizer);
  const std::shared_ptr<const text::Tokenizer> tokenizer(tiny_llama(),
                                                         tiny_llama()->tokenizer.get());
  const auto free = make_grammar_mask(grammar, vocabulary);
  const auto forced = make_grammar_mask(grammar, vocabulary, tokenizer);
  for (const auto speculation : {Speculation::kOff, Speculation::kLookup}) {
    const auto generator = tiny_generator({.speculation = speculation});
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const auto& mask = seed < 10 ? free : forced;
      GenerateRequest request;
      request.prompt = some_ids(20, static_cast<int64_t>(seed));
      request.tokens_max = 60;
      request.sampler = {.temperature = seed == 0 ? 0.0 : 2.0, .seed = seed};
      request.mask = mask;
      const GeneratedSample sample = generator->generate(request).samples[0];
      EXPECT_EQ(sample.finish_reason, "stop");
      const std::vector<TokenId> first = tokenizer->encode("The answer is ", {});
      ASSERT_GE(sample.ids.size(), first.size() - 1);
      EXPECT_TRUE(mask == free || std::equal(first.begin(), first.end() - 1, sample.ids.begin()));
      EXPECT_TRUE(text::matches(grammar, sample.text)) << sample.text;
    }
  }
}

}  // namespace
}  // namespace ondol::testing
