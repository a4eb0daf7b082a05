#include "text/grammar_matcher.h"

namespace ondol::text {

namespace {

// The machine is made anew when it holds more than this.
constexpr size_t kFootprintMax = 8'000'000;

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar)
    : machine_(std::move(grammar)), at_(machine_.start()) {}

bool GrammarMatcher::accept(std::string_view bytes) {
  GrammarMachine::Set at = at_;
  for (const char c : bytes) {
    at = machine_.step(at, static_cast<uint8_t>(c));
    if (at == GrammarMachine::kDead) return false;
    if (machine_.footprint() > kFootprintMax) {
      GrammarMachine fresh(machine_.grammar_pointer());
      const GrammarMachine::Set before = fresh.adopt(machine_, at_);
      at = fresh.adopt(machine_, at);
      at_ = before;
      machine_ = std::move(fresh);
    }
  }
  at_ = at;
  return true;
}

std::bitset<256> GrammarMatcher::next() {
  std::bitset<256> out;
  for (unsigned byte = 0; byte < 256; ++byte) {
    out[byte] = machine_.step(at_, static_cast<uint8_t>(byte)) != GrammarMachine::kDead;
  }
  return out;
}

std::string GrammarMatcher::forced(size_t bytes_max) { return machine_.forced(at_, bytes_max); }

bool matches(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  GrammarMatcher matcher(grammar);
  return matcher.accept(text) && matcher.may_end();
}

}  // namespace ondol::text
