#include "text/json_pieces.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "text/utf8.h"

namespace ondol::text::schema {
namespace {

// What stands in a string as itself, without what needs an escape.
const std::vector<CodeRange> kPlainAscii = {{0x20, '!'}, {'#', '['}, {']', 0x7F}};
const std::vector<CodeRange> kWide = {{0x80, 0xD7FF}, {0xE000, kCodeMax}};

std::vector<CodeRange> overlap(const std::vector<CodeRange>& a, const std::vector<CodeRange>& b) {
  std::vector<CodeRange> out;
  for (const CodeRange x : a) {
    for (const CodeRange y : b) {
      const CodeRange both = {std::max(x.low, y.low), std::min(x.high, y.high)};
      if (both.low <= both.high) out.push_back(both);
    }
  }
  return normal_ranges(std::move(out));
}

bool holds(const std::vector<CodeRange>& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](CodeRange r) { return r.low <= code && code <= r.high; });
}

// The one spelling of a character that cannot stand as itself.
std::string escape_of(char32_t code) {
  const std::string quoted = nlohmann::json(std::string(1, static_cast<char>(code))).dump();
  return quoted.substr(1, quoted.size() - 2);
}

std::vector<char32_t> escaped_codes() {
  std::vector<char32_t> out = {'"', '\\'};
  for (char32_t code = 0; code < 0x20; ++code) out.push_back(code);
  return out;
}

}  // namespace

JsonPieces::Expr JsonPieces::one_char(const std::vector<CodeRange>& ranges) {
  std::vector<Expr> options;
  const std::vector<CodeRange> ascii = overlap(ranges, kPlainAscii), wide = overlap(ranges, kWide);
  if (!ascii.empty()) options.push_back(b_.one_of(ascii));
  if (wide == kWide) {
    if (!wide_) {
      wide_ = b_.add_rule("character");
      b_.define(*wide_, b_.one_of(kWide));
    }
    options.push_back(b_.call(*wide_));
  } else if (!wide.empty()) {
    options.push_back(b_.one_of(wide));
  }
  std::vector<Expr> escapes;
  for (const char32_t code : escaped_codes()) {
    if (holds(ranges, code)) escapes.push_back(b_.literal(escape_of(code)));
  }
  if (escapes.size() == escaped_codes().size()) {
    if (!escapes_) {
      escapes_ = b_.add_rule("escape");
      b_.define(*escapes_, b_.choice(std::move(escapes)));
    }
    options.push_back(b_.call(*escapes_));
  } else {
    options.insert(options.end(), escapes.begin(), escapes.end());
  }
  return b_.choice(std::move(options));
}

// Any character, written out.
JsonPieces::Expr JsonPieces::character() {
  std::vector<CodeRange> plain = kPlainAscii;
  plain.insert(plain.end(), kWide.begin(), kWide.end());
  std::vector<Expr> options = {b_.one_of(std::move(plain))};
  for (const char32_t code : escaped_codes()) options.push_back(b_.literal(escape_of(code)));
  return b_.choice(std::move(options));
}

JsonPieces::Expr JsonPieces::tail() {
  if (!tail_) {
    tail_ = b_.add_rule("end of a string");
    b_.define(*tail_, b_.sequence({b_.repeat(character(), 0), b_.literal("\"")}));
  }
  return b_.call(*tail_);
}

JsonPieces::Expr JsonPieces::string(uint32_t min, uint32_t max) {
  if (min == 0 && max == kRepeatMax) {
    if (!string_) {
      string_ = b_.add_rule("string");
      b_.define(*string_, b_.sequence({b_.literal("\""), tail()}));
    }
    return b_.call(*string_);
  }
  const Expr begin = b_.repeat(character(), min, max == kRepeatMax ? min : max);
  return b_.sequence({b_.literal("\""), begin, max == kRepeatMax ? tail() : b_.literal("\"")});
}

JsonPieces::Expr JsonPieces::graph(const CodeAutomaton& texts, bool json) {
  const auto end = static_cast<uint32_t>(texts.states.size());
  std::vector<GrammarBuilder::GraphEdge> edges;
  for (uint32_t s = 0; s < end; ++s) {
    if (json && texts.takes_all(s)) {
      edges.push_back({s, tail(), end});
      continue;
    }
    std::map<uint32_t, std::vector<CodeRange>> by_target;
    for (const auto& edge : texts.states[s].edges) {
      by_target[edge.target].push_back({edge.low, edge.high});
    }
    for (const auto& [target, ranges] : by_target) {
      const auto all = normal_ranges(ranges);
      edges.push_back({s, json ? one_char(all) : b_.one_of(all), target});
    }
    if (texts.states[s].final) {
      edges.push_back({s, json ? b_.literal("\"") : b_.empty(), end});
    }
  }
  return b_.graph(end + 1, std::move(edges), {end});
}

JsonPieces::Expr JsonPieces::string(const CodeAutomaton& texts) {
  if (texts.states.empty()) return b_.nothing();
  if (texts.takes_all(0)) return string(0, kRepeatMax);
  return b_.sequence({b_.literal("\""), graph(texts, true)});
}

JsonPieces::Expr JsonPieces::plain(const CodeAutomaton& texts) {
  return texts.states.empty() ? b_.nothing() : graph(texts, false);
}

JsonPieces::Expr JsonPieces::key(const std::string& name) {
  return b_.literal(nlohmann::json(name).dump());
}

JsonPieces::Expr JsonPieces::blank() {
  if (style_ == JsonStyle::kCompact) return b_.empty();
  if (!blank_) {
    blank_ = b_.add_rule("white space");
    const Expr line =
        b_.sequence({b_.literal("\n"), b_.repeat(b_.one_of({{' ', ' '}, {'\t', '\t'}}), 0, 20)});
    b_.define(*blank_, b_.choice({b_.empty(), b_.literal(" "), line}));
  }
  return b_.call(*blank_);
}

JsonPieces::Expr JsonPieces::open(const char* bracket) {
  return b_.sequence({b_.literal(bracket), blank()});
}
JsonPieces::Expr JsonPieces::close(const char* bracket) {
  return b_.sequence({blank(), b_.literal(bracket)});
}
JsonPieces::Expr JsonPieces::comma() { return b_.sequence({b_.literal(","), blank()}); }
JsonPieces::Expr JsonPieces::colon() { return b_.sequence({b_.literal(":"), blank()}); }

}  // namespace ondol::text::schema
