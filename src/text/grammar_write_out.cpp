// From expressions to automata with skips (Thompson's construction); code points become UTF-8.
#include <algorithm>
#include <array>
#include <map>

#include "base/error.h"
#include "text/grammar_automata.h"
#include "text/utf8.h"

namespace ondol::text::grammar {
namespace {

using Builder = GrammarBuilder;

// A repetition is written out up to this many states; beyond, a rule counts.
constexpr uint64_t kWrittenOutMax = 128;

struct Utf8 {
  std::array<uint8_t, 4> bytes = {};
  size_t size = 0;
};

Utf8 encode(char32_t code) {
  std::string text;
  append_utf8(text, code);
  Utf8 out;
  out.size = text.size();
  std::copy(text.begin(), text.end(), out.bytes.begin());
  return out;
}

class Writer {
 public:
  Writer(const Builder& builder, Builder::Rule root) : builder_(builder) {
    rule_of(root);
    for (size_t at = 0; at < wanted_.size(); ++at) {
      const auto& rule = builder_.rule(wanted_[at]);
      if (!rule.defined) {
        throw Error(ErrorCode::kInvalidArgument,
                    "[grammar] rule '" + rule.name + "' is used; got no definition of it");
      }
      begin_rule(static_cast<uint32_t>(at), rule.name);
      write(rule.expr, out_.rules[at].start, out_.rules[at].end);
    }
    move_counted_to_end();
  }

  Drafts take() { return std::move(out_); }

 private:
  // Counted rules are numbered from here while the others are still being found.
  static constexpr uint32_t kCounted = 1U << 31;

  uint32_t rule_of(Builder::Rule rule) {
    const auto [at, fresh] = index_.emplace(rule, static_cast<uint32_t>(wanted_.size()));
    if (fresh) {
      wanted_.push_back(rule);
      out_.rules.emplace_back();
    }
    return at->second;
  }

  void begin_rule(uint32_t at, const std::string& name) {
    const uint32_t start = state(), end = state();
    out_.states[end].final = true;
    DraftRule& rule = out_.rules[at];
    rule.name = name;
    rule.start = start;
    rule.end = end;
    name_ = name;
  }

  uint32_t state() {
    if (out_.states.size() >= Builder::kStatesMax) {
      throw Error(ErrorCode::kResourceExhausted,
                  "[grammar] more than " + std::to_string(Builder::kStatesMax) +
                      " states; expected a smaller grammar; try smaller repetitions");
    }
    out_.states.emplace_back();
    return static_cast<uint32_t>(out_.states.size() - 1);
  }

  void skip(uint32_t from, uint32_t to) { out_.states[from].skips.push_back(to); }

  void write(Builder::Expr expr, uint32_t from, uint32_t to) {
    const Builder::Node& node = builder_.node(expr);
    switch (node.kind) {
      case Builder::Kind::kLiteral:
        return write_bytes(node.bytes, from, to);
      case Builder::Kind::kOneOf:
        for (const CodeRange range : node.ranges) write_range(range, from, to);
        return;
      case Builder::Kind::kSequence:
        return write_sequence(node, from, to);
      case Builder::Kind::kChoice:
        for (const Builder::Expr option : node.parts) {
          const uint32_t begin = state();
          skip(from, begin);
          write(option, begin, to);
        }
        return;
      case Builder::Kind::kRepeat:
        return write_repeat(node, from, to);
      case Builder::Kind::kCall:
        out_.states[from].calls.push_back({rule_of(node.rule), to});
        return;
      case Builder::Kind::kGraph:
        return write_graph(node, from, to);
    }
  }

  void write_bytes(const std::string& bytes, uint32_t from, uint32_t to) {
    if (bytes.empty()) return skip(from, to);
    for (size_t i = 0; i < bytes.size(); ++i) {
      const uint32_t next = i + 1 == bytes.size() ? to : state();
      const auto byte = static_cast<uint8_t>(bytes[i]);
      out_.states[from].bytes.push_back({byte, byte, next});
      from = next;
    }
  }

