// The values a template computes with, and the heap that owns them for the time of one rendering.
//
// A string keeps one mark per byte: kTrusted where the template wrote the byte, kUntrusted where it
// came from message data. Lists, dicts, macros and other objects live in a Heap (a template can tie
// them into rings, so counting references would leak) and die with it; values point into it.
// Every allocation is counted: a hostile template ends in Failure(kResourceExhausted).
//
//   Heap heap(limits);
//   Value list = heap.list({Value(1), heap.text("a", kTrusted)});
//
// Errors are thrown as Failure, without a position; the interpreter adds line and column.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"

namespace ondol::text::jinja {

inline constexpr size_t kTemplateBytesMax = size_t{1} << 20;
inline constexpr size_t kOutputBytesMax = size_t{32} << 20;
inline constexpr size_t kTextBytesMax = size_t{512} << 20;  // all strings made in one rendering
inline constexpr size_t kCellsMax = size_t{4} << 20;        // all list and dict places made
inline constexpr size_t kIterationsMax = 1'000'000;
inline constexpr size_t kStepsMax = 50'000'000;  // expressions evaluated, items walked
inline constexpr int kEvalDepthMax = 1000;       // nested expressions, statements and calls
inline constexpr int kValueDepthMax = 100;       // nested lists and dicts when printed or compared
inline constexpr size_t kCompareStepsMax = size_t{1} << 22;  // values met in one comparison
inline constexpr int kParseDepthMax = 100;                   // nested brackets, blocks

struct Limits {
  size_t output_bytes = kOutputBytesMax;
  size_t text_bytes = kTextBytesMax;
  size_t cells = kCellsMax;
  size_t iterations = kIterationsMax;
  size_t steps = kStepsMax;
  int depth = kEvalDepthMax;
};

struct Position {
  int line = 1;
  int column = 1;
};

// An error inside the engine; becomes an ondol::Error with the position where it happened.
struct Failure {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;
};
[[noreturn]] void fail(std::string message);
[[noreturn]] void fail_unsupported(std::string message);
[[noreturn]] void fail_limit(std::string_view what, size_t got, size_t limit);

inline constexpr char kUntrusted = 0;
inline constexpr char kTrusted = 1;

// Bytes (UTF-8) with a mark for each.
struct Text {
  std::string bytes;
  std::string marks;
  // Made by `safe` or `escape`: what is added to it with + is HTML-escaped first, as in Jinja.
  bool markup = false;

