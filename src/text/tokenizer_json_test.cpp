#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_toy.h"

namespace ondol::text {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json split_steps(std::string_view pattern) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", {{"Regex", pattern}}},
             {"behavior", "Isolated"},
             {"invert", false}},
            byte_level(false)}}};
}

Json added(int id, const char* content, bool special) {
  return {{"id", id},        {"content", content},     {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", !special}, {"special", special}};
}

Json bpe_json() {
  Json vocab = Json::object();
  const TokenizerConfig toy = toy_bpe();
  for (size_t id = 0; id < 262; ++id) vocab[toy.pieces[id]] = id;
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", {added(262, "<s>", true), added(263, "<extra>", false)}},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level(true)},
          {"post_processor", byte_level(true)},
          {"decoder", byte_level(true)},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", ""},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"vocab", vocab},
            {"merges", toy.merges}}}};
}

Json wordpiece_json() {
  Json vocab = Json::object();
  const TokenizerConfig toy = toy_wordpiece();
  for (size_t id = 0; id < toy.pieces.size(); ++id) vocab[toy.pieces[id]] = id;
  return {
      {"version", "1.0"},
      {"truncation", {{"max_length", 128}, {"strategy", "LongestFirst"}, {"stride", 0}}},
      {"added_tokens", {added(1, "[UNK]", true), added(2, "[CLS]", true), added(3, "[SEP]", true)}},
      {"normalizer",
       {{"type", "BertNormalizer"},
        {"clean_text", true},
        {"handle_chinese_chars", true},
        {"strip_accents", nullptr},
        {"lowercase", true}}},
      {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single",
         {{{"SpecialToken", {{"id", "[CLS]"}, {"type_id", 0}}}},
          {{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
          {{"SpecialToken", {{"id", "[SEP]"}, {"type_id", 0}}}}}}}},
      {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
      {"model",
       {{"type", "WordPiece"},
        {"unk_token", "[UNK]"},
        {"continuing_subword_prefix", "##"},
        {"max_input_chars_per_word", 100},
        {"vocab", vocab}}}};
}

TEST(TokenizerJson, ReadsByteLevelBpe) {
  const TokenizerConfig config = parse_tokenizer_json(
      bpe_json().dump(), R"({"bos_token": "<s>", "eos_token": {"content": "<extra>"}})");
  EXPECT_EQ(config.pre_tokenizer, "gpt-2");
  EXPECT_EQ(config.pieces.size(), 264U);
  EXPECT_EQ(config.types[262], TokenType::kControl);
  EXPECT_EQ(config.types[263], TokenType::kUserDefined);
  EXPECT_EQ(config.bos, 262);
  EXPECT_EQ(config.eos, 263);
  EXPECT_FALSE(config.add_bos);
  EXPECT_EQ(config.merges, toy_bpe().merges);
  const auto tokenizer = make_tokenizer(config);
  EXPECT_EQ(tokenizer->piece(tokenizer->encode("hello", {}).front()), "hello");
}

TEST(TokenizerJson, ReadsMergesAsPairs) {
  Json json = bpe_json();
  json["model"]["merges"] = Json::array({Json::array({"h", "e"}), Json::array({"l", "l"})});
  EXPECT_EQ(parse_tokenizer_json(json.dump(), "").merges, (std::vector<std::string>{"h e", "l l"}));
}

TEST(TokenizerJson, RecognisesEverySplit) {
  Json json = bpe_json();
  const auto name = [&] { return parse_tokenizer_json(json.dump(), "").pre_tokenizer; };
  for (const char* known : {"gpt-2", "llama-bpe", "qwen2"}) {
    json["pre_tokenizer"] = split_steps(split_pattern(pre_tokenizer_by_name(known)));
    EXPECT_EQ(name(), known);
  }
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, byte_level(true)}}};
  EXPECT_EQ(name(), "smollm");
}

TEST(TokenizerJson, ReadsNormalizerTemplateAndFlags) {
  Json json = bpe_json();
  json["normalizer"] = {{"type", "NFC"}};
  json["added_tokens"] = {added(262, "<s>", true)};
  json["added_tokens"][0]["lstrip"] = true;
  json["model"]["ignore_merges"] = true;
  json["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {byte_level(true),
        {{"type", "TemplateProcessing"},
         {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}}}}}};
  const TokenizerConfig config = parse_tokenizer_json(json.dump(), R"({"add_bos_token": false})");
  EXPECT_TRUE(config.normalize_nfc);
  EXPECT_TRUE(config.ignore_merges);
  EXPECT_TRUE(config.add_bos);  // the template decides
  EXPECT_FALSE(config.add_eos);
  EXPECT_EQ(config.bos, 262);
  ASSERT_EQ(config.strips.size(), 1U);
  EXPECT_TRUE(config.strips[0].left);
  EXPECT_FALSE(config.strips[0].right);
}

