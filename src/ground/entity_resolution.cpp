#include "ground/entity_resolution.h"

#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>

#include "ground/entity_name.h"
#include "text/fold.h"

namespace ondol::ground {
namespace {

// A block of more names than this shares only a frequent word.
constexpr size_t kBlockMax = 200;
constexpr size_t kPrefix = 4;    // code points of a word that put two names into one block
constexpr size_t kLongName = 8;  // code points from which an edit may be a misspelling
constexpr double kSaid = 1.0;    // scores of the kinds of evidence
constexpr double kSameLetters = 0.98;
constexpr double kTitle = 0.95;
constexpr double kFamilyName = 0.86;

struct Pair {
  int32_t a = 0, b = 0;  // a < b
  std::string method;
  double score = 0;
};

bool has_digit(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_roman(std::string_view word) {
  return !word.empty() && word.find_first_not_of("ivxlcdm") == std::string_view::npos;
}

// The words that count: numbers in digits or Roman ones. "Line 2" is not "Line 3".
std::multiset<std::string> numbers(std::string_view key) {
  std::multiset<std::string> out;
  const auto words = key_words(key);
  for (size_t i = 0; i < words.size(); ++i) {
    if (has_digit(words[i]) || (i > 0 && is_roman(words[i]))) out.emplace(words[i]);
  }
  return out;
}

std::string without_blanks(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c != ' ') out += c;
  }
  return out;
}

std::string singular(std::string letters) {
  if (letters.size() > 4 && letters.back() == 's' && letters[letters.size() - 2] != 's') {
    letters.pop_back();
  }
  return letters;
}

std::string_view without_title(std::string_view key) {
  constexpr std::array<std::string_view, 22> kTitles = {
      "mr",      "mrs",   "ms",    "dr",      "prof",     "professor", "captain",   "sir",
      "lady",    "lord",  "saint", "st",      "king",     "queen",     "president", "general",
      "colonel", "major", "judge", "senator", "sergeant", "reverend"};
  const size_t blank = key.find(' ');
  if (blank == std::string_view::npos) return key;
  const bool title =
      std::find(kTitles.begin(), kTitles.end(), key.substr(0, blank)) != kTitles.end();
  // "King David" is not David: a title alone before one word proves nothing.
  return title && key.find(' ', blank + 1) != std::string_view::npos ? key.substr(blank + 1) : key;
}

// Every word of it begins with a capital: the name of somebody, not a phrase.
bool is_all_capitals(const std::string& label) {
  bool begins = true;
  for (const char c : label) {
    if (begins && !(c >= 'A' && c <= 'Z')) return false;
    begins = c == ' ';
  }
  return !label.empty();
}

// What two names say by themselves; score 0: nothing.
Pair compare_names(std::string_view a, std::string_view b) {
  if (!same_numbers(a, b)) return {};
  const std::string letters_a = without_blanks(a), letters_b = without_blanks(b);
  if (letters_a == letters_b || singular(letters_a) == singular(letters_b)) {
    return {.method = "spelling", .score = kSameLetters};
  }
  const std::string_view plain_a = without_title(a), plain_b = without_title(b);
  if ((plain_a.size() < a.size()) != (plain_b.size() < b.size()) && plain_a == plain_b) {
    return {.method = "spelling", .score = kTitle};
  }
  // An edit apart is worth computing only for long names of nearly one length.
  const size_t shorter = std::min(a.size(), b.size()), longer = std::max(a.size(), b.size());
  if (shorter < kLongName || static_cast<double>(shorter) < 0.8 * static_cast<double>(longer)) {
    return {};
  }
  if (std::min(text::to_code_points(a).size(), text::to_code_points(b).size()) < kLongName) {
    return {};
  }
  return {.method = "spelling", .score = name_similarity(a, b)};
}

class Resolver {
 public:
  Resolver(const EntityGraph& graph, std::span<const store::Merge> log,
           const ResolutionOptions& options)
      : graph_(graph), options_(options) {
    for (const store::Merge& merge : log) {
      if (!merge.undone) continue;
      refused_.insert({merge.from, merge.into});
      refused_.insert({merge.into, merge.from});
    }
  }

  Resolution resolve() {
    by_aliases();
    by_class();
    by_spelling();
    by_family_name();
    link();
    return std::move(result_);
  }

