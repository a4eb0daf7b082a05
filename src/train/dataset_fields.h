// The fields of one row, by name, each read with its type checked. Private to the room.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/dataset.h"
#include "train/dataset_source.h"

namespace ondol::train {

// All functions throw RowFault (without a line) when a value is not what is asked for. A key with
// several names is written "score|label": the first that is there. null counts as absent, and so
// does an empty cell of CSV.
class Fields {
 public:
  explicit Fields(const RawRow& raw, const std::vector<std::string>& columns);
  ~Fields();

  std::vector<std::string> names() const;
  std::string json() const;  // all that are there, as one object
  bool has(std::string_view key) const;
  bool has_place(std::string_view key) const;  // has, or CSV has the column
  bool is_null(std::string_view key) const;
  std::string text(std::string_view key) const;           // may be empty
  std::string full_text(std::string_view key) const;      // not empty
  std::string text_or_empty(std::string_view key) const;  // absent: ""
  std::optional<double> number_or_none(std::string_view key) const;
  bool boolean(std::string_view key) const;               // true, false, 1, 0
  std::string label(std::string_view key) const;          // text, whole number or boolean
  std::string list_or_empty(std::string_view key) const;  // JSON text of a list

  // A list of {role, content} or {from, value}; `weights` gets 1 where "weight" is 0.
  std::vector<text::ChatMessage> messages(std::string_view key,
                                          std::vector<uint8_t>* weights = nullptr) const;
  // A string, a message or a list of messages.
  Passage passage(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> history(std::string_view key) const;

 private:
  struct Value;
  std::unique_ptr<Value> value_;
};

[[noreturn]] void row_fault(const std::string& message);

}  // namespace ondol::train
