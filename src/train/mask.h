// Which bytes of a rendered conversation are the answers to learn, and the tokens of the parts.
//
// Two ways. A template with `{% generation %}` says it itself. For any other, message i is found by
// rendering prefixes: render(messages[:i] + generation prompt) must be a beginning of
// render(messages[:i+1]), and what follows is the answer; that is what the model will be asked to
// write after that very prompt. Trailing white space behind the end token is not learned: nobody
// generates it. Private to the room.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/chat.h"
#include "text/tokenizer.h"
#include "train/example.h"

namespace ondol::train {

// A stretch of text that is learned as a whole or not at all.
struct Part {
  std::vector<text::TextSpan> spans;
  bool learned = false;
};
using Parts = std::vector<Part>;

struct Conversation {
  std::span<const text::ChatMessage> messages;
  std::vector<uint8_t> learned;  // by message
  std::string tools_json;
};

// `other_prompts`: an answer is learned after a shorter prompt than the one that will be asked
// with, as the generation prompt opens thinking and the answer has none. One list of parts; several
// where the template writes earlier turns differently once later ones follow (thinking that is
// dropped): then one a learned turn. Throws Error(kCorruptData) when prefixes do not nest,
// kUnsupported when the template lacks tools that the row has.
std::vector<Parts> answer_parts(const text::ChatTemplate& chat, const text::Tokenizer& tokenizer,
                                const Conversation& conversation,
                                const text::ChatRenderOptions& options, bool* other_prompts);

// The parts as tokens. Verified: the parts' tokens one after the other are those of the whole text;
// if not, `border` decides.
Example encode_parts(const text::Tokenizer& tokenizer, const Parts& parts, Border border);

}  // namespace ondol::train
