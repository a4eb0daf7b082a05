// Counts nesting while parsing, so that a hostile template ends in an error and not in a full
// stack.
#pragma once

#include "text/jinja_parser.h"

namespace ondol::text::jinja {

class Parser::Depth {
 public:
  explicit Depth(Parser* parser) : parser_(parser) {
    if (++parser_->depth_ > 3 * kParseDepthMax) {  // one level of source is up to three calls
      parser_->error(parser_->now(), ErrorCode::kResourceExhausted,
                     "brackets and blocks are nested too deep; the limit is " +
                         std::to_string(kParseDepthMax));
    }
  }
  ~Depth() { --parser_->depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Parser* parser_;
};

}  // namespace ondol::text::jinja
