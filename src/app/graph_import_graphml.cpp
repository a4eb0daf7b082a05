// GraphML by a reader of the part of XML that it needs: elements, attributes, character data, the
// five named and the numbered references. A document type declaration is refused, so nothing can
// be declared that grows or is fetched.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "app/graph_import.h"
#include "base/error.h"
#include "text/utf8.h"

namespace ondol::app {
namespace {

using ground::GivenFact;
using Attributes = std::map<std::string, std::string>;

constexpr size_t kDepthMax = 100;

class XmlReader {
 public:
  XmlReader(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  // Calls open(element, attributes), data(text) and close(element) in the order of the file.
  template <class Handler>
  void read(Handler& handler) {
    while (at_ < text_.size()) {
      const size_t begin = text_.find('<', at_);
      const std::string_view between = text_.substr(at_, begin - at_);
      if (!open_.empty()) handler.data(unescaped(between));
      if (begin == std::string_view::npos) break;
      at_ = begin;
      markup(handler);
    }
    if (!open_.empty()) fail(fmt::format("<{}> is not closed", open_.back()));
    if (!any_) fail("no element");
  }

 private:
  template <class Handler>
  void markup(Handler& handler) {
    if (skip("<?", "?>") || skip("<!--", "-->")) return;
    if (text_.substr(at_).starts_with("<![CDATA[")) {
      const size_t end = text_.find("]]>", at_);
      if (end == std::string_view::npos) fail("a CDATA section is not closed");
      handler.data(std::string(text_.substr(at_ + 9, end - at_ - 9)));
      at_ = end + 3;
      return;
    }
    if (text_.substr(at_).starts_with("<!")) fail("a document type declaration is not taken");
    ++at_;
    if (text_.substr(at_).starts_with("/")) {
      ++at_;
      const std::string element = word();
      blanks();
      expect('>');
      if (open_.empty() || open_.back() != element)
        fail(fmt::format("</{}> closes nothing", element));
      open_.pop_back();
      handler.close(local(element));
      return;
    }
    const std::string element = word();
    Attributes attributes;
    for (blanks(); at_ < text_.size() && text_[at_] != '>' && text_[at_] != '/'; blanks()) {
      const std::string key = word();
      blanks();
      expect('=');
      blanks();
      const char quote = at_ < text_.size() ? text_[at_] : '\0';
      if (quote != '"' && quote != '\'') fail("an attribute without quotes");
      const size_t end = text_.find(quote, ++at_);
      if (end == std::string_view::npos) fail("an attribute is not closed");
      attributes[key] = unescaped(text_.substr(at_, end - at_));
      at_ = end + 1;
    }
    const bool empty = at_ < text_.size() && text_[at_] == '/';
    at_ += empty;
    expect('>');
    any_ = true;
    handler.open(local(element), attributes);
    if (empty) {
      handler.close(local(element));
    } else {
      open_.push_back(element);
      if (open_.size() > kDepthMax) fail("too deep");
    }
  }

  static std::string local(const std::string& name) { return name.substr(name.find(':') + 1); }

  bool skip(std::string_view begin, std::string_view end) {
    if (!text_.substr(at_).starts_with(begin)) return false;
    const size_t found = text_.find(end, at_ + begin.size());
    if (found == std::string_view::npos) fail(fmt::format("{} is not closed", begin));
    at_ = found + end.size();
    return true;
  }

  std::string word() {
    const size_t end = std::min(text_.find_first_of(" \t\r\n=/><\"'", at_), text_.size());
    if (end == at_) fail("a name is missing");
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return std::string(found);
  }
  void blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  void expect(char c) {
    if (at_ >= text_.size() || text_[at_] != c) fail(fmt::format("'{}' is missing", c));
    ++at_;
  }

  std::string unescaped(std::string_view raw) const {
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    std::string out;
    for (size_t at = 0; at < raw.size(); ++at) {
      if (raw[at] != '&') {
        out += raw[at];
        continue;
      }
      const size_t end = raw.find(';', at);
      if (end == std::string_view::npos) fail("'&' without ';'");
      const std::string_view entity = raw.substr(at + 1, end - at - 1);
      const auto* const named = std::find_if(std::begin(kNamed), std::end(kNamed),
                                             [&](const auto& row) { return row.first == entity; });
      if (named != std::end(kNamed)) {
        out += named->second;
      } else {
        text::append_utf8(out, numbered(entity));
      }
      at = end;
    }
    return out;
  }

  char32_t numbered(std::string_view entity) const {
    if (!entity.starts_with("#")) fail(fmt::format("unknown reference '&{};'", entity));
    const bool hex = entity.starts_with("#x");
    char32_t code = 0;
    const std::string_view digits = entity.substr(hex ? 2 : 1);
    for (const char c : digits) {
      const bool decimal = c >= '0' && c <= '9';
      const char lower = static_cast<char>(c | 0x20);
      if (!decimal && !(hex && lower >= 'a' && lower <= 'f')) fail("a broken character reference");
      code = code * (hex ? 16 : 10) + static_cast<char32_t>(decimal ? c - '0' : lower - 'a' + 10);
      if (code > 0x10FFFF) fail("a character reference beyond Unicode");
    }
    if (digits.empty() || (code >= 0xD800 && code < 0xE000)) fail("a broken character reference");
    return code;
  }

  [[noreturn]] void fail(std::string_view what) const {
    const auto line =
        std::count(text_.begin(),
                   text_.begin() + static_cast<ptrdiff_t>(std::min(at_, text_.size())), '\n') +
        1;
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[graph] '{}' line {}: {}", name_, line, what));
  }

  std::string_view text_, name_;
  size_t at_ = 0;
  bool any_ = false;
  std::vector<std::string> open_;
};

// Nodes and edges with their values, by the names that <key> gives them.
class GraphmlHandler {
 public:
  void open(const std::string& element, const Attributes& attributes) {
    const auto value = [&](const char* key) {
      const auto at = attributes.find(key);
      return at == attributes.end() ? std::string() : at->second;
    };
    if (element == "key") {
      const std::string name = value("attr.name");
      key_[value("id")] = name.empty() ? value("id") : name;
    } else if (element == "node") {
      current_ = &nodes_[value("id")];
    } else if (element == "edge") {
      edges_.push_back({{"", value("source")}, {" ", value("target")}});
      current_ = &edges_.back();
    } else if (element == "data" && current_ != nullptr) {
      const auto name = key_.find(value("key"));
      collecting_ = &(*current_)[name == key_.end() ? value("key") : name->second];
    }
  }
  void data(const std::string& text) {
    if (collecting_ != nullptr) *collecting_ += text;
  }
  void close(const std::string& element) {
    if (element == "data") collecting_ = nullptr;
    if (element == "node" || element == "edge") current_ = nullptr;
  }

