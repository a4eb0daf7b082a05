// Any bytes as tokenizer.json: reading them ends in a working tokenizer or in an Error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ondol::text;
  // A zero byte parts tokenizer.json from tokenizer_config.json.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const std::string_view settings =
      zero == std::string_view::npos ? std::string_view() : input.substr(zero + 1);
  try {
    const auto tokenizer = make_tokenizer(parse_tokenizer_json(input.substr(0, zero), settings));
    const std::vector<TextSpan> spans = {{"Hello <s> w\xC3\xB6rld 42\n", true}, {"[CLS]", false}};
    tokenizer->decode(tokenizer->encode(spans, {.add_special = true}), true);
  } catch (const ondol::Error&) {
  }
  return 0;
}