 private:
  const GraphEntity& at(int32_t e) const { return graph_.entities()[static_cast<size_t>(e)]; }
  double accept(int32_t e) const {
    const auto own = options_.accept_by_type.find(at(e).name.type);
    return own == options_.accept_by_type.end() ? options_.accept : own->second;
  }

  void propose(int32_t a, int32_t b, const std::string& method, double score) {
    if (a == b || score < options_.doubt) return;
    if (refused_.contains({at(a).name, at(b).name})) return;
    const auto key = std::minmax(a, b);
    Pair& pair = pairs_[key];
    if (score > pair.score) pair = {key.first, key.second, method, score};
  }

  void by_aliases() {
    for (size_t e = 0; e < graph_.entities().size(); ++e) {
      for (const auto& [name, value] : graph_.properties(static_cast<int32_t>(e))) {
        if (name != "alias") continue;
        for (const int32_t other : graph_.find(value)) {
          if (at(other).name.type == at(static_cast<int32_t>(e)).name.type) {
            propose(static_cast<int32_t>(e), other, "alias", kSaid);
          }
        }
      }
    }
  }

  void by_class() {
    std::map<std::string, std::vector<int32_t>> same_key;
    for (size_t e = 0; e < graph_.entities().size(); ++e) {
      same_key[graph_.entities()[e].name.key].push_back(static_cast<int32_t>(e));
    }
    for (const auto& [key, members] : same_key) {
      if (members.size() == 2 &&
          (at(members[0]).name.type.empty() || at(members[1]).name.type.empty())) {
        propose(members[0], members[1], "class", kSaid);
      }
    }
  }

  void by_spelling() {
    std::map<std::string, std::vector<int32_t>> blocks;
    for (size_t e = 0; e < graph_.entities().size(); ++e) {
      const std::string& key = graph_.entities()[e].name.key;
      std::set<std::string> prefixes;
      for (const std::string_view word : key_words(key)) {
        const std::u32string points = text::to_code_points(word);
        std::string prefix;
        for (size_t i = 0; i < std::min(points.size(), kPrefix); ++i) {
          text::append_utf8(prefix, points[i]);
        }
        prefixes.insert(prefix);
      }
      for (const std::string& prefix : prefixes) blocks[prefix].push_back(static_cast<int32_t>(e));
    }
    for (const auto& [prefix, members] : blocks) {
      if (members.size() > kBlockMax) continue;
      for (size_t i = 0; i < members.size(); ++i) {
        for (size_t j = i + 1; j < members.size(); ++j) {
          if (at(members[i]).name.type != at(members[j]).name.type) continue;
          const Pair pair = compare_names(at(members[i]).name.key, at(members[j]).name.key);
          if (pair.score > 0) propose(members[i], members[j], pair.method, pair.score);
        }
      }
    }
  }

  // "Oskell" beside one "Marit Oskell": most likely she, and never certain.
  void by_family_name() {
    std::map<std::string, std::vector<int32_t>> by_last;
    for (size_t e = 0; e < graph_.entities().size(); ++e) {
      const auto words = key_words(graph_.entities()[e].name.key);
      if ((words.size() == 2 || words.size() == 3) && is_all_capitals(graph_.entities()[e].label)) {
        by_last[std::string(words.back())].push_back(static_cast<int32_t>(e));
      }
    }
    for (size_t e = 0; e < graph_.entities().size(); ++e) {
      const GraphEntity& entity = graph_.entities()[e];
      const auto full = by_last.find(entity.name.key);
      if (full == by_last.end() || full->second.size() != 1) continue;
      if (!is_all_capitals(entity.label)) continue;
      if (at(full->second[0]).name.type == entity.name.type &&
          shares_passage(entity, full->second[0])) {
        propose(static_cast<int32_t>(e), full->second[0], "part", kFamilyName);
      }
    }
  }

  bool shares_passage(const GraphEntity& entity, int32_t other) const {
    std::set<int32_t> passages;
    for (const GraphPlace& place : entity.mentions) passages.insert(place.passage);
    const auto& theirs = at(other).mentions;
    return std::any_of(theirs.begin(), theirs.end(),
                       [&](const GraphPlace& place) { return passages.contains(place.passage); });
  }

  bool accepted(int32_t a, int32_t b) const {
    const auto pair = pairs_.find(std::minmax(a, b));
    return pair != pairs_.end() && pair->second.score >= std::max(accept(a), accept(b));
  }

