// The tree of a parsed template. Nodes live in Program and point at one another; a Program never
// changes once parsed and can be rendered by several threads at once.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace ondol::text::jinja {

enum class ExprKind {
  kConstant,   // constant
  kName,       // name
  kList,       // items
  kTuple,      // items
  kDict,       // items: key, value, key, value, ...
  kUnary,      // name "-", "+", "not"; items[0]
  kBinary,     // name "+", "-", "*", "/", "//", "%", "**"; items[0], items[1]
  kAnd,        // items[0], items[1]
  kOr,         // items[0], items[1]
  kConcat,     // items: parts of ~
  kCompare,    // items: operands; operators between them
  kCondition,  // items: value if true, condition, value if false (may be null)
  kAttribute,  // items[0].name
  kSubscript,  // items[0][items[1]]
  kSlice,      // items[0][items[1]:items[2]:items[3]], each of 1..3 may be null
  kCall,       // items[0](arguments)
  kFilter,     // items[0] | name(arguments); items[0] null inside a filter block
  kTest,       // items[0] is name(arguments)
};

struct Expr;

struct Argument {
  std::string name;  // empty: positional; "*": a list spread; "**": a dict spread
  const Expr* value = nullptr;
};

struct Expr {
  ExprKind kind = ExprKind::kConstant;
  Position position;
  std::string name;
  Value constant;
  std::vector<const Expr*> items;
  std::vector<std::string> operators;
  std::vector<Argument> arguments;
};

enum class StmtKind {
  kData,         // text
  kPrint,        // expr
  kIf,           // branches
  kFor,          // target, expr, filter (may be null), recursive, body, otherwise
  kSet,          // target, expr
  kSetBlock,     // target, expr: filters over the body (may be null), body
  kMacro,        // macro
  kCallBlock,    // expr: the call; macro: the body as `caller`
  kFilterBlock,  // expr: filters over the body, body
  kWith,         // assignments, body
  kScope,        // body in a scope of its own (block)
  kGeneration,   // the same, and what it writes is an answer of the model
  kDo,           // expr
  kBreak,
  kContinue,
};

struct Stmt;
using Block = std::vector<const Stmt*>;

struct MacroNode {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<const Expr*> defaults;  // of the last parameters
  Block body;
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct Stmt {
  StmtKind kind = StmtKind::kData;
  Position position;
  Value text;
  const Expr* expr = nullptr;
  const Expr* target = nullptr;  // kName, kTuple of targets, or kAttribute of a namespace
  const Expr* filter = nullptr;
  bool recursive = false;
  std::vector<std::pair<const Expr*, Block>> branches;  // condition (null for else), body
  std::vector<std::pair<const Expr*, const Expr*>> assignments;
  Block body, otherwise;
  MacroNode* macro = nullptr;
};

struct Program {
  Block body;
  std::vector<std::unique_ptr<Expr>> exprs;
  std::vector<std::unique_ptr<Stmt>> stmts;
  std::vector<std::unique_ptr<MacroNode>> macros;
};

}  // namespace ondol::text::jinja
