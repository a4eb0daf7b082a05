// The tests of `x is ...`.
#include "text/jinja_library.h"
#include "text/jinja_text.h"

namespace ondol::text::jinja {
namespace {

const Value& one_argument(const Args& args) {
  if (args.positional.size() != 1 || !args.named.empty()) fail("the test needs one argument");
  return args.positional[0];
}

// Whether value % by is `rest`.
bool leaves(Runtime& runtime, const Value& value, const Value& by, int64_t rest) {
  if (value.is_string()) fail("the test needs a number, got str");
  return equals(binary_operation(runtime, "%", value, by), Value(rest));
}

template <Kind kind>
bool is_kind(Runtime&, const Value& value, const Args&) {
  return value.is(kind);
}

bool equal(Runtime&, const Value& value, const Args& args) {
  return equals(value, one_argument(args));
}
bool unequal(Runtime&, const Value& value, const Args& args) {
  return !equals(value, one_argument(args));
}
bool less(Runtime&, const Value& value, const Args& args) {
  return compare(value, one_argument(args)) == -1;
}
bool at_most(Runtime&, const Value& value, const Args& args) {
  const int order = compare(value, one_argument(args));
  return order == -1 || order == 0;
}
bool greater(Runtime&, const Value& value, const Args& args) {
  return compare(value, one_argument(args)) == 1;
}
bool at_least(Runtime&, const Value& value, const Args& args) {
  const int order = compare(value, one_argument(args));
  return order == 1 || order == 0;
}

bool divisible(Runtime& runtime, const Value& value, const Args& args) {
  return leaves(runtime, value, one_argument(args), 0);
}
bool odd(Runtime& runtime, const Value& value, const Args&) {
  return leaves(runtime, value, Value(int64_t{2}), 1);
}
bool even(Runtime& runtime, const Value& value, const Args&) {
  return leaves(runtime, value, Value(int64_t{2}), 0);
}

bool same(Runtime&, const Value& value, const Args& args) {
  const Value& other = one_argument(args);
  if (value.kind() != other.kind()) return false;
  if (value.is(Kind::kSequence)) return &value.sequence() == &other.sequence();
  if (value.is(Kind::kDict)) return &value.dict() == &other.dict();
  return equals(value, other);
}

bool sequence(Runtime&, const Value& value, const Args&) {
  if (value.is(Kind::kSequence)) {
    const auto form = value.sequence().form;
    return form == Sequence::Form::kList || form == Sequence::Form::kTuple ||
           form == Sequence::Form::kRange;
  }
  return value.is_string() || value.is(Kind::kDict) || value.is_undefined();
}

bool iterable(Runtime&, const Value& value, const Args&) {
  return value.is_string() || value.is(Kind::kSequence) || value.is(Kind::kDict) ||
         value.is_undefined();
}

bool callable(Runtime&, const Value& value, const Args&) {
  // Undefined has a method for calls in Python too: it says why it is undefined.
  return value.is_undefined() || (value.is(Kind::kObject) && value.object().callable());
}

bool cased(const Value& value, bool upper) { return is_cased(to_text(value).bytes, upper); }

}  // namespace

const std::vector<TestRow>& tests() {
  static const std::vector<TestRow> kRows = {
      {"defined", [](Runtime&, const Value& v, const Args&) { return !v.is_undefined(); }},
      {"undefined", is_kind<Kind::kUndefined>},
      {"none", is_kind<Kind::kNone>},
      {"boolean", is_kind<Kind::kBool>},
      {"integer", is_kind<Kind::kInt>},
      {"float", is_kind<Kind::kFloat>},
      {"string", is_kind<Kind::kString>},
      {"mapping", is_kind<Kind::kDict>},
      {"number", [](Runtime&, const Value& v, const Args&) { return v.is_number(); }},
      {"sequence", sequence},
      {"iterable", iterable},
      {"callable", callable},
      {"true",
       [](Runtime&, const Value& v, const Args&) { return v.is(Kind::kBool) && v.boolean(); }},
      {"false",
       [](Runtime&, const Value& v, const Args&) { return v.is(Kind::kBool) && !v.boolean(); }},
      {"odd", odd},
      {"even", even},
      {"divisibleby", divisible},
      {"sameas", same},
      {"upper", [](Runtime&, const Value& v, const Args&) { return cased(v, true); }},
      {"lower", [](Runtime&, const Value& v, const Args&) { return cased(v, false); }},
      {"in",
       [](Runtime&, const Value& v, const Args& args) { return contains(one_argument(args), v); }},
      {"filter", [](Runtime&, const Value& v,
                    const Args&) { return v.is_string() && find_filter(v.bytes()) != nullptr; }},
      {"test", [](Runtime&, const Value& v,
                  const Args&) { return v.is_string() && find_test(v.bytes()) != nullptr; }},
      {"escaped", [](Runtime&, const Value&, const Args&) { return false; }},
      {"eq", equal},
      {"equalto", equal},
      {"==", equal},
      {"ne", unequal},
      {"!=", unequal},
      {"lt", less},
      {"lessthan", less},
      {"<", less},
      {"le", at_most},
      {"<=", at_most},
      {"gt", greater},
      {"greaterthan", greater},
      {">", greater},
      {"ge", at_least},
      {">=", at_least},
  };
  return kRows;
}

}  // namespace ondol::text::jinja
