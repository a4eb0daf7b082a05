// expand: small passages are found, and what stands around them is given: "parent" the rest of
// their section, "neighbours" the passages before and behind, whatever their heading. Grown from
// the passage outwards in turn, whole passages only, up to `expand_words` words; a passage that is
// longer stays as it is. What another result holds already is not given twice, and a found passage
// inside an earlier result is that result.
//
// The text is that of the document from char_from to char_to, so citations stay where they were:
// what lies between two passages (blank lines, a heading) has its length, and the heading its
// words.
#include <algorithm>
#include <map>
#include <set>

#include "ground/retrievers/decorators.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

constexpr size_t kChildren = 4;  // passages looked at for each result: several may share a section
// More between two passages than this is no blank and no heading.
constexpr int64_t kGapMax = 200;

int64_t count_words(std::string_view text) {
  int64_t count = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    count += !blank && !in_word;
    in_word = !blank;
  }
  return count;
}

// `count` code points that stand between two passages: line breaks, and the second one's heading
// where there is room for it and a break on both sides.
std::string gap_text(int64_t count, const Evidence& before, const Evidence& after) {
  const auto width = static_cast<size_t>(count);
  std::string words;
  if (before.heading != after.heading) {
    const size_t last = after.heading.rfind(" > ");
    words = last == std::string::npos ? after.heading : after.heading.substr(last + 3);
  }
  const size_t letters = text::count_code_points(words);
  if (words.empty() || letters + 2 > width) return std::string(width, '\n');
  return std::string(width - letters - 1, '\n') + words + "\n";
}

// The text from the first of the passages to the last; they follow one another and may overlap.
std::string joined(std::span<const Evidence> passages) {
  std::string text = passages[0].text;
  for (size_t i = 1; i < passages.size(); ++i) {
    const int64_t gap = passages[i].char_from - passages[i - 1].char_to;
    if (gap > 0) text += gap_text(gap, passages[i - 1], passages[i]);
    size_t from = 0;
    for (int64_t skipped = gap; skipped < 0; ++skipped) {
      text::next_code_point(passages[i].text, from);
    }
    text += std::string_view(passages[i].text).substr(from);
  }
  return text;
}

class ExpandDecorator final : public Decorator {
 public:
  using Decorator::Decorator;

  std::vector<std::vector<Evidence>> retrieve_all(std::span<const Query> queries,
                                                  size_t k) override {
    auto found = base().retrieve_all(queries, kChildren * k);
    for (size_t i = 0; i < queries.size(); ++i) found[i] = grow(queries[i], found[i], k);
    return found;
  }

 private:
  using Documents = std::map<std::string, std::vector<Evidence>>;
  std::vector<Evidence> grow(const Query& query, const std::vector<Evidence>& found, size_t k);
  Evidence grown(const Evidence& piece, std::span<const Evidence> document,
                 std::set<int64_t>& given) const;
  bool joins(const Evidence& before, const Evidence& after, const Evidence& piece) const;
};

// Whether `before` and `after`, neighbours in a document, may stand in one result around `piece`.
bool ExpandDecorator::joins(const Evidence& before, const Evidence& after,
                            const Evidence& piece) const {
  if (after.ordinal != before.ordinal + 1 || after.char_from - before.char_to > kGapMax) {
    return false;
  }
  // An overlap longer than a passage is no overlap.
  if (before.char_to > after.char_to || before.char_from > after.char_from) return false;
  const bool section = before.heading == piece.heading && after.heading == piece.heading;
  return config_.expand == "neighbours" || section;
}

Evidence ExpandDecorator::grown(const Evidence& piece, std::span<const Evidence> document,
                                std::set<int64_t>& given) const {
  given.insert(piece.chunk_id);
  const auto at = std::find_if(document.begin(), document.end(), [&](const Evidence& chunk) {
    return chunk.chunk_id == piece.chunk_id;
  });
  if (at == document.end()) return piece;
  const auto middle = static_cast<size_t>(at - document.begin());
  size_t from = middle, to = middle;  // both inside
  int64_t words = count_words(piece.text);
  const size_t reach = config_.expand == "neighbours" ? 1 : document.size();
  const auto take = [&](size_t next) {
    const int64_t more = count_words(document[next].text);
    if (given.contains(document[next].chunk_id) || words + more > config_.expand_words) {
      return false;
    }
    words += more;
    given.insert(document[next].chunk_id);
    return true;
  };
  bool up = true, down = true;  // the way it still grows
  while (up || down) {
    down = down && to + 1 < document.size() && to - middle < reach &&
           joins(document[to], document[to + 1], piece) && take(to + 1);
    if (down) ++to;
    up = up && from > 0 && middle - from < reach &&
         joins(document[from - 1], document[from], piece) && take(from - 1);
    if (up) --from;
  }
  Evidence result = piece;
  result.text = joined(document.subspan(from, to - from + 1));
  result.ordinal = document[from].ordinal;
  result.char_from = document[from].char_from;
  result.char_to = document[to].char_to;
  result.page = document[from].page;
  return result;
}

std::vector<Evidence> ExpandDecorator::grow(const Query& query, const std::vector<Evidence>& found,
                                            size_t k) {
  Documents documents;
  std::set<int64_t> given;
  std::vector<Evidence> out;
  for (const Evidence& piece : found) {
    if (out.size() >= k) break;
    if (given.contains(piece.chunk_id)) continue;
    if (piece.chunk_id <= 0) {  // a fact: it stands in no document
      out.push_back(piece);
      continue;
    }
    const auto [document, first] = documents.try_emplace(piece.document);
    if (first) document->second = corpus_.document(query, piece.document);
    out.push_back(grown(piece, document->second, given));
  }
  return out;
}

}  // namespace

std::unique_ptr<Retriever> make_expanding(std::unique_ptr<Retriever> base,
                                          const RetrieverConfig& config, Corpus& corpus) {
  return std::make_unique<ExpandDecorator>(std::move(base), config, corpus);
}

}  // namespace ondol::ground
