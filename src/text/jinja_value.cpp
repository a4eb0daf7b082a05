#include "text/jinja_value.h"

#include <fmt/format.h>

#include <cmath>
#include <compare>

namespace ondol::text::jinja {

void fail(std::string message) { throw Failure{ErrorCode::kInvalidArgument, std::move(message)}; }

void fail_unsupported(std::string message) {
  throw Failure{ErrorCode::kUnsupported, std::move(message)};
}

void fail_limit(std::string_view what, size_t got, size_t limit) {
  throw Failure{ErrorCode::kResourceExhausted,
                fmt::format("{}: got {}, the limit is {}; the template runs away or the "
                            "conversation is too long",
                            what, got, limit)};
}

void Text::append(const Text& other) {
  bytes += other.bytes;
  marks += other.marks;
}

void Text::append(std::string_view of, char mark) {
  bytes += of;
  marks.append(of.size(), mark);
}

Text Text::sub(size_t begin, size_t end) const {
  Text part;
  part.bytes = bytes.substr(begin, end - begin);
  part.marks = marks.substr(begin, end - begin);
  part.markup = markup;
  return part;
}

Value Value::none() {
  Value value;
  value.kind_ = Kind::kNone;
  return value;
}

Value Value::undefined(std::string why) {
  Value value;
  value.text_ = std::make_shared<const Text>(why, kUntrusted);
  return value;
}

double Value::real() const {
  return kind_ == Kind::kFloat ? scalar_.real : static_cast<double>(scalar_.integer);
}

std::string Value::why_undefined() const { return text_ ? text_->bytes : "the value is undefined"; }

const Value* Dict::find(const Value& key) const {
  const auto found = index.find(hash_key(key));
  return found == index.end() ? nullptr : &entries[found->second].second;
}

const Value* Dict::find(std::string_view key) const {
  const auto found = index.find("s" + std::string(key));
  return found == index.end() ? nullptr : &entries[found->second].second;
}

std::optional<Value> Dict::take(const Value& key) {
  const auto found = index.find(hash_key(key));
  if (found == index.end()) return std::nullopt;
  const size_t place = found->second;
  Value value = entries[place].second;
  index.erase(found);
  entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(place));
  for (auto& [name, at] : index) at -= at > place ? 1 : 0;
  return value;
}

Value Object::call(Runtime&, const Args&) { fail("a " + type_name() + " cannot be called"); }

std::optional<Value> Object::attribute(Runtime&, std::string_view) { return std::nullopt; }

std::optional<Value> Namespace::attribute(Runtime&, std::string_view name) {
  const Value* found = fields.find(name);
  return found ? std::optional(*found) : std::nullopt;
}

Value Heap::text(Text of) {
  count_text(of.size());
  return Value(std::make_shared<const Text>(std::move(of)));
}

Value Heap::sequence(Sequence::Form form, std::vector<Value> items, std::string label) {
  count_cells(items.size() + 1);
  sequences_.push_back(std::make_unique<Sequence>());
  Sequence* made = sequences_.back().get();
  made->form = form;
  made->items = std::move(items);
  made->label = std::move(label);
  return Value(made);
}

Value Heap::list(std::vector<Value> items) {
  return sequence(Sequence::Form::kList, std::move(items));
}
Value Heap::tuple(std::vector<Value> items) {
  return sequence(Sequence::Form::kTuple, std::move(items));
}
Value Heap::iterator(std::vector<Value> items) {
  return sequence(Sequence::Form::kIterator, std::move(items));
}

Value Heap::dict() {
  count_cells(4);
  dicts_.push_back(std::make_unique<Dict>());
  return Value(dicts_.back().get());
}

void Heap::set(Dict& dict, const Value& key, Value value) {
  const auto [place, added] = dict.index.try_emplace(hash_key(key), dict.entries.size());
  if (!added) {
    dict.entries[place->second].second = std::move(value);
    return;
  }
  count_cells(4);
  dict.entries.emplace_back(key, std::move(value));
}

void Heap::append(Sequence& sequence, Value value) {
  count_cells(1);
  sequence.items.push_back(std::move(value));
}

Value Heap::native(std::string name, NativeFunction function) {
  Native* made = make<Native>();
  made->name = std::move(name);
  made->function = std::move(function);
  return Value(static_cast<Object*>(made));
}

void Heap::count_cells(size_t count) {
  cells_ += count;
  if (cells_ > limits_.cells) fail_limit("list and dict places", cells_, limits_.cells);
}

void Heap::count_text(size_t bytes) {
  constexpr size_t kOverhead = 32;  // what even an empty string costs
  text_bytes_ += bytes + kOverhead;
  if (text_bytes_ > limits_.text_bytes) {
    fail_limit("bytes of strings", text_bytes_, limits_.text_bytes);
  }
}

bool truthy(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return value.integer() != 0;
    case Kind::kFloat:
      return value.real() != 0.0;
    case Kind::kString:
      return !value.bytes().empty();
    case Kind::kSequence:
      return value.sequence().form == Sequence::Form::kIterator || !value.sequence().items.empty();
    case Kind::kDict:
      return !value.dict().entries.empty();
    case Kind::kObject:
      return true;
  }
  return false;
}

