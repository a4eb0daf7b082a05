#include "app/graph_layout.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/rng.h"

namespace ondol::app {
namespace {

constexpr double kLength = 60;          // of a link at rest
constexpr double kBetweenGroups = 0.2;  // pull of a link between groups, within one: 1
constexpr double kGravity = 1.0;        // keeps parts without links to each other together
constexpr double kGap = 6;              // between two circles
constexpr double kRowGap = 26;          // of the rows of nodes without links
constexpr int kApartRounds = 60;

class Layout {
 public:
  explicit Layout(const LayoutInput& input)
      : in_(input), places_(input.groups.size()), degree_(input.groups.size(), 0) {
    for (const LayoutLink& link : in_.links) {
      degree_[static_cast<size_t>(link.first)] += 1;
      degree_[static_cast<size_t>(link.second)] += 1;
    }
    for (size_t node = 0; node < places_.size(); ++node) {
      (degree_[node] > 0 ? moving_ : alone_).push_back(node);
    }
  }

  std::vector<Place> run() {
    start();
    double heat = kLength * std::sqrt(static_cast<double>(moving_.size())) / 6;
    const double cooling = std::pow(0.5 / std::max(heat, 1.0), 1.0 / std::max(in_.rounds, 1));
    for (int round = 0; round < in_.rounds; ++round, heat *= cooling) {
      std::vector<Place> force(places_.size());
      push_apart(force);
      pull_together(force);
      move(force, heat);
    }
    for (int round = 0; round < kApartRounds; ++round) {
      if (!separate_circles()) break;
    }
    centre();
    put_alone_below();
    return places_;
  }

 private:
  void start() {
    Rng rng(in_.seed, 7);
    const double side = kLength * std::sqrt(static_cast<double>(moving_.size()) + 1);
    std::map<int32_t, Place> middle;
    for (const size_t node : moving_) {
      const auto [at, is_new] = middle.try_emplace(in_.groups[node]);
      if (is_new) at->second = {(rng.uniform() - 0.5) * side, (rng.uniform() - 0.5) * side};
      places_[node] = {at->second.x + (rng.uniform() - 0.5) * kLength,
                       at->second.y + (rng.uniform() - 0.5) * kLength};
    }
  }

  void push_apart(std::vector<Place>& force) const {
    for (size_t i = 0; i < moving_.size(); ++i) {
      const size_t a = moving_[i];
      for (size_t j = i + 1; j < moving_.size(); ++j) {
        const size_t b = moving_[j];
        const double dx = places_[a].x - places_[b].x, dy = places_[a].y - places_[b].y;
        const double push = kLength * kLength / std::max(dx * dx + dy * dy, 1.0);
        force[a].x += dx * push, force[a].y += dy * push;
        force[b].x -= dx * push, force[b].y -= dy * push;
      }
    }
  }

  // A node of many links would pull them all onto itself, so it pulls each the less.
  void pull_together(std::vector<Place>& force) const {
    for (const LayoutLink& link : in_.links) {
      const auto a = static_cast<size_t>(link.first), b = static_cast<size_t>(link.second);
      const double dx = places_[a].x - places_[b].x, dy = places_[a].y - places_[b].y;
      const double within = in_.groups[a] == in_.groups[b] ? 1.0 : kBetweenGroups;
      const double pull = std::sqrt(dx * dx + dy * dy) / kLength * within *
                          (0.5 + 0.5 * link.weight) / std::sqrt(std::max(degree_[a], degree_[b]));
      force[a].x -= dx * pull, force[a].y -= dy * pull;
      force[b].x += dx * pull, force[b].y += dy * pull;
    }
    for (const size_t node : moving_) {
      force[node].x -= kGravity * places_[node].x;
      force[node].y -= kGravity * places_[node].y;
    }
  }

  void move(const std::vector<Place>& force, double heat) {
    for (const size_t node : moving_) {
      const double length =
          std::sqrt(force[node].x * force[node].x + force[node].y * force[node].y);
      if (length == 0) continue;
      const double step = std::min(length, heat) / length;
      places_[node].x += force[node].x * step;
      places_[node].y += force[node].y * step;
    }
  }

  // false: no two circles were too near.
  bool separate_circles() {
    bool moved = false;
    for (size_t i = 0; i < moving_.size(); ++i) {
      const size_t a = moving_[i];
      for (size_t j = i + 1; j < moving_.size(); ++j) {
        const size_t b = moving_[j];
        double dx = places_[a].x - places_[b].x, dy = places_[a].y - places_[b].y;
        const double wanted = in_.radii[a] + in_.radii[b] + kGap;
        if (dx * dx + dy * dy >= wanted * wanted) continue;
        if (dx == 0 && dy == 0) dx = 1;
        const double distance = std::sqrt(dx * dx + dy * dy);
        const double half = (wanted - distance) / (2 * distance);
        places_[a].x += dx * half, places_[a].y += dy * half;
        places_[b].x -= dx * half, places_[b].y -= dy * half;
        moved = true;
      }
    }
    return moved;
  }

  void centre() {
    if (moving_.empty()) return;
    left_ = right_ = places_[moving_[0]].x;
    double top = places_[moving_[0]].y;
    bottom_ = top;
    for (const size_t node : moving_) {
      left_ = std::min(left_, places_[node].x), right_ = std::max(right_, places_[node].x);
      top = std::min(top, places_[node].y), bottom_ = std::max(bottom_, places_[node].y);
    }
    const double x = (left_ + right_) / 2, y = (top + bottom_) / 2;
    for (const size_t node : moving_) places_[node].x -= x, places_[node].y -= y;
    right_ -= x, left_ -= x, bottom_ -= y;
  }

  void put_alone_below() {
    const double side = kRowGap * std::ceil(std::sqrt(static_cast<double>(alone_.size())));
    const double width = std::max(right_ - left_, side);
    double x = 0, y = moving_.empty() ? 0 : bottom_ + 2 * kRowGap;
    for (const size_t node : alone_) {
      places_[node] = {x - width / 2, y};
      x += kRowGap + in_.radii[node];
      if (x > width) x = 0, y += kRowGap + in_.radii[node];
    }
  }

  const LayoutInput& in_;
  std::vector<Place> places_;
  std::vector<double> degree_;
  std::vector<size_t> moving_, alone_;
  double left_ = 0, right_ = 0, bottom_ = 0;
};

}  // namespace

std::vector<Place> lay_out(const LayoutInput& input) { return Layout(input).run(); }

}  // namespace ondol::app
