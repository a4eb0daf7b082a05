// The tables of kg.db, and the check that a file is one. A graph is never changed in place, so
// there are no migrations: an older file is imported again.
#pragma once

#include "store/sqlite/connection.h"

namespace ondol::store {

void make_knowledge_tables(Connection& db);
// Throws Error(kCorruptData) for another program's database, Error(kUnsupported) for another
// version of the tables.
void check_knowledge_schema(Connection& db);

}  // namespace ondol::store
