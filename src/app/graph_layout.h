// Where the nodes of a picture lie: a force-directed layout (Fruchterman and Reingold 1991) in
// which links within a group pull harder than links between groups, so that groups are seen.
//
//   std::vector<Place> places = lay_out({.groups = {0, 0, 1}, .radii = {5, 5, 8}, .links = {{0,
//   1, 1.0}}});
//
// Nodes without links stand in rows below the rest. Units are about pixels: two linked nodes lie
// some 60 apart, the whole has its middle at 0, 0, and no two circles overlap by much. The same
// input gives the same places. Quadratic in the nodes: some hundred milliseconds for 500.
#pragma once

#include <cstdint>
#include <vector>

namespace ondol::app {

struct LayoutLink {
  int32_t first = 0, second = 0;
  double weight = 1;  // above 0, at most 1
};

struct LayoutInput {
  std::vector<int32_t> groups;  // of every node
  std::vector<double> radii;    // of every node
  std::vector<LayoutLink> links;
  uint64_t seed = 1;
  int rounds = 300;
};

struct Place {
  double x = 0, y = 0;
};

std::vector<Place> lay_out(const LayoutInput& input);

}  // namespace ondol::app
