#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_parser.h"
#include "text/jinja_parser_depth.h"

namespace ondol::text::jinja {

Stmt* Parser::stmt(StmtKind kind, const Token& at) {
  program_->stmts.push_back(std::make_unique<Stmt>());
  Stmt* made = program_->stmts.back().get();
  made->kind = kind;
  made->position = at.position;
  return made;
}

// Up to (and with) the name of an ending tag; the tag's end is left to the caller.
Block Parser::statements(std::initializer_list<std::string_view> ends, std::string_view inside) {
  const Depth depth(this);
  Block body;
  while (true) {
    const Token at = now();
    if (at.kind == TokenKind::kEnd) {
      if (ends.size() == 0) return body;
      error(at, ErrorCode::kInvalidArgument,
            fmt::format("'{}' is never closed; expected '{}'", inside, *(ends.end() - 1)));
    }
    next();
    if (at.kind == TokenKind::kData) {
      Stmt* made = stmt(StmtKind::kData, at);
      made->text = Value(std::make_shared<const Text>(at.text, kTrusted));
      body.push_back(made);
    } else if (at.kind == TokenKind::kPrintBegin) {
      Stmt* made = stmt(StmtKind::kPrint, now());
      made->expr = tuple(true);
      expect(TokenKind::kPrintEnd, "'}}'");
      check_unknown();
      body.push_back(made);
    } else {
      const auto ends_here = [&](std::string_view end) { return is_name(end); };
      if (std::any_of(ends.begin(), ends.end(), ends_here)) return body;
      body.push_back(statement());
      check_unknown();
      expect(TokenKind::kBlockEnd, "'%}'");
    }
  }
}

// Unknown filters and tests that the last tag uses unconditionally.
void Parser::check_unknown() {
  if (!unknown_.empty()) {
    error(unknown_[0].first, ErrorCode::kUnsupported, unknown_[0].second);
  }
}

Block Parser::block(std::string_view end) {
  expect(TokenKind::kBlockEnd, "'%}'");
  Block body = statements({end}, end.substr(3));
  next();
  return body;
}

const Stmt* Parser::statement() {
  const Token at = now();
  const std::string name = identifier("the name of a tag");
  if (name == "if") return if_statement(at);
  if (name == "for") return for_statement(at);
  if (name == "set") return set_statement(at);
  if (name == "macro") return macro_statement(at);
  if (name == "call") return call_statement(at);
  if (name == "filter") return filter_statement(at);
  if (name == "with") return with_statement(at);
  if (name == "generation" || name == "block") return scope_statement(at, name);
  if (name == "do" || name == "print") {
    Stmt* made = stmt(name == "do" ? StmtKind::kDo : StmtKind::kPrint, at);
    made->expr = tuple(true);
    return made;
  }
  if (name == "break" || name == "continue") {
    if (loops_ == 0) {
      error(at, ErrorCode::kInvalidArgument, fmt::format("'{}' outside of a loop", name));
    }
    return stmt(name == "break" ? StmtKind::kBreak : StmtKind::kContinue, at);
  }
  for (const char* other : {"include", "import", "from", "extends"}) {
    if (name != other) continue;
    error(at, ErrorCode::kUnsupported,
          fmt::format("the tag '{}' is refused: a chat template stands alone", name));
  }
  if (name.rfind("end", 0) == 0 || name == "else" || name == "elif") {
    error(at, ErrorCode::kInvalidArgument, fmt::format("'{}' closes nothing here", name));
  }
  error(at, ErrorCode::kUnsupported,
        fmt::format("unknown tag '{}'; known: if, for, set, macro, call, filter, with, do, print, "
                    "break, continue, raw, block, generation",
                    name));
}

const Stmt* Parser::if_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kIf, at);
  ++conditional_;
  while (true) {
    const Expr* test = tuple(false);
    expect(TokenKind::kBlockEnd, "'%}'");
    made->branches.emplace_back(test, statements({"elif", "else", "endif"}, "if"));
    const std::string end = next().text;
    if (end == "elif") continue;
    if (end == "else") made->branches.emplace_back(nullptr, block("endif"));
    break;
  }
  --conditional_;
  return made;
}

const Stmt* Parser::for_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kFor, at);
  made->target = target(true, false);
  expect_name("in");
  made->expr = tuple(false);
  if (skip_name("if")) made->filter = expression();
  made->recursive = skip_name("recursive");
  expect(TokenKind::kBlockEnd, "'%}'");
  ++loops_;
  made->body = statements({"else", "endfor"}, "for");
  --loops_;
  if (next().text == "else") made->otherwise = block("endfor");
  return made;
}