namespace {

void check_depth(int depth) {
  if (depth > kValueDepthMax) fail_limit("nested lists and dicts", depth, kValueDepthMax);
}

// Exact between integers and doubles: x86-64's long double holds every int64.
int order(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return (a.integer() > b.integer()) - (a.integer() < b.integer());
  }
  const auto wide = [](const Value& value) {
    return value.is_integral() ? static_cast<long double>(value.integer())
                               : static_cast<long double>(value.real());
  };
  const long double x = wide(a), y = wide(b);
  if (std::isnan(x) || std::isnan(y)) return 2;
  return (x > y) - (x < y);
}

// Lists equal lists only, tuples tuples, ranges ranges; iterators and views are themselves alone.
bool same_form(const Sequence& a, const Sequence& b) {
  using Form = Sequence::Form;
  return a.form == b.form && a.form != Form::kIterator && a.form != Form::kValues;
}

// One comparison of two values. Lists that share their parts can be exponentially long to walk.
class Comparison {
 public:
  bool equals(const Value& a, const Value& b, int depth);
  int compare(const Value& a, const Value& b, int depth);

 private:
  void step(int depth) {
    check_depth(depth);
    if (++steps_ > kCompareStepsMax) fail_limit("values compared", steps_, kCompareStepsMax);
  }
  size_t steps_ = 0;
};

bool Comparison::equals(const Value& a, const Value& b, int depth) {
  step(depth);
  if (a.is_number() && b.is_number()) return order(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kString:
      return a.bytes() == b.bytes();
    case Kind::kSequence: {
      const Sequence &x = a.sequence(), &y = b.sequence();
      if (&x == &y) return true;
      if (!same_form(x, y) || x.items.size() != y.items.size()) return false;
      for (size_t i = 0; i < x.items.size(); ++i) {
        if (!equals(x.items[i], y.items[i], depth + 1)) return false;
      }
      return true;
    }
    case Kind::kDict: {
      const Dict &x = a.dict(), &y = b.dict();
      if (&x == &y) return true;
      if (x.entries.size() != y.entries.size()) return false;
      for (const auto& [key, value] : x.entries) {
        const Value* other = y.find(key);
        if (!other || !equals(value, *other, depth + 1)) return false;
      }
      return true;
    }
    case Kind::kObject:
      return &a.object() == &b.object();
    default:
      return true;  // none and none, undefined and undefined
  }
}

int Comparison::compare(const Value& a, const Value& b, int depth) {
  step(depth);
  if (a.is_number() && b.is_number()) return order(a, b);
  if (a.is_string() && b.is_string()) {
    const int sign = a.bytes().compare(b.bytes());  // UTF-8 sorts as its code points do
    return (sign > 0) - (sign < 0);
  }
  if (a.is(Kind::kSequence) && b.is(Kind::kSequence) && same_form(a.sequence(), b.sequence())) {
    const auto &x = a.sequence().items, &y = b.sequence().items;
    for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equals(x[i], y[i], depth + 1)) return compare(x[i], y[i], depth + 1);
    }
    return (x.size() > y.size()) - (x.size() < y.size());
  }
  if (a.is_undefined()) fail(a.why_undefined());
  if (b.is_undefined()) fail(b.why_undefined());
  fail(fmt::format("cannot order '{}' and '{}'", type_name(a), type_name(b)));
}

}  // namespace

bool equals(const Value& a, const Value& b) { return Comparison().equals(a, b, 0); }
int compare(const Value& a, const Value& b) { return Comparison().compare(a, b, 0); }

bool contains(const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      if (item.is_undefined()) fail(item.why_undefined());
      if (!item.is_string()) {
        fail("'in <string>' needs a string on the left, got " + type_name(item));
      }
      return container.bytes().find(item.bytes()) != std::string::npos;
    case Kind::kSequence:
      for (const Value& one : container.sequence().items) {
        if (equals(one, item)) return true;
      }
      return false;
    case Kind::kDict:
      return container.dict().find(item) != nullptr;
    default:
      fail("'in' needs a container on the right, got " + type_name(container));
  }
}

std::string type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return "undefined";
    case Kind::kNone:
      return "none";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kDict:
      return "dict";
    case Kind::kObject:
      return value.object().type_name();
    case Kind::kSequence:
      break;
  }
  constexpr const char* kNames[] = {"list",      "tuple",       "range",     "iterator",
                                    "dict_keys", "dict_values", "dict_items"};
  return kNames[static_cast<size_t>(value.sequence().form)];
}

std::string hash_key(const Value& key, int depth) {
  check_depth(depth);
  switch (key.kind()) {
    case Kind::kString:
      return "s" + key.bytes();
    case Kind::kNone:
      return "0";
    case Kind::kBool:
    case Kind::kInt:
      return "n" + std::to_string(key.integer());
    case Kind::kFloat: {
      constexpr double kInt64End = 9223372036854775808.0;
      const double real = key.real();
      if (real == std::trunc(real) && std::abs(real) < kInt64End) {
        return "n" + std::to_string(static_cast<int64_t>(real));
      }
      return "f" + float_repr(real);
    }
    case Kind::kSequence:
      if (key.sequence().form == Sequence::Form::kTuple) {
        std::string hash = "(";
        for (const Value& item : key.sequence().items) {
          const std::string part = hash_key(item, depth + 1);
          hash += std::to_string(part.size()) + ":" + part;
          if (hash.size() > kTemplateBytesMax) {
            fail_limit("bytes of a dict key", hash.size(), kTemplateBytesMax);
          }
        }
        return hash;
      }
      break;
    default:
      break;
  }
  fail(fmt::format("a value of type '{}' cannot be a dict key", type_name(key)));
}

}  // namespace ondol::text::jinja
