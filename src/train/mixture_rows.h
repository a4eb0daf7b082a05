// The rows of one task of a mixture: read, chosen, compared, rendered by every template. Private to
// the room; mixture.h says what is drawn from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "text/field_template.h"
#include "train/mixture.h"

namespace ondol::train {

struct MixTurn {
  std::string input;
  std::string target;
  std::string reasoned;  // the target with the reasoning before it; empty: there is none
};

struct MixItem {
  size_t line = 0;                // of the file
  std::string fields;             // JSON
  std::vector<std::string> same;  // what makes another row the same as this one
  std::string asks;               // row_key of what its first template asks
  std::vector<MixTurn> turns;     // by template
  bool reasons = false;           // there is reasoning
  bool first = false;             // of the task's rows
};

using MixSeen = std::unordered_set<std::string>;
bool any_seen(const MixItem& item, const MixSeen& seen);

// A number that nothing else of the mixture draws from.
uint64_t mix_stream(std::string_view task, std::string_view what, uint64_t line, uint64_t pass);

[[noreturn]] void mixture_fault(const Mixture& mixture, const MixTask& task,
                                const std::string& what);

// Throws Error(kInvalidArgument) for what has no meaning, whatever the files hold.
void check_mixture(const Mixture& mixture);

// Keeps references to both.
class MixReader {
 public:
  // Throws Error(kInvalidArgument) for a template that is none, naming it.
  MixReader(const Mixture& mixture, const MixTask& task);
  // The rows that `where` chooses, with their fields, not yet rendered. Faults of rows go to
  // `problems`, or the first is thrown.
  std::vector<MixItem> read(std::vector<RowProblem>* problems, MixCounts* counts) const;
  // Fills asks, turns and reasons; rows that cannot be rendered go to `problems`.
  void render(std::vector<MixItem>* items, std::vector<RowProblem>* problems) const;

 private:
  struct Named {
    std::string name;  // for errors: "template 2, input"
    text::FieldTemplate made;
  };
  Named named(std::string name, const std::string& source) const;
  std::string fill(const Named& pattern, const MixItem& item) const;
  MixTurn turn(size_t index, const MixItem& item, const std::string& rationale) const;

  const Mixture& mixture_;
  const MixTask& task_;
  std::vector<Named> fields_;
  std::vector<Named> inputs_, targets_;  // by template
  std::optional<Named> rationale_, reasoned_;
};

}  // namespace ondol::train