Expr* Parser::target_part(bool with_attribute) {
  if (skip_operator("(")) {
    Expr* inside = const_cast<Expr*>(target(true, with_attribute));
    expect_operator(")");
    return inside;
  }
  const Token at = now();
  const std::string name = identifier("the name of a variable");
  for (const char* constant : {"true", "false", "none", "True", "False", "None"}) {
    if (name == constant) {
      error(at, ErrorCode::kInvalidArgument, fmt::format("cannot assign to '{}'", name));
    }
  }
  Expr* made = node(ExprKind::kName, at);
  made->name = name;
  if (with_attribute && skip_operator(".")) {
    made = node(ExprKind::kAttribute, at, {made});
    made->name = identifier("the name of an attribute");
  }
  return made;
}

const Expr* Parser::target(bool with_tuple, bool with_attribute) {
  const Depth depth(this);
  const Token at = now();
  Expr* first = target_part(with_attribute);
  if (!with_tuple || !is_operator(",")) return first;
  Expr* made = node(ExprKind::kTuple, at, {first});
  while (skip_operator(",") &&
         ((now().kind == TokenKind::kName && !is_name("in")) || is_operator("("))) {
    made->items.push_back(target_part(with_attribute));
  }
  return made;
}

const Stmt* Parser::set_statement(const Token& at) {
  const Expr* to = target(true, true);
  if (skip_operator("=")) {
    Stmt* made = stmt(StmtKind::kSet, at);
    made->target = to;
    made->expr = tuple(true);
    return made;
  }
  Stmt* made = stmt(StmtKind::kSetBlock, at);
  made->target = to;
  if (is_operator("|")) made->expr = filter_chain();
  made->body = block("endset");
  return made;
}

void Parser::parameters(MacroNode* macro) {
  expect_operator("(");
  while (!is_operator(")")) {
    if (!macro->parameters.empty()) expect_operator(",");
    if (is_operator(")")) break;
    macro->parameters.push_back(identifier("the name of a parameter"));
    if (skip_operator("=")) {
      macro->defaults.push_back(expression());
    } else if (!macro->defaults.empty()) {
      error(now(), ErrorCode::kInvalidArgument, "a parameter without default follows one with");
    }
  }
  expect_operator(")");
}

// A loop around the macro cannot be left from within it.
Block Parser::macro_body(MacroNode* macro, std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  macros_.push_back(macro);
  Block body = block(end);
  macros_.pop_back();
  loops_ = loops;
  return body;
}

const Stmt* Parser::macro_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kMacro, at);
  program_->macros.push_back(std::make_unique<MacroNode>());
  made->macro = program_->macros.back().get();
  made->macro->name = identifier("the name of the macro");
  parameters(made->macro);
  made->macro->body = macro_body(made->macro, "endmacro");
  return made;
}

const Stmt* Parser::call_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kCallBlock, at);
  program_->macros.push_back(std::make_unique<MacroNode>());
  made->macro = program_->macros.back().get();
  made->macro->name = "caller";
  if (is_operator("(")) parameters(made->macro);
  made->expr = expression();
  if (made->expr->kind != ExprKind::kCall) {
    error(at, ErrorCode::kInvalidArgument, "'call' needs the call of a macro");
  }
  made->macro->body = macro_body(made->macro, "endcall");
  return made;
}

const Stmt* Parser::filter_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kFilterBlock, at);
  made->expr = filter_chain();
  made->body = block("endfilter");
  return made;
}

const Stmt* Parser::with_statement(const Token& at) {
  Stmt* made = stmt(StmtKind::kWith, at);
  while (now().kind != TokenKind::kBlockEnd) {
    if (!made->assignments.empty()) expect_operator(",");
    const Expr* to = target(false, false);
    expect_operator("=");
    made->assignments.emplace_back(to, expression());
  }
  made->body = block("endwith");
  return made;
}

const Stmt* Parser::scope_statement(const Token& at, std::string_view name) {
  Stmt* made = stmt(name == "block" ? StmtKind::kScope : StmtKind::kGeneration, at);
  if (name == "block") {
    identifier("the name of the block");
    while (now().kind == TokenKind::kName) next();  // "scoped", "required"
  }
  expect(TokenKind::kBlockEnd, "'%}'");
  const std::string end = "end" + std::string(name);
  made->body = statements({end}, name);
  next();
  if (name == "block" && now().kind == TokenKind::kName) next();  // its name again
  return made;
}

}  // namespace ondol::text::jinja
