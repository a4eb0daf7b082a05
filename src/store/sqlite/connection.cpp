#include "store/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

#include "base/error.h"

namespace ondol::store {
namespace {

struct Meaning {
  ErrorCode code;
  const char* expected;
  const char* try_this;
};

Meaning meaning_of(int result) {
  switch (result & 0xFF) {  // the primary code of an extended one
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {ErrorCode::kCorruptData, "a store of ondol",
              "moving the file away and ingesting again"};
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return {ErrorCode::kResourceExhausted, "room to write",
              "freeing disk space; nothing half written was kept"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::kUnavailable, "the database free within the timeout",
              "again when the other program has finished"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kNotFound, "a file that can be opened", "`ondol ingest` to make it"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorCode::kInvalidArgument, "permission to write",
              "opening it for writing, or the file's permissions"};
    default:
      return {ErrorCode::kInternal, "success", "reporting this"};
  }
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int at, int64_t value) {
  const int result = sqlite3_bind_int64(handle_, at, value);
  if (result != SQLITE_OK) db_.fail(result, "binding a number");
  return *this;
}

Statement& Statement::bind(int at, std::string_view value) {
  const int result = sqlite3_bind_text64(handle_, at, value.data() ? value.data() : "",
                                         value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) db_.fail(result, "binding a text");
  return *this;
}

Statement& Statement::bind_real(int at, double value) {
  const int result = sqlite3_bind_double(handle_, at, value);
  if (result != SQLITE_OK) db_.fail(result, "binding a number");
  return *this;
}

Statement& Statement::bind_blob(int at, std::span<const float> values) {
  const int result =
      sqlite3_bind_blob64(handle_, at, values.data(), values.size_bytes(), SQLITE_TRANSIENT);
  if (result != SQLITE_OK) db_.fail(result, "binding a vector");
  return *this;
}

bool Statement::step() {
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  reset();
  if (result != SQLITE_DONE) db_.fail(result, "reading or writing");
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(handle_); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

double Statement::real(int column) const { return sqlite3_column_double(handle_, column); }

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return data ? std::string(data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))) : "";
}

std::vector<float> Statement::floats(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  const auto bytes = static_cast<size_t>(sqlite3_column_bytes(handle_, column));
  if (bytes % sizeof(float) != 0) db_.fail(SQLITE_CORRUPT, "reading a vector");
  std::vector<float> values(bytes / sizeof(float));
  if (bytes > 0) std::memcpy(values.data(), data, bytes);
  return values;
}

Connection::Connection(std::filesystem::path path, bool create, int busy_timeout_ms)
    : path_(std::move(path)) {
  // Readers open for writing too: a WAL database needs its shared memory file.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  const int result = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
  try {
    if (result != SQLITE_OK) fail(result, "opening");
    sqlite3_extended_result_codes(handle_, 1);
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Statement& Connection::prepare(const std::string& sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* handle = nullptr;
    const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
    if (result != SQLITE_OK) fail(result, "preparing `" + sql + "`");
    found = statements_.emplace(sql, std::make_unique<Statement>(*this, handle)).first;
  }
  found->second->reset();
  return *found->second;
}

void Connection::execute(const std::string& sql) {
  const int result = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) fail(result, sql.size() < 80 ? sql : "running a script");
}

int64_t Connection::query_integer(const std::string& sql) {
  Statement& row = prepare(sql);
  const int64_t value = row.step() ? row.integer(0) : 0;
  row.reset();
  return value;
}

int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(handle_); }

void Connection::fail(int result, std::string_view doing) {
  const Meaning meaning = meaning_of(result);
  const char* detail = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(result);
  throw Error(meaning.code, fmt::format("[store] {} of '{}' failed; got '{}' ({}), expected {}; "
                                        "try {}",
                                        doing, path_.string(), detail, sqlite3_errstr(result),
                                        meaning.expected, meaning.try_this));
}

ReadTransaction::~ReadTransaction() {
  try {
    db_.execute("ROLLBACK");  // nothing was written
  } catch (const Error&) {
    // A failing read has ended the transaction already.
  }
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    db_.execute("ROLLBACK");
  } catch (const Error&) {
    // SQLite has already rolled back by itself after a full disk; there is nothing left to undo.
  }
}

void Transaction::commit() {
  db_.execute("COMMIT");
  open_ = false;
}

}  // namespace ondol::store