  // A range is cut so that each byte of a piece has a range of its own.
  void write_range(CodeRange range, uint32_t from, uint32_t to) {
    static constexpr std::array<char32_t, 3> kLastOfSize = {0x7F, 0x7FF, 0xFFFF};
    for (const char32_t last : kLastOfSize) {
      if (range.low <= last && last < range.high) {
        write_range({range.low, last}, from, to);
        return write_range({last + 1, range.high}, from, to);
      }
    }
    for (int tail = 1; tail < 4; ++tail) {
      const char32_t low_bits = (char32_t{1} << (6 * tail)) - 1;
      if ((range.low & ~low_bits) == (range.high & ~low_bits)) continue;
      if ((range.low & low_bits) != 0) {
        write_range({range.low, range.low | low_bits}, from, to);
        return write_range({(range.low | low_bits) + 1, range.high}, from, to);
      }
      if ((range.high & low_bits) != low_bits) {
        write_range({range.low, (range.high & ~low_bits) - 1}, from, to);
        return write_range({range.high & ~low_bits, range.high}, from, to);
      }
    }
    const Utf8 low = encode(range.low), high = encode(range.high);
    for (size_t i = 0; i < low.size; ++i) {
      const uint32_t next = i + 1 == low.size ? to : state();
      out_.states[from].bytes.push_back({low.bytes[i], high.bytes[i], next});
      from = next;
    }
  }

  void write_sequence(const Builder::Node& node, uint32_t from, uint32_t to) {
    if (node.parts.empty()) return skip(from, to);
    for (size_t i = 0; i < node.parts.size(); ++i) {
      const uint32_t next = i + 1 == node.parts.size() ? to : state();
      write(node.parts[i], from, next);
      from = next;
    }
  }

  void write_repeat(const Builder::Node& node, uint32_t from, uint32_t to) {
    const Builder::Expr what = node.parts[0];
    const bool endless = node.max == kRepeatMax;
    const uint64_t copies = endless ? node.min : node.max;
    if (copies > 1 && copies * builder_.node(what).cost > kWrittenOutMax) {
      const uint32_t rule = counted(node);
      out_.states[from].calls.push_back({rule, to});
      return;
    }
    for (uint32_t i = 0; i < copies; ++i) {
      if (i >= node.min) skip(from, to);
      const uint32_t next = state();
      write(what, from, next);
      from = next;
    }
    if (endless) {
      const uint32_t loop = state();
      skip(from, loop);
      write(what, loop, loop);
      from = loop;
    }
    skip(from, to);
  }

  // The body is a rule too.
  uint32_t counted(const Builder::Node& node) {
    const auto body = static_cast<uint32_t>(counted_.size());
    counted_.resize(counted_.size() + 2);
    const std::string name = name_;
    {
      const uint32_t start = state(), end = state();
      counted_[body] = {.name = name + "{}", .start = start, .end = end};
      write(node.parts[0], start, end);
    }
    const uint32_t start = state(), end = state();
    counted_[body + 1] = {.name = name + "{}",
                          .start = start,
                          .end = end,
                          .counted = true,
                          .body = kCounted + body,
                          .min = node.min,
                          .max = node.max};
    out_.states[start].calls.push_back({kCounted + body, end});
    if (node.min == 0) skip(start, end);
    return kCounted + body + 1;
  }

  void write_graph(const Builder::Node& node, uint32_t from, uint32_t to) {
    std::vector<uint32_t> states(node.min);
    for (uint32_t& each : states) each = state();
    if (states.empty()) return;
    skip(from, states[0]);
    for (const uint32_t last : node.parts) skip(states[last], to);
    for (const Builder::GraphEdge& edge : node.edges) {
      write(edge.over, states[edge.from], states[edge.to]);
    }
  }

  void move_counted_to_end() {
    const auto plain = static_cast<uint32_t>(out_.rules.size());
    const auto moved = [plain](uint32_t rule) {
      return rule >= kCounted ? rule - kCounted + plain : rule;
    };
    for (DraftRule& rule : counted_) {
      rule.body = moved(rule.body);
      out_.states[rule.end].final = true;
      out_.rules.push_back(std::move(rule));
    }
    for (Draft& draft : out_.states) {
      for (Grammar::CallEdge& call : draft.calls) call.rule = moved(call.rule);
    }
  }

  const Builder& builder_;
  std::map<Builder::Rule, uint32_t> index_;
  std::vector<Builder::Rule> wanted_;
  std::vector<DraftRule> counted_;
  std::string name_;
  Drafts out_;
};

}  // namespace

Drafts write_out(const GrammarBuilder& builder, GrammarBuilder::Rule root) {
  return Writer(builder, root).take();
}

}  // namespace ondol::text::grammar