TEST(TokenizerJson, FillsHolesWithUnusedPieces) {
  Json json = bpe_json();
  json["added_tokens"] = {added(265, "<s>", true)};
  const TokenizerConfig config = parse_tokenizer_json(json.dump(), "");
  ASSERT_EQ(config.pieces.size(), 266U);
  EXPECT_EQ(config.pieces[263], "[PAD263]");
  EXPECT_EQ(config.types[263], TokenType::kUnused);
}

TEST(TokenizerJson, ReadsWordPiece) {
  const TokenizerConfig config = parse_tokenizer_json(wordpiece_json().dump(), "");
  EXPECT_EQ(config.unk, 1);
  EXPECT_EQ(config.cls, 2);
  EXPECT_EQ(config.sep, 3);
  EXPECT_EQ(config.mask, 4);
  EXPECT_EQ(config.tokens_max, 128U);
  EXPECT_TRUE(config.add_bos && config.add_eos && config.strip_accents && config.lowercase);
  const auto tokenizer = make_tokenizer(config);
  EXPECT_EQ(tokenizer->encode("The caf\xC3\xA9", {.add_special = true}),
            (std::vector<TokenId>{2, 9, 12, 3}));
  Json cased = wordpiece_json();
  cased["normalizer"]["lowercase"] = false;  // and accents follow
  EXPECT_FALSE(parse_tokenizer_json(cased.dump(), "").strip_accents);
}

Json unigram_json() {
  Json vocab = Json::array();
  for (const auto& [piece, score] : std::vector<std::pair<const char*, double>>{
           {"<pad>", 0}, {"</s>", 0}, {"<unk>", 0}, {"\u2581", -2}, {"a", -3}}) {
    vocab.push_back(Json::array({piece, score}));
  }
  const Json metaspace = {{"type", "Metaspace"},
                          {"replacement", "\u2581"},
                          {"prepend_scheme", "always"},
                          {"split", true}};
  return {
      {"version", "1.0"},
      {"added_tokens", {added(1, "</s>", true), added(2, "<unk>", true)}},
      {"normalizer", {{"type", "Strip"}, {"strip_left", false}, {"strip_right", true}}},
      {"pre_tokenizer", metaspace},
      {"post_processor",
       {{"type", "TemplateProcessing"},
        {"single",
         {{{"Sequence", {{"id", "A"}, {"type_id", 0}}}},
          {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}}}}}},
      {"decoder", metaspace},
      {"model", {{"type", "Unigram"}, {"unk_id", 2}, {"vocab", vocab}, {"byte_fallback", false}}}};
}

TEST(TokenizerJson, ReadsUnigram) {
  const TokenizerConfig config =
      parse_tokenizer_json(unigram_json().dump(), R"({"pad_token": "<pad>"})");
  EXPECT_EQ(config.scores, (std::vector<double>{0, 0, 0, -2, -3}));
  EXPECT_EQ(config.unk, 2);
  EXPECT_EQ(config.eos, 1);
  EXPECT_EQ(config.pad, 0);
  EXPECT_TRUE(config.add_eos && !config.add_bos && config.split_words);
  const NormalizerStep strip{.kind = NormalizerKind::kStrip, .left = false, .right = true};
  EXPECT_EQ(config.normalizers, std::vector{strip});
  EXPECT_EQ(make_tokenizer(config)->encode("a b ", {.add_special = true}),
            (std::vector<TokenId>{3, 4, 3, 2, 1}));
  Json old = unigram_json();  // before 2024
  for (const char* part : {"pre_tokenizer", "decoder"}) {
    old[part] = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"add_prefix_space", false}};
  }
  old["model"].erase("byte_fallback");
  EXPECT_EQ(parse_tokenizer_json(old.dump(), "").space_prefix, SpacePrefix::kNever);
}

TEST(TokenizerJson, ReadsUnigramWhoseNormalizerMarksTheSpaces) {
  Json json = unigram_json();
  json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  json["pre_tokenizer"] = nullptr;
  json["decoder"] = {
      {"type", "Sequence"},
      {"decoders", {{{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}}}}};
  const auto tokenizer = make_tokenizer(parse_tokenizer_json(json.dump(), ""));
  const auto ids = tokenizer->encode(" a a", {});
  EXPECT_EQ(ids, (std::vector<TokenId>{3, 4, 3, 4}));
  EXPECT_EQ(tokenizer->decode(ids), " a a");
}

