#include "text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_library.h"
#include "text/jinja_parser_depth.h"

namespace ondol::text::jinja {

std::shared_ptr<const Program> parse(std::string_view source) {
  auto program = std::make_shared<Program>();
  Parser parser(tokenize(source), program.get());
  program->body = parser.statements({}, "");
  return program;
}

bool Parser::skip_operator(std::string_view text) {
  const bool found = is_operator(text);
  if (found) next();
  return found;
}

bool Parser::skip_name(std::string_view text) {
  const bool found = is_name(text);
  if (found) next();
  return found;
}

void Parser::expect_operator(std::string_view text) {
  if (!skip_operator(text)) unexpected(fmt::format("'{}'", text));
}

void Parser::expect_name(std::string_view text) {
  if (!skip_name(text)) unexpected(fmt::format("'{}'", text));
}

void Parser::expect(TokenKind kind, std::string_view what) {
  if (now().kind != kind) unexpected(what);
  next();
}

std::string Parser::identifier(std::string_view what) {
  if (now().kind != TokenKind::kName) unexpected(what);
  return next().text;
}

void Parser::unexpected(std::string_view expected) const {
  error(now(), ErrorCode::kInvalidArgument,
        fmt::format("unexpected {}; expected {}", describe(now()), expected));
}

void Parser::error(const Token& at, ErrorCode code, const std::string& message) const {
  throw_error(code, at.position, message);
}

Expr* Parser::node(ExprKind kind, const Token& at, std::vector<const Expr*> items) {
  program_->exprs.push_back(std::make_unique<Expr>());
  Expr* made = program_->exprs.back().get();
  made->kind = kind;
  made->position = at.position;
  made->items = std::move(items);
  return made;
}

Expr* Parser::constant(const Token& at, Value value) {
  Expr* made = node(ExprKind::kConstant, at);
  made->constant = std::move(value);
  return made;
}

bool Parser::tuple_ends() const {
  return now().kind == TokenKind::kPrintEnd || now().kind == TokenKind::kBlockEnd ||
         is_operator(")") || is_name("recursive");
}

Expr* Parser::tuple(bool with_condition, bool parenthesised) {
  const Token first = now();
  std::vector<const Expr*> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (tuple_ends()) break;
    items.push_back(expression(with_condition));
    if (!is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple) {
    if (!items.empty()) return const_cast<Expr*>(items[0]);
    if (!parenthesised) unexpected("an expression");
  }
  return node(ExprKind::kTuple, first, std::move(items));
}

Expr* Parser::expression(bool with_condition) {
  const Depth depth(this);
  return with_condition ? condition() : disjunction();
}

Expr* Parser::condition() {
  const Token first = now();
  const size_t known = unknown_.size();
  Expr* value = disjunction();
  while (skip_name("if")) {
    Expr* test = disjunction();
    Expr* otherwise = skip_name("else") ? expression() : nullptr;
    value = node(ExprKind::kCondition, first, {value, test, otherwise});
    unknown_.resize(known);  // each part may never be reached
  }
  return value;
}

Expr* Parser::disjunction() {
  Expr* left = conjunction();
  while (is_name("or")) {
    const Token op = next();
    left = node(ExprKind::kOr, op, {left, conjunction()});
  }
  return left;
}

Expr* Parser::conjunction() {
  Expr* left = negation();
  while (is_name("and")) {
    const Token op = next();
    left = node(ExprKind::kAnd, op, {left, negation()});
  }
  return left;
}

Expr* Parser::negation() {
  if (!is_name("not")) return comparison();
  const Depth depth(this);
  const Token op = next();
  Expr* made = node(ExprKind::kUnary, op, {negation()});
  made->name = "not";
  return made;
}

Expr* Parser::comparison() {
  const Token first = now();
  std::vector<const Expr*> items = {sum()};
  std::vector<std::string> operators;
  constexpr std::string_view kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
  while (true) {
    const bool known =
        now().kind == TokenKind::kOperator &&
        std::find(std::begin(kOperators), std::end(kOperators), now().text) != std::end(kOperators);
    if (known || is_name("in")) {
      operators.push_back(next().text);
    } else if (is_name("not") && is_name(ahead(1), "in")) {
      next();
      next();
      operators.push_back("not in");
    } else {
      break;
    }
    items.push_back(sum());
  }
  if (operators.empty()) return const_cast<Expr*>(items[0]);
  Expr* made = node(ExprKind::kCompare, first, std::move(items));
  made->operators = std::move(operators);
  return made;
}

Expr* Parser::sum() {
  Expr* left = concatenation();
  while (is_operator("+") || is_operator("-")) {
    const Token op = next();
    left = node(ExprKind::kBinary, op, {left, concatenation()});
    left->name = op.text;
  }
  return left;
}

Expr* Parser::concatenation() {
  const Token first = now();
  std::vector<const Expr*> items = {product()};
  while (skip_operator("~")) items.push_back(product());
  if (items.size() == 1) return const_cast<Expr*>(items[0]);
  return node(ExprKind::kConcat, first, std::move(items));
}

Expr* Parser::product() {
  Expr* left = power();
  while (is_operator("*") || is_operator("/") || is_operator("//") || is_operator("%")) {
    const Token op = next();
    left = node(ExprKind::kBinary, op, {left, power()});
    left->name = op.text;
  }
  return left;
}

Expr* Parser::power() {
  Expr* left = unary(true);
  while (is_operator("**")) {
    const Token op = next();
    left = node(ExprKind::kBinary, op, {left, unary(true)});
    left->name = "**";
  }
  return left;
}

Expr* Parser::unary(bool with_filter) {
  const Depth depth(this);
  Expr* made = nullptr;
  if (is_operator("-") || is_operator("+")) {
    const Token op = next();
    made = node(ExprKind::kUnary, op, {unary(false)});
    made->name = op.text;
  } else {
    made = primary();
  }
  made = postfix(made);
  return with_filter ? filters_and_tests(made) : made;
}

Expr* Parser::primary() {
  const Token token = now();
  switch (token.kind) {
    case TokenKind::kName:
      return name_or_constant();
    case TokenKind::kString: {
      std::string text;
      while (now().kind == TokenKind::kString) text += next().text;
      return constant(token, Value(std::make_shared<const Text>(text, kTrusted)));
    }
    case TokenKind::kInteger:
      next();
      return constant(token, Value(token.integer));
    case TokenKind::kFloat:
      next();
      return constant(token, Value(token.real));
    default:
      break;
  }
  if (is_operator("[")) return list();
  if (is_operator("{")) return dict();
  if (!skip_operator("(")) unexpected("an expression");
  Expr* inside = tuple(true, true);
  expect_operator(")");
  return inside;
}

Expr* Parser::name_or_constant() {
  const Token token = next();
  const std::string& name = token.text;
  if (name == "true" || name == "True") return constant(token, Value(true));
  if (name == "false" || name == "False") return constant(token, Value(false));
  if (name == "none" || name == "None") return constant(token, Value::none());
  for (MacroNode* macro : macros_) {
    macro->uses_caller |= name == "caller";
    macro->uses_varargs |= name == "varargs";
    macro->uses_kwargs |= name == "kwargs";
  }
  Expr* made = node(ExprKind::kName, token);
  made->name = name;
  return made;
}

Expr* Parser::list() {
  Expr* made = node(ExprKind::kList, next());
  while (!is_operator("]")) {
    if (!made->items.empty()) expect_operator(",");
    if (is_operator("]")) break;
    made->items.push_back(expression());
  }
  expect_operator("]");
  return made;
}

Expr* Parser::dict() {
  Expr* made = node(ExprKind::kDict, next());
  while (!is_operator("}")) {
    if (!made->items.empty()) expect_operator(",");
    if (is_operator("}")) break;
    made->items.push_back(expression());
    expect_operator(":");
    made->items.push_back(expression());
  }
  expect_operator("}");
  return made;
}

Expr* Parser::postfix(Expr* made) {
  while (true) {
    if (is_operator(".") || is_operator("[")) {
      made = subscript(made);
    } else if (is_operator("(")) {
      made = node(ExprKind::kCall, now(), {made});
      call_arguments(made);
    } else {
      return made;
    }
  }
}

Expr* Parser::subscript(Expr* object) {
  const Token open = next();
  if (open.text == ".") {
    const Token name = next();
    if (name.kind == TokenKind::kInteger) {
      return node(ExprKind::kSubscript, open, {object, constant(name, Value(name.integer))});
    }
    if (name.kind != TokenKind::kName) {
      error(name, ErrorCode::kInvalidArgument,
            fmt::format("unexpected {} after '.'; expected a name or a number", describe(name)));
    }
    Expr* made = node(ExprKind::kAttribute, open, {object});
    made->name = name.text;
    return made;
  }
  Expr* made = subscript_argument(object, open);
  expect_operator("]");
  return made;
}

Expr* Parser::subscript_argument(Expr* object, const Token& open) {
  const auto bound = [&]() -> Expr* {
    return is_operator(":") || is_operator("]") ? nullptr : expression();
  };
  if (is_operator("]")) {
    return node(ExprKind::kSubscript, open, {object, node(ExprKind::kTuple, open)});
  }
  Expr* first = bound();
  if (skip_operator(":")) {
    Expr* end = bound();
    Expr* step = skip_operator(":") ? bound() : nullptr;
    return node(ExprKind::kSlice, open, {object, first, end, step});
  }
  if (!is_operator(",")) return node(ExprKind::kSubscript, open, {object, first});
  Expr* key = node(ExprKind::kTuple, open, {first});
  while (skip_operator(",") && !is_operator("]")) key->items.push_back(expression());
  return node(ExprKind::kSubscript, open, {object, key});
}

void Parser::call_arguments(Expr* call) {
  const Token open = now();
  expect_operator("(");
  bool named = false, spread = false, spread_dict = false;
  while (!is_operator(")")) {
    if (!call->arguments.empty()) {
      expect_operator(",");
      if (is_operator(")")) break;
    }
    Argument argument;
    bool in_order = !spread_dict;
    if (skip_operator("*")) {
      argument.name = "*";
      in_order = in_order && !spread;
      spread = true;
    } else if (skip_operator("**")) {
      argument.name = "**";
      spread_dict = true;
    } else if (now().kind == TokenKind::kName && is_operator(ahead(1), "=")) {
      argument.name = next().text;
      next();
      named = true;
    } else {
      in_order = in_order && !spread && !named;
    }
    if (!in_order) error(open, ErrorCode::kInvalidArgument, "the arguments are in a wrong order");
    argument.value = expression();
    call->arguments.push_back(argument);
  }
  expect_operator(")");
}

Expr* Parser::filters_and_tests(Expr* made) {
  while (true) {
    if (is_operator("|")) {
      made = filter(made);
    } else if (is_name("is")) {
      made = test(made);
    } else if (is_operator("(")) {
      made = node(ExprKind::kCall, now(), {made});
      call_arguments(made);
    } else {
      return made;
    }
  }
}

Expr* Parser::filter_chain() {
  Expr* made = filter(nullptr);
  while (is_operator("|")) made = filter(made);
  return made;
}

Expr* Parser::filter(Expr* value) {
  skip_operator("|");
  const Token at = now();
  std::string name = identifier("the name of a filter");
  while (skip_operator(".")) name += "." + identifier("a name");
  Expr* made = node(ExprKind::kFilter, at, {value});
  made->name = name;
  if (is_operator("(")) call_arguments(made);
  if (conditional_ == 0 && !find_filter(name)) unknown_.emplace_back(at, unknown_filter(name));
  return made;
}

Expr* Parser::test(Expr* value) {
  const Token at = next();
  const bool negated = skip_name("not");
  const Token name_at = now();
  std::string name = identifier("the name of a test");
  while (skip_operator(".")) name += "." + identifier("a name");
  Expr* made = node(ExprKind::kTest, at, {value});
  made->name = name;
  constexpr std::string_view kKeywords[] = {"else", "or", "and", "if", "not", "in", "recursive"};
  const bool keyword =
      now().kind == TokenKind::kName &&
      std::find(std::begin(kKeywords), std::end(kKeywords), now().text) != std::end(kKeywords);
  const bool value_starts = now().kind == TokenKind::kString || now().kind == TokenKind::kInteger ||
                            now().kind == TokenKind::kFloat || is_operator("[") ||
                            is_operator("{") || (now().kind == TokenKind::kName && !keyword);
  if (is_operator("(")) {
    call_arguments(made);
  } else if (value_starts) {
    if (is_name("is")) {
      error(now(), ErrorCode::kInvalidArgument, "tests cannot be chained with 'is'");
    }
    made->arguments.push_back({"", postfix(primary())});
  }
  if (conditional_ == 0 && !find_test(name)) unknown_.emplace_back(name_at, unknown_test(name));
  if (!negated) return made;
  Expr* wrapped = node(ExprKind::kUnary, at, {made});
  wrapped->name = "not";
  return wrapped;
}

}  // namespace ondol::text::jinja
