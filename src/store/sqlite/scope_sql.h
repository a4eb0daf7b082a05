// What a scope may see, as SQL over `document d`. Internal to the store.
#pragma once

#include <string>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ondol::store {

// A condition beginning with " AND". Parameters from `first` on: the principal, then key and value
// of each filter. Only the number of filters shapes the text, so the statement cache stays small
// and nothing of a user stands in SQL.
std::string visible(const Scope& scope, int first);
void bind_scope(Statement& statement, const Scope& scope, int first);

}  // namespace ondol::store