  std::vector<GivenFact> facts() {
    std::vector<GivenFact> out;
    for (Attributes& edge : edges_) {
      const std::string relation = edge["relation"].empty() ? edge["label"] : edge["relation"];
      if (edge["kind"] == "together" || relation.empty()) continue;
      const GivenFact fact{"",
                           name_of(edge[""]),
                           relation,
                           name_of(edge[" "]),
                           nodes_[edge[""]]["class"],
                           nodes_[edge[" "]]["class"],
                           edge["valid_from"],
                           edge["valid_to"]};
      const auto documents = nlohmann::json::parse(edge["documents"], nullptr, false);
      size_t given = 0;
      for (const auto& uri : documents.is_array() ? documents : nlohmann::json::array()) {
        if (!uri.is_string()) continue;
        out.push_back(fact);
        out.back().document = uri;
        ++given;
      }
      if (given == 0) out.push_back(fact);
    }
    return out;
  }

 private:
  std::string name_of(const std::string& id) {
    const std::string& label = nodes_[id]["label"];
    return label.empty() ? id : label;
  }

  std::map<std::string, std::string> key_;
  std::map<std::string, Attributes> nodes_;
  std::vector<Attributes> edges_;  // their ends under "" and " ", which no key has
  Attributes* current_ = nullptr;
  std::string* collecting_ = nullptr;
};

}  // namespace

std::vector<GivenFact> read_graphml(std::string_view text, std::string_view name) {
  GraphmlHandler handler;
  XmlReader(text, name).read(handler);
  return handler.facts();
}

}  // namespace ondol::app