struct Change {
  const char* pointer;
  Json value;
  ErrorCode code;
  const char* what;
};

void expect_refused(const Json& whole, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    Json json = whole;
    json[Json::json_pointer(change.pointer)] = change.value;
    try {
      make_tokenizer(parse_tokenizer_json(json.dump(), ""));
      ADD_FAILURE() << change.pointer << " " << change.value;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), change.code) << change.pointer << ": " << error.what();
      EXPECT_THAT(error.what(), HasSubstr(change.what)) << change.pointer;
    }
  }
}

constexpr ErrorCode kUnsupported = ErrorCode::kUnsupported;
constexpr ErrorCode kCorrupt = ErrorCode::kCorruptData;

TEST(TokenizerJson, RefusesWhatItDoesNotKnowByName) {
  const Json digits = {{"type", "Digits"}, {"individual_digits", false}};
  expect_refused(
      bpe_json(),
      {{"/model/type", "WordLevel", kUnsupported, "\"WordLevel\""},
       {"/model/vocab", Json::array({Json::array({"a", -1})}), kUnsupported, "model.vocab"},
       {"/model/dropout", 0.1, kUnsupported, "model.dropout"},
       {"/model/byte_fallback", true, kUnsupported, "model.byte_fallback"},
       {"/model/end_of_word_suffix", "</w>", kUnsupported, "</w>"},
       {"/model/new_field", 1, kUnsupported, "model.new_field"},
       {"/surprise", 1, kUnsupported, "surprise"},
       {"/normalizer", {{"type", "NFC"}}, kUnsupported, "normalized"},  // <extra> is
       {"/pre_tokenizer", nullptr, kUnsupported, "pre_tokenizer"},
       {"/pre_tokenizer", {{"type", "Whitespace"}}, kUnsupported, "Whitespace"},
       {"/pre_tokenizer/add_prefix_space", true, kUnsupported, "add_prefix_space"},
       {"/pre_tokenizer/use_regex", false, kUnsupported, "pre_tokenizer"},
       {"/pre_tokenizer", split_steps("\\p{N}{1,2}|."), kUnsupported, "{1,2}"},
       {"/pre_tokenizer",
        {{"type", "Sequence"}, {"pretokenizers", {digits, byte_level(true)}}},
        kUnsupported,
        "Digits"},
       {"/decoder", {{"type", "Metaspace"}}, kUnsupported, "decoder"},
       {"/post_processor", {{"type", "RobertaProcessing"}}, kUnsupported, "RobertaProcessing"},
       {"/added_tokens/0/single_word", true, kUnsupported, "'<s>': single_word"},
       {"/added_tokens/0/color", "red", kUnsupported, "color"}});
  Json special_only = bpe_json();
  special_only["added_tokens"].erase(1);
  expect_refused(special_only, {{"/normalizer", {{"type", "NFKC"}}, kUnsupported, "NFKC"}});
  expect_refused(wordpiece_json(),
                 {{"/normalizer", nullptr, kUnsupported, "normalizer"},
                  {"/pre_tokenizer", {{"type", "Whitespace"}}, kUnsupported, "BertPreTokenizer"},
                  {"/added_tokens/0/normalized", true, kUnsupported, "'[UNK]': normalized"},
                  {"/post_processor/single/0/SpecialToken/id", "[NONE]", kUnsupported, "[NONE]"}});
}

