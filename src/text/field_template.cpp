#include "text/field_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "text/jinja_parser.h"
#include "text/jinja_runtime.h"

namespace ondol::text {
namespace {

using namespace jinja;

// What every template may use beside fields.
constexpr std::string_view kGlobals[] = {"range",   "dict",   "namespace", "raise_exception",
                                         "cycler",  "joiner", "loop",      "caller",
                                         "varargs", "kwargs"};

// The engine names its errors after what it is mostly used for.
[[noreturn]] void rethrow(const Error& error) {
  constexpr std::string_view kOther = "[chat template] ";
  std::string what = error.what();
  if (what.starts_with(kOther)) what.erase(0, kOther.size());
  throw Error(error.code(), "[template] " + what);
}

void add_targets(const Expr* target, std::set<std::string>* names) {
  if (target == nullptr) return;
  if (target->kind == ExprKind::kName) names->insert(target->name);
  for (const Expr* item : target->items) add_targets(item, names);
}

// Names that the template itself gives a value, or asks about.
std::set<std::string> own_names(const Program& program) {
  std::set<std::string> names(std::begin(kGlobals), std::end(kGlobals));
  for (const auto& stmt : program.stmts) {
    add_targets(stmt->target, &names);
    for (const auto& [target, value] : stmt->assignments) add_targets(target, &names);
  }
  for (const auto& macro : program.macros) {
    names.insert(macro->name);
    names.insert(macro->parameters.begin(), macro->parameters.end());
  }
  for (const auto& expr : program.exprs) {
    const bool asks =
        (expr->kind == ExprKind::kTest && (expr->name == "defined" || expr->name == "undefined")) ||
        (expr->kind == ExprKind::kFilter && (expr->name == "default" || expr->name == "d"));
    if (asks && !expr->items.empty()) add_targets(expr->items[0], &names);
  }
  return names;
}

}  // namespace

FieldTemplate::FieldTemplate(std::string_view source) : source_(source) {
  try {
    program_ = parse(source);
  } catch (const Error& error) {
    rethrow(error);
  }
  const std::set<std::string> own = own_names(*program_);
  for (const auto& expr : program_->exprs) {
    if (expr->kind != ExprKind::kName || own.contains(expr->name)) continue;
    needed_.push_back({expr->name, expr->position.line, expr->position.column});
  }
  std::ranges::stable_sort(needed_, {}, [](const Name& n) { return std::pair(n.line, n.column); });
}

std::string FieldTemplate::render(std::string_view fields) const {
  Heap heap{Limits{}};
  try {
    Runtime runtime(&heap, {});
    const Value values = from_json(heap, fields, kUntrusted, "the fields of a row");
    if (!values.is(Kind::kDict)) fail("the fields are " + type_name(values) + ", no JSON object");
    for (const Name& one : needed_) {
      if (values.dict().find(one.name) != nullptr) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("[template] line {}, column {}: '{}' is undefined", one.line,
                              one.column, one.name));
    }
    for (const auto& [name, value] : values.dict().entries) runtime.set(name.bytes(), value);
    return runtime.render(*program_).bytes;
  } catch (const Failure& failure) {
    throw Error(failure.code, "[template] " + failure.message);
  } catch (const Error& error) {
    std::string what = error.what();
    if (what.starts_with("[template] ")) throw;
    rethrow(error);
  }
}

}  // namespace ondol::text
