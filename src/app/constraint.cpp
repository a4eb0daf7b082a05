#include "app/constraint.h"

#include "base/error.h"
#include "base/files.h"
#include "infer/grammar_mask.h"
#include "text/gbnf.h"
#include "text/json_schema_grammar.h"

namespace ondol::app {
std::shared_ptr<const text::Grammar> constraint_grammar(const Constraint& constraint) {
  if (constraint.none()) return nullptr;
  const bool schema = !constraint.json_schema.empty();
  const std::string& path = schema ? constraint.json_schema : constraint.grammar;
  const std::string source =
      read_file(path, schema ? text::kJsonSchemaBytesMax : text::kGbnfBytesMax);
  try {
    return schema ? text::json_schema_grammar(source) : text::parse_gbnf(source);
  } catch (const Error& error) {
    throw Error(error.code(), std::string(error.what()) + " (in " + path + ")");
  }
}

std::shared_ptr<const TokenMask> constraint_mask(std::shared_ptr<const text::Grammar> grammar,
                                                 const std::shared_ptr<const Model>& model) {
  const std::shared_ptr<const text::Tokenizer> tokenizer(model, model->tokenizer.get());
  return make_grammar_mask(std::move(grammar), std::make_shared<const VocabularyTrie>(*tokenizer),
                           tokenizer);
}

void check_ended(const GenerateResult& result) {
  size_t cut = 0;
  for (const GeneratedSample& sample : result.samples) cut += sample.finish_reason == "length";
  if (cut == 0) return;
  throw Error(ErrorCode::kResourceExhausted,
              "[run] " + std::to_string(cut) + " of " + std::to_string(result.samples.size()) +
                  " answers ended before the grammar did: got a part, expected the whole; try more "
                  "tokens (--new)");
}

}  // namespace ondol::app
