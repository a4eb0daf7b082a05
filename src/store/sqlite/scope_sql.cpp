#include "store/sqlite/scope_sql.h"

#include <fmt/format.h>

namespace ondol::store {

std::string visible(const Scope& scope, int first) {
  std::string sql = fmt::format(
      " AND (d.restricted = 0 OR EXISTS (SELECT 1 FROM document_principal p "
      "WHERE p.document_id = d.id AND p.principal = ?{}))",
      first);
  for (size_t i = 0; i < scope.filter.size(); ++i) {
    sql += fmt::format(
        " AND EXISTS (SELECT 1 FROM document_tag t WHERE t.document_id = d.id "
        "AND t.key = ?{} AND t.value = ?{})",
        first + 1 + 2 * static_cast<int>(i), first + 2 + 2 * static_cast<int>(i));
  }
  return sql;
}

void bind_scope(Statement& statement, const Scope& scope, int first) {
  statement.bind(first++, scope.principal);
  for (const auto& [key, value] : scope.filter) {
    statement.bind(first++, key);
    statement.bind(first++, value);
  }
}

}  // namespace ondol::store
