// The sentences behind entities and links, each kept once, with the names in it marked.
//
//   QuoteBook book(desk);
//   std::optional<ViewEvidence> where = book.mention(entity.mentions[0]);
//   book.quotes()[where->quote].text
//
// A quote is a whole sentence, or a window of it when it is very long. What is gone from the store
// since the graph was read gives no evidence.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/graph_view.h"
#include "text/segment.h"

namespace ondol::app {

class QuoteBook {
 public:
  explicit QuoteBook(GraphDesk& desk);
  ~QuoteBook();

  // The number of the passage's document; -1: it is gone.
  int32_t document_of(int32_t passage);
  // The sentence of the passage in which a place begins; -1: the title.
  int32_t sentence_of(const ground::GraphPlace& place);

  std::optional<ViewEvidence> mention(const ground::GraphPlace& place);
  // The words of `place` with every mention of these entities in them.
  std::optional<ViewEvidence> proof(const ground::GraphPlace& place, std::span<const int32_t> ends);
  // The sentence of `place`, marked the same way.
  std::optional<ViewEvidence> sentence(const ground::GraphPlace& place,
                                       std::span<const int32_t> ends);

  const std::vector<std::string>& documents() const { return documents_; }
  const std::vector<ViewQuote>& quotes() const { return quotes_; }

 private:
  struct Passage;

  const Passage* passage(int32_t number);
  int32_t document_number(const std::string& uri);
  int32_t quote(int32_t number, const Passage& passage, int64_t from, int64_t to);
  std::optional<ViewEvidence> title(int32_t number, const Passage& passage);
  std::vector<std::pair<int64_t, int64_t>> marks(int32_t passage, int64_t from, int64_t to,
                                                 std::span<const int32_t> ends);

  GraphDesk& desk_;
  text::Segmenter segmenter_;
  std::vector<std::string> documents_;
  std::map<std::string, int32_t> number_of_uri_;
  std::map<int32_t, int32_t> document_of_;                       // of passages
  std::map<int32_t, std::unique_ptr<Passage>> passages_;         // null: gone
  std::map<std::tuple<int32_t, int64_t, int64_t>, int32_t> at_;  // passage, from, to -> quote
  std::vector<ViewQuote> quotes_;
};

}  // namespace ondol::app
