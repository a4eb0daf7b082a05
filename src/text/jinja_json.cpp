// JSON text to template values, in the order of the text.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "text/jinja_value.h"

namespace ondol::text::jinja {
namespace {

class Builder {
 public:
  Builder(Heap& heap, char mark, std::string_view what) : heap_(heap), mark_(mark), what_(what) {}
  Value result;

  bool null() { return put(Value::none()); }
  bool boolean(bool of) { return put(Value(of)); }
  bool number_integer(int64_t of) { return put(Value(of)); }
  bool number_unsigned(uint64_t of) {
    if (of > INT64_MAX) fail(fmt::format("{}: the number {} needs more than 64 bits", what_, of));
    return put(Value(static_cast<int64_t>(of)));
  }
  bool number_float(double of, const std::string& digits) {
    if (digits.find_first_of(".eE") == std::string::npos) {
      fail(fmt::format("{}: the number {} needs more than 64 bits", what_, digits));
    }
    return put(Value(of));
  }
  bool string(std::string& of) { return put(heap_.text(of, mark_)); }
  bool binary(nlohmann::json::binary_t&) { return false; }
  bool start_object(size_t) { return open(heap_.dict()); }
  bool start_array(size_t) { return open(heap_.list({})); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& of) {
    stack_.back().second = of;
    return true;
  }
  bool parse_error(size_t at, const std::string&, const nlohmann::json::exception&) {
    fail(fmt::format("{} is not JSON: wrong at byte {}", what_, at));
  }

 private:
  bool put(Value value) {
    if (stack_.empty()) {
      result = std::move(value);
    } else if (stack_.back().first.is(Kind::kDict)) {
      heap_.set(stack_.back().first.dict(), heap_.text(stack_.back().second, mark_),
                std::move(value));
    } else {
      heap_.append(stack_.back().first.sequence(), std::move(value));
    }
    return true;
  }
  bool open(Value value) {
    put(value);
    if (stack_.size() >= kValueDepthMax) {
      fail_limit("nested lists and dicts in JSON", stack_.size() + 1, kValueDepthMax);
    }
    stack_.emplace_back(std::move(value), std::string());
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  Heap& heap_;
  char mark_;
  std::string what_;
  std::vector<std::pair<Value, std::string>> stack_;  // open container, its pending key
};

}  // namespace

Value from_json(Heap& heap, std::string_view json, char mark, std::string_view what) {
  Builder builder(heap, mark, what);
  nlohmann::json::sax_parse(json, &builder);
  return builder.result;
}

}  // namespace ondol::text::jinja
