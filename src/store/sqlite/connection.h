// One SQLite connection: statements, transactions, and its result codes as our errors. Internal to
// the store; nothing above this folder sees a type of SQLite.
//
//   Statement& row = db.prepare("SELECT id FROM document WHERE uri = ?1");
//   row.bind(1, uri);
//   while (row.step()) use(row.integer(0));
//
// Not thread-safe: the store's mutex guards it. prepare() resets and hands out one cached statement
// per SQL text, so a statement is used up before the same text is prepared again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace ondol::store {

class Connection;

class Statement {
 public:
  Statement(Connection& db, sqlite3_stmt* handle) : db_(db), handle_(handle) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters count from 1, columns from 0, as in SQLite.
  Statement& bind(int at, int64_t value);
  Statement& bind(int at, std::string_view value);
  Statement& bind(int at, const std::string& value) { return bind(at, std::string_view(value)); }
  Statement& bind_real(int at, double value);
  Statement& bind_blob(int at, std::span<const float> values);

  bool step();  // false: no more rows, and the statement is reset
  void run();   // for statements without rows
  void reset();

  int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::vector<float> floats(int column) const;

 private:
  Connection& db_;
  sqlite3_stmt* handle_;
};

class Connection {
 public:
  Connection(std::filesystem::path path, bool create, int busy_timeout_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Statement& prepare(const std::string& sql);
  void execute(const std::string& sql);  // one or more statements, rows dropped
  int64_t query_integer(const std::string& sql);
  int64_t last_row_id() const;
  [[noreturn]] void fail(int result, std::string_view doing);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>> statements_;
};

// Several reads of one state of the database, whatever is written meanwhile.
class ReadTransaction {
 public:
  explicit ReadTransaction(Connection& db) : db_(db) { db_.execute("BEGIN"); }
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

 private:
  Connection& db_;
};

// Rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Connection& db) : db_(db) { db_.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Connection& db_;
  bool open_ = true;
};

}  // namespace ondol::store
