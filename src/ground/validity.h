// When facts hold: dates as documents give them, to the year, the month or the day.
//
//   holds_at("1998", "2001-05", "2001")       -> true: part of that year
//   end_superseded(facts, {"capital_of"});    // the next of a functional relation ends the one
//   before
//
// A fact without dates always holds. What ends a fact is never that another is alike, only that
// its relation is functional and a later one begins (retrieval.md 5.5). Pure functions.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ground/entity_graph.h"

namespace ondol::ground {

// YYYY, YYYY-MM or YYYY-MM-DD.
bool is_date(std::string_view text);
// Whether a fact of this interval holds at some time of `date`, a date as above. Ends that are
// empty or no date are open.
bool holds_at(std::string_view from, std::string_view to, std::string_view date);
// Of facts with one subject and one of these relations, each with a beginning and no end gets the
// beginning of the next about another object as its end. Facts that begin together stay side by
// side.
void end_superseded(std::vector<GraphFact>& facts, const std::set<std::string>& functional);

}  // namespace ondol::ground
