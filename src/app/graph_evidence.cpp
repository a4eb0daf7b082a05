#include "app/graph_evidence.h"

#include <algorithm>

namespace ondol::app {
namespace {

using ground::GraphPlace;

// A longer sentence is shown in part, with this much in all.
constexpr int64_t kQuoteMax = 400;

bool is_title(const GraphPlace& place) { return place.char_to == 0; }

}  // namespace

struct QuoteBook::Passage {
  store::ChunkView view;
  std::vector<size_t> bytes;                           // where each code point begins, and the end
  std::vector<std::pair<int64_t, int64_t>> sentences;  // in code points

  Passage(store::ChunkView its, const text::Segmenter& segmenter) : view(std::move(its)) {
    const std::string& text = view.chunk.text;
    for (size_t at = 0; at < text.size(); text::next_code_point(text, at)) bytes.push_back(at);
    bytes.push_back(text.size());
    const auto point = [&](size_t byte) {
      return std::lower_bound(bytes.begin(), bytes.end(), byte) - bytes.begin();
    };
    for (const text::Span& span : segmenter.sentences(text)) {
      sentences.emplace_back(point(span.from), point(span.to));
    }
  }
  int64_t size() const { return static_cast<int64_t>(bytes.size()) - 1; }
  std::string cut(int64_t from, int64_t to) const {
    const size_t begin = bytes[static_cast<size_t>(from)];
    return view.chunk.text.substr(begin, bytes[static_cast<size_t>(to)] - begin);
  }
  // The last sentence that begins at or before this code point.
  int32_t sentence_at(int64_t point) const {
    const auto after = std::upper_bound(
        sentences.begin(), sentences.end(), point,
        [](int64_t at, const std::pair<int64_t, int64_t>& s) { return at < s.first; });
    return std::max(static_cast<int32_t>(after - sentences.begin()) - 1, 0);
  }
};

QuoteBook::QuoteBook(GraphDesk& desk) : desk_(desk) {}
QuoteBook::~QuoteBook() = default;

int32_t QuoteBook::document_number(const std::string& uri) {
  const auto [at, is_new] =
      number_of_uri_.try_emplace(uri, static_cast<int32_t>(documents_.size()));
  if (is_new) documents_.push_back(uri);
  return at->second;
}

int32_t QuoteBook::document_of(int32_t passage) {
  const auto known = document_of_.find(passage);
  if (known != document_of_.end()) return known->second;
  const auto views = desk_.passages({passage});
  return document_of_[passage] = views.empty() ? -1 : document_number(views[0].uri);
}

const QuoteBook::Passage* QuoteBook::passage(int32_t number) {
  const auto known = passages_.find(number);
  if (known != passages_.end()) return known->second.get();
  auto views = desk_.passages({number});
  auto& kept = passages_[number];
  if (!views.empty()) kept = std::make_unique<Passage>(std::move(views[0]), segmenter_);
  return kept.get();
}

int32_t QuoteBook::sentence_of(const GraphPlace& place) {
  const Passage* const its = passage(place.passage);
  return its == nullptr || is_title(place) ? -1 : its->sentence_at(place.char_from);
}

int32_t QuoteBook::quote(int32_t number, const Passage& its, int64_t from, int64_t to) {
  const auto [at, is_new] =
      at_.try_emplace({number, from, to}, static_cast<int32_t>(quotes_.size()));
  if (is_new) {
    const store::Chunk& chunk = its.view.chunk;
    quotes_.push_back({.document = document_number(its.view.uri),
                       .heading = chunk.heading,
                       .text = its.cut(from, to),
                       .char_from = chunk.char_from + from,
                       .char_to = chunk.char_from + to});
  }
  return at->second;
}

std::optional<ViewEvidence> QuoteBook::title(int32_t number, const Passage& its) {
  const auto [at, is_new] = at_.try_emplace({number, 0, 0}, static_cast<int32_t>(quotes_.size()));
  if (is_new) {
    quotes_.push_back(
        {.document = document_number(its.view.uri), .text = its.view.title, .title = true});
  }
  return ViewEvidence{at->second, {}};
}

std::optional<ViewEvidence> QuoteBook::mention(const GraphPlace& place) {
  const Passage* const its = passage(place.passage);
  if (its == nullptr) return std::nullopt;
  if (is_title(place)) return title(place.passage, *its);
  const int64_t end = std::min(place.char_to, its->size());
  const int64_t begin = std::min(place.char_from, end);
  int64_t from = begin, to = end;
  if (!its->sentences.empty()) {
    const auto& sentence = its->sentences[static_cast<size_t>(its->sentence_at(begin))];
    from = std::min(from, sentence.first), to = std::max(to, sentence.second);
  }
  const int64_t whole_from = from, whole_to = to;
  if (to - from > kQuoteMax) {
    const int64_t middle = (begin + end) / 2;
    from = std::clamp(middle - kQuoteMax / 2, from, std::max(from, to - kQuoteMax));
    to = std::min(to, from + kQuoteMax);
  }
  const int32_t number = quote(place.passage, *its, from, to);
  ViewQuote& kept = quotes_[static_cast<size_t>(number)];
  kept.cut_from = from > whole_from, kept.cut_to = to < whole_to;
  ViewEvidence out{number, {}};
  if (begin >= from && end <= to && begin < end) out.marks.emplace_back(begin - from, end - from);
  return out;
}

std::vector<std::pair<int64_t, int64_t>> QuoteBook::marks(int32_t number, int64_t from, int64_t to,
                                                          std::span<const int32_t> ends) {
  std::vector<std::pair<int64_t, int64_t>> all;
  for (const int32_t end : ends) {
    const ground::GraphEntity& entity = desk_.graph().entities()[static_cast<size_t>(end)];
    const size_t before = all.size();
    const auto first = std::lower_bound(
        entity.mentions.begin(), entity.mentions.end(), number,
        [](const GraphPlace& place, int32_t wanted) { return place.passage < wanted; });
    for (auto place = first; place != entity.mentions.end() && place->passage == number; ++place) {
      if (place->char_from >= from && place->char_to <= to && place->char_to > place->char_from) {
        all.emplace_back(place->char_from - from, place->char_to - from);
      }
    }
    if (all.size() > before || entity.label.empty()) continue;
    // Imported names have one place a passage, which may lie in another sentence.
    const std::string words = passage(number)->cut(from, to);
    const size_t at = words.find(entity.label);
    if (at == std::string::npos) continue;
    const auto begin = static_cast<int64_t>(text::count_code_points(words.substr(0, at)));
    all.emplace_back(begin, begin + static_cast<int64_t>(text::count_code_points(entity.label)));
  }
  std::sort(all.begin(), all.end());
  std::vector<std::pair<int64_t, int64_t>> apart;  // a name within a name is marked with it
  for (const auto& mark : all) {
    if (apart.empty() || mark.first >= apart.back().second) {
      apart.push_back(mark);
    } else {
      apart.back().second = std::max(apart.back().second, mark.second);
    }
  }
  return apart;
}

std::optional<ViewEvidence> QuoteBook::proof(const GraphPlace& place,
                                             std::span<const int32_t> ends) {
  const Passage* const its = passage(place.passage);
  if (its == nullptr) return std::nullopt;
  const int64_t to = std::min(place.char_to, its->size());
  const int64_t from = std::min(place.char_from, to);
  if (is_title(place) || from == to) return title(place.passage, *its);
  if (to - from <= kQuoteMax) {
    return ViewEvidence{quote(place.passage, *its, from, to), marks(place.passage, from, to, ends)};
  }
  // A whole passage: the sentence of the first name in it.
  const auto names = marks(place.passage, from, to, ends);
  const GraphPlace first{place.passage, from + (names.empty() ? 0 : names[0].first),
                         from + (names.empty() ? 1 : names[0].second)};
  return sentence(first, ends);
}

std::optional<ViewEvidence> QuoteBook::sentence(const GraphPlace& place,
                                                std::span<const int32_t> ends) {
  auto out = mention(place);
  if (!out || is_title(place)) return out;
  const ViewQuote& its = quotes_[static_cast<size_t>(out->quote)];
  const int64_t begin = its.char_from - passage(place.passage)->view.chunk.char_from;
  out->marks = marks(place.passage, begin, begin + (its.char_to - its.char_from), ends);
  return out;
}

}  // namespace ondol::app
