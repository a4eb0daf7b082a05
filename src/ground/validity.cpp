#include "ground/validity.h"

#include <algorithm>
#include <map>
#include <utility>

namespace ondol::ground {
namespace {

// The first and the last day of a date; months of 31 days compare as well as real ones.
std::string first_day(std::string_view date) {
  return std::string(date) + std::string("0000-01-01").substr(date.size());
}
std::string last_day(std::string_view date) {
  return std::string(date) + std::string("0000-12-31").substr(date.size());
}

int number(std::string_view text, size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; }

}  // namespace

bool is_date(std::string_view text) {
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return (text.size() < 7 || (number(text, 5) >= 1 && number(text, 5) <= 12)) &&
         (text.size() < 10 || (number(text, 8) >= 1 && number(text, 8) <= 31));
}

bool holds_at(std::string_view from, std::string_view to, std::string_view date) {
  if (is_date(from) && first_day(from) > last_day(date)) return false;
  return !is_date(to) || last_day(to) >= first_day(date);
}

void end_superseded(std::vector<GraphFact>& facts, const std::set<std::string>& functional) {
  std::map<std::pair<int32_t, std::string>, std::vector<GraphFact*>> of_subject;
  for (GraphFact& fact : facts) {
    if (functional.contains(fact.label) && is_date(fact.valid_from)) {
      of_subject[{fact.subject, fact.label}].push_back(&fact);
    }
  }
  for (auto& [key, row] : of_subject) {
    std::stable_sort(row.begin(), row.end(), [](const GraphFact* a, const GraphFact* b) {
      return first_day(a->valid_from) < first_day(b->valid_from);
    });
    for (size_t i = 0; i < row.size(); ++i) {
      if (!row[i]->valid_to.empty()) continue;
      const auto next = std::find_if(
          row.begin() + static_cast<std::ptrdiff_t>(i), row.end(), [&](const GraphFact* other) {
            return other->object != row[i]->object &&
                   first_day(other->valid_from) > first_day(row[i]->valid_from);
          });
      if (next != row.end()) row[i]->valid_to = (*next)->valid_from;
    }
  }
}

}  // namespace ondol::ground
