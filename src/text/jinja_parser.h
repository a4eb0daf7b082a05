// Template source to a Program. Throws Error(kInvalidArgument) for wrong syntax and
// Error(kUnsupported) for tags, filters and tests that are not built, with line and column. As in
// Jinja an unknown filter or test below an `if` is an error only when it is reached.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>
#include <vector>

#include "text/jinja_ast.h"
#include "text/jinja_lexer.h"

namespace ondol::text::jinja {

std::shared_ptr<const Program> parse(std::string_view source);

class Parser {
 public:
  Parser(std::vector<Token> tokens, Program* program)
      : tokens_(std::move(tokens)), program_(program) {}
  Block statements(std::initializer_list<std::string_view> ends, std::string_view inside);

 private:
  class Depth;

  // Expressions: jinja_parser.cpp, loosest binding first.
  Expr* tuple(bool with_condition, bool parenthesised = false);
  Expr* expression(bool with_condition = true);
  Expr* condition();
  Expr* disjunction();
  Expr* conjunction();
  Expr* negation();
  Expr* comparison();
  Expr* sum();
  Expr* concatenation();
  Expr* product();
  Expr* power();
  Expr* unary(bool with_filter);
  Expr* primary();
  Expr* name_or_constant();
  Expr* list();
  Expr* dict();
  Expr* postfix(Expr* node);
  Expr* subscript(Expr* node);
  Expr* subscript_argument(Expr* node, const Token& open);
  Expr* filters_and_tests(Expr* node);
  Expr* filter(Expr* node);
  Expr* filter_chain();  // of `filter` and `set` blocks: the first without a value
  Expr* test(Expr* node);
  void call_arguments(Expr* node);
  bool tuple_ends() const;

  // Statements: jinja_parser_stmt.cpp.
  const Stmt* statement();
  const Stmt* if_statement(const Token& at);
  const Stmt* for_statement(const Token& at);
  const Stmt* set_statement(const Token& at);
  const Stmt* macro_statement(const Token& at);
  const Stmt* call_statement(const Token& at);
  const Stmt* filter_statement(const Token& at);
  const Stmt* with_statement(const Token& at);
  const Stmt* scope_statement(const Token& at, std::string_view name);
  const Expr* target(bool with_tuple, bool with_attribute);
  Expr* target_part(bool with_attribute);
  void parameters(MacroNode* macro);
  Block macro_body(MacroNode* macro, std::string_view end);
  Block block(std::string_view end);
  void check_unknown();
  Stmt* stmt(StmtKind kind, const Token& at);

  const Token& now() const { return tokens_[at_]; }
  const Token& ahead(size_t by) const { return tokens_[std::min(at_ + by, tokens_.size() - 1)]; }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool is_operator(std::string_view text) const { return is_operator(now(), text); }
  static bool is_operator(const Token& token, std::string_view text) {
    return token.kind == TokenKind::kOperator && token.text == text;
  }
  bool is_name(std::string_view text) const { return is_name(now(), text); }
  static bool is_name(const Token& token, std::string_view text) {
    return token.kind == TokenKind::kName && token.text == text;
  }
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_operator(std::string_view text);
  void expect_name(std::string_view text);
  void expect(TokenKind kind, std::string_view what);
  std::string identifier(std::string_view what);
  [[noreturn]] void unexpected(std::string_view expected) const;
  [[noreturn]] void error(const Token& at, ErrorCode code, const std::string& message) const;
  Expr* node(ExprKind kind, const Token& at, std::vector<const Expr*> items = {});
  Expr* constant(const Token& at, Value value);

  std::vector<Token> tokens_;
  Program* program_;
  size_t at_ = 0;
  int depth_ = 0;
  int conditional_ = 0;  // inside how many if statements
  // Unknown filters and tests of the tag being read, with the message; those of an inline if go.
  std::vector<std::pair<Token, std::string>> unknown_;
  int loops_ = 0;
  std::vector<MacroNode*> macros_;
};

}  // namespace ondol::text::jinja
