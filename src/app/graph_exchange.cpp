#include "app/graph_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "ground/entity_name.h"
#include "text/fold.h"
#include "text/segment.h"

namespace ondol::app {
namespace {

// Code points [from, to) as UTF-8.
std::string cut(const std::string& text, int64_t from, int64_t to) {
  size_t at = 0, begin = text.size();
  for (int64_t point = 0; at < text.size() && point < to; ++point) {
    if (point == from) begin = at;
    text::next_code_point(text, at);
  }
  return begin < at ? text.substr(begin, at - begin) : "";
}

bool is_iri_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

ExchangeGraph::ExchangeGraph(GraphDesk& desk)
    : graph(desk.graph()),
      communities(ground::find_communities(graph)),
      community(communities.tree.at_level(0)),
      passages(desk.all_passages()) {
  for (const ground::GraphEntity& entity : graph.entities()) {
    // The spelling, unless it is that of a name merged into this one.
    const bool own = ground::entity_key(entity.label) == entity.name.key;
    names.push_back(own ? entity.label : entity.name.key);
  }
  std::sort(passages.begin(), passages.end(), [](const auto& a, const auto& b) {
    return std::tie(a.uri, a.chunk.ordinal) < std::tie(b.uri, b.chunk.ordinal);
  });
  rows.assign(graph.passages().size(), -1);
  std::set<std::string> uris;
  for (size_t row = 0; row < passages.size(); ++row) {
    const int32_t number = graph.passage_of(passages[row].chunk.id);
    if (number >= 0) rows[static_cast<size_t>(number)] = static_cast<int32_t>(row);
    uris.insert(passages[row].uri);
  }
  documents.assign(uris.begin(), uris.end());
}

std::vector<std::string> ExchangeGraph::documents_of(
    const std::vector<ground::GraphPlace>& places) const {
  std::set<std::string> uris;
  for (const ground::GraphPlace& place : places) {
    if (const store::ChunkView* const its = passage(place.passage)) uris.insert(its->uri);
  }
  return {uris.begin(), uris.end()};
}

std::string ExchangeGraph::quote(const ground::GraphPlace& place) const {
  const store::ChunkView* const its = passage(place.passage);
  if (its == nullptr) return "";
  return place.char_to == 0 ? its->title : cut(its->chunk.text, place.char_from, place.char_to);
}

std::string valid_utf8(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (const char32_t c : text::to_code_points(raw)) text::append_utf8(out, c);
  return out;
}

std::string csv_row(std::initializer_list<std::string_view> cells) {
  std::string out;
  bool first = true;
  for (const std::string_view cell : cells) {
    if (!first) out += ',';
    first = false;
    if (cell.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) out += c == '"' ? "\"\"" : std::string(1, c);
    out += '"';
  }
  return out + "\n";
}

std::vector<std::vector<std::string>> read_csv_rows(std::string_view text, std::string_view name) {
  const auto fail = [&](size_t at, const char* what) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n') + 1;
    throw Error(ErrorCode::kCorruptData, fmt::format("[graph] '{}' line {}: {}", name, line, what));
  };
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::vector<std::string>> rows;
  for (size_t at = 0; at < text.size();) {
    std::vector<std::string> row(1);
    bool open = true;
    while (open) {
      if (at < text.size() && text[at] == '"') {
        const size_t start = at++;
        for (;; ++at) {
          if (at >= text.size()) fail(start, "a quote is not closed");
          if (text[at] == '"' && (at + 1 >= text.size() || text[at + 1] != '"')) break;
          at += text[at] == '"';
          row.back() += text[at];
        }
        ++at;
        if (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
          fail(at, "text after a closing quote");
        }
      }
      while (at < text.size() && text[at] != ',' && text[at] != '\n') {
        if (text[at] != '\r' || (at + 1 < text.size() && text[at + 1] != '\n')) {
          row.back() += text[at];
        }
        ++at;
      }
      open = at < text.size() && text[at] == ',';
      if (open) row.emplace_back();
      ++at;
    }
    if (row.size() > 1 || !row[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

std::string json_list(const std::vector<std::string>& items) {
  return nlohmann::json(items).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string iri_part(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (is_iri_letter(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string from_iri_part(std::string_view part) {
  std::string out;
  for (size_t at = 0; at < part.size(); ++at) {
    const bool escaped = part[at] == '%' && at + 2 < part.size() && hex_value(part[at + 1]) >= 0 &&
                         hex_value(part[at + 2]) >= 0;
    if (!escaped) {
      out += part[at];
      continue;
    }
    out += static_cast<char>(hex_value(part[at + 1]) * 16 + hex_value(part[at + 2]));
    at += 2;
  }
  return out;
}

}  // namespace ondol::app