  // Complete linkage, the surest pairs first.
  void link() {
    std::vector<Pair> order;
    for (const auto& [key, pair] : pairs_) order.push_back(pair);
    std::stable_sort(order.begin(), order.end(),
                     [](const Pair& x, const Pair& y) { return x.score > y.score; });
    std::map<int32_t, std::vector<int32_t>> groups;  // by their first member
    std::unordered_map<int32_t, int32_t> group_of;
    const auto group = [&](int32_t e) {
      const auto known = group_of.find(e);
      if (known != group_of.end()) return known->second;
      groups[e] = {e};
      group_of[e] = e;
      return e;
    };
    for (const Pair& pair : order) {
      const int32_t a = group(pair.a), b = group(pair.b);
      if (a == b) continue;
      bool all = true;
      for (const int32_t x : groups[a]) {
        for (const int32_t y : groups[b]) all = all && accepted(x, y);
      }
      if (!all) {
        result_.doubtful.push_back(merge_of(pair.a, pair.b, pair.method, pair.score));
        continue;
      }
      for (const int32_t y : groups[b]) group_of[y] = a;
      groups[a].insert(groups[a].end(), groups[b].begin(), groups[b].end());
      groups.erase(b);
    }
    for (const auto& [first, members] : groups) keep(members);
  }

  // A name that has a class is kept before one without; then the one of most passages.
  bool is_better_name(int32_t a, int32_t b) const {
    const bool class_a = !at(a).name.type.empty(), class_b = !at(b).name.type.empty();
    if (class_a != class_b) return class_a;
    if (at(a).passages != at(b).passages) return at(a).passages > at(b).passages;
    return at(a).name < at(b).name;
  }

  store::Merge merge_of(int32_t a, int32_t b, const std::string& method, double score) const {
    const bool keep_a = is_better_name(a, b);
    return {0, at(keep_a ? b : a).name, at(keep_a ? a : b).name, method, score};
  }

  void keep(const std::vector<int32_t>& members) {
    if (members.size() < 2) return;
    const int32_t kept = *std::min_element(
        members.begin(), members.end(), [&](int32_t a, int32_t b) { return is_better_name(a, b); });
    for (const int32_t member : members) {
      if (member == kept) continue;
      const Pair& why = pairs_.at(std::minmax(member, kept));
      result_.accepted.push_back({0, at(member).name, at(kept).name, why.method, why.score});
    }
  }

  const EntityGraph& graph_;
  const ResolutionOptions& options_;
  std::set<std::pair<store::EntityName, store::EntityName>> refused_;
  std::map<std::pair<int32_t, int32_t>, Pair> pairs_;
  Resolution result_;
};

}  // namespace

bool same_numbers(std::string_view a, std::string_view b) { return numbers(a) == numbers(b); }

double name_similarity(std::string_view a, std::string_view b) {
  const std::u32string x = text::to_code_points(a), y = text::to_code_points(b);
  if (x.empty() && y.empty()) return 1.0;
  std::vector<size_t> before(y.size() + 1), last(y.size() + 1), now(y.size() + 1);
  for (size_t j = 0; j <= y.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= x.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= y.size(); ++j) {
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (x[i - 1] != y[j - 1])});
      if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1]) {
        now[j] = std::min(now[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return 1.0 -
         static_cast<double>(last[y.size()]) / static_cast<double>(std::max(x.size(), y.size()));
}

Resolution resolve_entities(const EntityGraph& graph, std::span<const store::Merge> log,
                            const ResolutionOptions& options) {
  return Resolver(graph, log, options).resolve();
}

ResolvedGraph load_graph(store::Store& store, const store::Scope& scope,
                         const GraphOptions& graph_options, const ResolutionOptions& options) {
  const store::GraphRows rows = store.graph_rows(scope);
  std::vector<store::Merge> merges = store.merges(scope.collection);
  ResolvedGraph out;
  out.graph = std::make_shared<EntityGraph>(rows, merges, graph_options);
  out.names = resolve_entities(*out.graph, merges, options);
  if (!out.names.accepted.empty()) {
    merges.insert(merges.end(), out.names.accepted.begin(), out.names.accepted.end());
    out.graph = std::make_shared<EntityGraph>(rows, merges, graph_options);
  }
  return out;
}

}  // namespace ondol::ground
