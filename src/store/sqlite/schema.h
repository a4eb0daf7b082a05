// The tables, as a list of migrations. A released migration never changes: a new one is appended.
#pragma once

#include "store/sqlite/connection.h"

namespace ondol::store {

int schema_version_newest();
// Brings the file to the newest schema, one transaction a migration. Throws Error(kUnsupported) for
// a file of a newer program, Error(kCorruptData) for a database that is no store of ours. A reader
// (`migrate` false) throws Error(kUnsupported) for an older schema as well.
void prepare_schema(Connection& db, bool migrate);

}  // namespace ondol::store