  Text() = default;
  Text(std::string_view of, char mark) : bytes(of), marks(of.size(), mark) {}
  size_t size() const { return bytes.size(); }
  void append(const Text& other);
  void append(std::string_view of, char mark);
  Text sub(size_t begin, size_t end) const;  // byte offsets; keeps `markup`
};

enum class Kind { kUndefined, kNone, kBool, kInt, kFloat, kString, kSequence, kDict, kObject };

class Value;
struct Sequence;
struct Dict;
struct Object;

class Value {
 public:
  Value() = default;  // undefined
  explicit Value(bool of) : kind_(Kind::kBool) { scalar_.integer = of; }
  explicit Value(int64_t of) : kind_(Kind::kInt) { scalar_.integer = of; }
  explicit Value(double of) : kind_(Kind::kFloat) { scalar_.real = of; }
  explicit Value(Sequence* of) : kind_(Kind::kSequence) { scalar_.sequence = of; }
  explicit Value(Dict* of) : kind_(Kind::kDict) { scalar_.dict = of; }
  explicit Value(Object* of) : kind_(Kind::kObject) { scalar_.object = of; }
  explicit Value(std::shared_ptr<const Text> of) : kind_(Kind::kString), text_(std::move(of)) {}
  static Value none();
  // `why` is said when the value is used, for example "'x' is undefined".
  static Value undefined(std::string why);

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_undefined() const { return kind_ == Kind::kUndefined; }
  bool is_none() const { return kind_ == Kind::kNone; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_integral() const { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  bool is_number() const { return is_integral() || kind_ == Kind::kFloat; }

  bool boolean() const { return scalar_.integer != 0; }
  int64_t integer() const { return scalar_.integer; }  // of an int or a bool
  double real() const;                                 // of any number
  const Text& text() const { return *text_; }
  const std::string& bytes() const { return text_->bytes; }
  Sequence& sequence() const { return *scalar_.sequence; }
  Dict& dict() const { return *scalar_.dict; }
  Object& object() const { return *scalar_.object; }
  std::string why_undefined() const;

 private:
  Kind kind_ = Kind::kUndefined;
  union {
    int64_t integer;
    double real;
    Sequence* sequence;
    Dict* dict;
    Object* object;
  } scalar_ = {0};
  std::shared_ptr<const Text> text_;  // the string, or why a value is undefined
};

// Everything that can be walked by index. An iterator (what map, select, ... give) can be walked
// once and has no length, as in Python.
struct Sequence {
  enum class Form { kList, kTuple, kRange, kIterator, kKeys, kValues, kItems };
  Form form = Form::kList;
  std::vector<Value> items;
  std::string label;  // how a range prints; "group" for the pairs of groupby
};

// Insertion-ordered; 1, 1.0 and true are one key, as in Python.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, size_t> index;

  const Value* find(const Value& key) const;
  const Value* find(std::string_view key) const;
  std::optional<Value> take(const Value& key);
};

class Runtime;  // jinja_runtime.h

struct Args {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Macros, bound methods, loops, namespaces, cyclers.
struct Object {
  virtual ~Object() = default;
  virtual std::string type_name() const = 0;
  virtual bool callable() const { return false; }
  virtual Value call(Runtime& runtime, const Args& args);
  virtual std::optional<Value> attribute(Runtime& runtime, std::string_view name);
};

struct Namespace final : Object {
  Dict fields;
  std::string type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Runtime&, std::string_view name) override;
};

using NativeFunction = std::function<Value(Runtime&, const Args&)>;
struct Native final : Object {
  std::string name;
  NativeFunction function;
  std::string type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Args& args) override { return function(runtime, args); }
};

class Heap {
 public:
  explicit Heap(const Limits& limits) : limits_(limits) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  Value text(Text of);
  Value text(std::string_view bytes, char mark) { return text(Text(bytes, mark)); }
  Value list(std::vector<Value> items);
  Value tuple(std::vector<Value> items);
  Value iterator(std::vector<Value> items);
  Value sequence(Sequence::Form form, std::vector<Value> items, std::string label = {});
  Value dict();
  void set(Dict& dict, const Value& key, Value value);  // fails for an unhashable key
  void append(Sequence& sequence, Value value);
  Value native(std::string name, NativeFunction function);
  template <class T, class... A>
  T* make(A&&... args) {
    count_cells(2);
    auto owned = std::make_unique<T>(std::forward<A>(args)...);
    T* raw = owned.get();
    objects_.push_back(std::move(owned));
    return raw;
  }
  void count_cells(size_t count);
  void count_text(size_t bytes);  // before building a large string
  const Limits& limits() const { return limits_; }

 private:
  Limits limits_;
  size_t text_bytes_ = 0;
  size_t cells_ = 0;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::vector<std::unique_ptr<Dict>> dicts_;
  std::vector<std::unique_ptr<Object>> objects_;
};

bool truthy(const Value& value);
bool equals(const Value& a, const Value& b);
// -1, 0, 1; 2 for unordered (NaN). Fails for types that have no order between them.
int compare(const Value& a, const Value& b);
bool contains(const Value& container, const Value& item);
// The word Python uses: "str", "int", "list", ...
std::string type_name(const Value& value);
// What makes two dict keys the same; fails for lists and dicts.
std::string hash_key(const Value& key, int depth = 0);

// How a value prints: str(), repr() and JSON as Python writes them, keeping the marks of strings.
// Signs between the values of a container are untrusted: data decides how many there are.
Text to_text(const Value& value);
Text to_repr(const Value& value);
std::string float_repr(double value);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
Text to_json(const Value& value, const JsonStyle& style);
// JSON to values; every string gets `mark`. `what` names the text in errors.
Value from_json(Heap& heap, std::string_view json, char mark, std::string_view what);

}  // namespace ondol::text::jinja