TEST(TokenizerJson, RefusesUnknownPartsOfUnigram) {
  const Json metaspace = unigram_json()["pre_tokenizer"];
  Json other = metaspace;
  other["prepend_scheme"] = "never";
  Json first = metaspace;
  first["prepend_scheme"] = "first";
  const Json split = {{"type", "WhitespaceSplit"}};
  const Json regex = {{"type", "Replace"}, {"pattern", {{"Regex", "[0-9]"}}}, {"content", "0"}};
  const auto sequence = [](Json steps) {
    return Json{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
  };
  expect_refused(unigram_json(),
                 {{"/model/new_field", 1, kUnsupported, "model.new_field"},
                  {"/model/vocab", {{"a", 3}}, kUnsupported, "model.vocab"},
                  {"/normalizer", {{"type", "BertNormalizer"}}, kUnsupported, "BertNormalizer"},
                  {"/normalizer", regex, kUnsupported, "[0-9]"},
                  {"/normalizer/surprise", 1, kUnsupported, "normalizer.surprise"},
                  {"/pre_tokenizer", nullptr, kUnsupported, "pre_tokenizer"},
                  {"/pre_tokenizer", sequence({split, first}), kUnsupported, "prepend_scheme"},
                  {"/pre_tokenizer", sequence({metaspace, split}), kUnsupported, "WhitespaceSplit"},
                  {"/pre_tokenizer/prepend_scheme", "sometimes", kUnsupported, "prepend_scheme"},
                  {"/pre_tokenizer/color", 1, kUnsupported, "pre_tokenizer.color"},
                  {"/decoder", other, kUnsupported, "decoder"},
                  {"/decoder", {{"type", "ByteLevel"}}, kUnsupported, "decoder"},
                  {"/added_tokens/0/normalized", true, kUnsupported, "'</s>': normalized"}});
}

TEST(TokenizerJson, RefusesDamageInUnigram) {
  const Json charsmap = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAA!"}};
  const Json cut = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAA"}};
  const Json small = {{"type", "Precompiled"}, {"precompiled_charsmap", "AAAA"}};
  const Json empty = {{"type", "Replace"}, {"pattern", {{"String", ""}}}, {"content", "x"}};
  expect_refused(unigram_json(),
                 {{"/model/vocab/3", Json::array({"b"}), kCorrupt, "model.vocab 3"},
                  {"/model/vocab/3", Json::array({"b", "c"}), kCorrupt, "model.vocab 3"},
                  {"/model/vocab/3/0", "a", kCorrupt, "'a' appears twice"},
                  {"/model/vocab/3/0", std::string(4000, 'a'), kCorrupt, "4000 bytes"},
                  {"/model/unk_id", 5, kCorrupt, "model.unk_id"},
                  {"/model/unk_id", -1, kCorrupt, "model.unk_id"},
                  {"/model/byte_fallback", 1, kCorrupt, "byte_fallback"},
                  {"/normalizer/strip_left", "x", kCorrupt, "strip_left"},
                  {"/normalizer", charsmap, kCorrupt, "precompiled_charsmap"},
                  {"/normalizer", cut, kCorrupt, "precompiled_charsmap"},
                  {"/normalizer", small, kCorrupt, "precompiled_charsmap"},
                  {"/normalizer", empty, kCorrupt, "normalizer.pattern"},
                  {"/normalizer", {{"type", "Sequence"}}, kCorrupt, "normalizer.normalizers"},
                  {"/pre_tokenizer/replacement", "", kCorrupt, "replacement"},
                  {"/pre_tokenizer/replacement", 7, kCorrupt, "replacement"}});
}

TEST(TokenizerJson, RefusesDamage) {
  expect_refused(bpe_json(), {{"/model/vocab/a", -1, kCorrupt, "'a'"},
                              {"/model/vocab/a", 1e9, kCorrupt, "'a'"},
                              {"/model/vocab/a", 4'000'000'000U, kCorrupt, "'a'"},
                              {"/model/vocab/a", 12, kCorrupt, "id 12 is both"},
                              {"/model/merges", {1}, kCorrupt, "merge"},
                              {"/model/merges", {"a"}, kCorrupt, "two pieces"},
                              {"/model/merges/0", {"h", "e", "l"}, kCorrupt, "two pieces"},
                              {"/model/ignore_merges", "yes", kCorrupt, "ignore_merges"},
                              {"/added_tokens", 7, kCorrupt, "added_tokens"},
                              {"/added_tokens/0", 7, kCorrupt, "content"},
                              {"/added_tokens/0/content", "", kCorrupt, "has 0 bytes"},
                              {"/added_tokens/0/id", 5, kCorrupt, "id 5 is both"}});
  expect_refused(wordpiece_json(),
                 {{"/model/unk_token", "[none]", kCorrupt, "[none]"},
                  {"/post_processor", {{"type", "BertProcessing"}}, kCorrupt, "cls"},
                  {"/truncation/max_length", "x", kCorrupt, "max_length"}});
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{"),
                                  std::string(100'000, '['), std::string("{\"model\":\xFF}")}) {
    EXPECT_THROW(parse_tokenizer_json(text, ""), Error);
  }
  EXPECT_THROW(parse_tokenizer_json(bpe_json().dump(), "{"), Error);
  EXPECT_THROW(parse_tokenizer_json(bpe_json().dump(), R"({"bos_token": "<none>"})"), Error);
}

TEST(TokenizerJson, EveryCutOfAFileIsAnError) {
  for (const std::string& whole : {wordpiece_json().dump(), unigram_json().dump()}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_THROW(parse_tokenizer_json(whole.substr(0, size), ""), Error);
    }
  }
}

}  // namespace
}  // namespace ondol::text
