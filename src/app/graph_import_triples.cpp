// N-Triples, as graph_export.h writes them: labels, classes, facts, and the reified statements that
// say which documents prove a fact. Other files are read too; their facts have no documents, and
// values that are not resources are left aside.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "app/graph_exchange.h"
#include "app/graph_import.h"
#include "base/error.h"
#include "text/utf8.h"

namespace ondol::app {
namespace {

using ground::GivenFact;

struct Term {
  enum Kind { kIri, kBlank, kLiteral } kind = kIri;
  std::string text;
};

// One line.
class LineReader {
 public:
  LineReader(std::string_view line, std::string_view name, size_t number)
      : line_(line), name_(name), number_(number) {}

  // false: the line says nothing.
  bool read(Term& subject, Term& predicate, Term& object) {
    blanks();
    if (at_ == line_.size() || line_[at_] == '#') return false;
    subject = term();
    predicate = term();
    object = term();
    if (subject.kind == Term::kLiteral || predicate.kind != Term::kIri) fail("a term out of place");
    if (at_ >= line_.size() || line_[at_] != '.') fail("'.' is missing");
    ++at_;
    blanks();
    if (at_ < line_.size() && line_[at_] != '#') fail("text after '.'");
    return true;
  }

 private:
  Term term() {
    Term out;
    if (at_ < line_.size() && line_[at_] == '<') {
      out = {Term::kIri, until('>')};
    } else if (line_.substr(at_).starts_with("_:")) {
      const size_t end = std::min(line_.find_first_of(" \t", at_), line_.size());
      out = {Term::kBlank, std::string(line_.substr(at_, end - at_))};
      at_ = end;
    } else if (at_ < line_.size() && line_[at_] == '"') {
      out = {Term::kLiteral, until('"')};
      if (line_.substr(at_).starts_with("^^<")) {
        at_ += 2;
        until('>');
      } else if (line_.substr(at_).starts_with("@")) {
        at_ = std::min(line_.find_first_of(" \t", at_), line_.size());
      }
    } else {
      fail("expected <IRI>, _:blank or \"literal\"");
    }
    blanks();
    return out;
  }

  // From the opening character to this one, with its escapes resolved.
  std::string until(char close) {
    std::string out;
    for (++at_; at_ < line_.size() && line_[at_] != close; ++at_) {
      if (line_[at_] != '\\') {
        out += line_[at_];
        continue;
      }
      if (++at_ >= line_.size()) break;
      static constexpr std::string_view kLetters = "tbnrf\"'\\", kValues = "\t\b\n\r\f\"'\\";
      const size_t known = kLetters.find(line_[at_]);
      if (known != std::string_view::npos) {
        out += kValues[known];
      } else if (line_[at_] == 'u' || line_[at_] == 'U') {
        text::append_utf8(out, code_point(line_[at_] == 'u' ? 4 : 8));
      } else {
        fail("an unknown escape");
      }
    }
    if (at_ >= line_.size()) fail(fmt::format("'{}' is missing", close));
    ++at_;
    return out;
  }

  char32_t code_point(size_t digits) {
    char32_t code = 0;
    for (size_t i = 0; i < digits; ++i) {
      const char c = ++at_ < line_.size() ? line_[at_] : '\0';
      const char lower = static_cast<char>(c | 0x20);
      const bool decimal = c >= '0' && c <= '9';
      if (!decimal && (lower < 'a' || lower > 'f')) fail("a broken \\u escape");
      code = code * 16 + static_cast<char32_t>(decimal ? c - '0' : lower - 'a' + 10);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) fail("a broken \\u escape");
    return code;
  }

  void blanks() { at_ = std::min(line_.find_first_not_of(" \t\r", at_), line_.size()); }

  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorCode::kCorruptData,
                fmt::format("[graph] '{}' line {}: {}", name_, number_, what));
  }

  std::string_view line_, name_;
  size_t number_;
  size_t at_ = 0;
};

bool in(std::string_view iri, std::string_view space) { return iri.starts_with(space); }

// The last part of an IRI in words.
std::string last_part(const std::string& iri) {
  const size_t at = iri.find_last_of("/#:");
  std::string name = from_iri_part(iri.substr(at == std::string::npos ? 0 : at + 1));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

class Triples {
 public:
  void add(const Term& subject, const Term& predicate, const Term& object) {
    const std::string& p = predicate.text;
    if (p == std::string(kRdfs) + "label") {
      label_.try_emplace(subject.text, object.text);
    } else if (p == std::string(kRdf) + "type") {
      if (object.text != std::string(kRdf) + "Statement")
        class_.try_emplace(subject.text, object.text);
    } else if (in(p, kRdf)) {
      Statement& statement = statements_[subject.text];
      if (p.ends_with("#subject")) statement.subject = object.text;
      if (p.ends_with("#predicate")) statement.predicate = object.text;
      if (p.ends_with("#object")) statement.object = object.text;
    } else if (p == std::string(kTermIri) + "document") {
      if (in(object.text, kDocumentIri)) {
        statements_[subject.text].documents.push_back(
            from_iri_part(std::string_view(object.text).substr(kDocumentIri.size())));
      }
    } else if (p == std::string(kTermIri) + "validFrom") {
      statements_[subject.text].valid_from = object.text;
    } else if (p == std::string(kTermIri) + "validTo") {
      statements_[subject.text].valid_to = object.text;
    } else if (!in(p, kTermIri) && !in(p, kRdfs) && !in(p, kSkos) &&
               object.kind != Term::kLiteral) {
      facts_.insert({subject.text, p, object.text});
    }
  }

  std::vector<GivenFact> facts() const {
    // What is said of each triple: the documents, by the time in which it holds.
    using Span = std::pair<std::string, std::string>;
    std::map<Key, std::map<Span, std::set<std::string>>> said;
    for (const auto& [blank, statement] : statements_) {
      said[{statement.subject, statement.predicate, statement.object}]
          [{statement.valid_from, statement.valid_to}]
              .insert(statement.documents.begin(), statement.documents.end());
    }
    std::vector<GivenFact> out;
    for (const Key& key : facts_) {
      const auto& [subject, predicate, object] = key;
      GivenFact fact{"",           name(subject),     relation(predicate),
                     name(object), class_of(subject), class_of(object)};
      auto& spans = said[key];
      if (spans.empty()) spans[{}] = {};
      for (const auto& [span, documents] : spans) {
        std::tie(fact.valid_from, fact.valid_to) = span;
        if (documents.empty()) out.push_back(fact);
        for (const std::string& uri : documents) {
          out.push_back(fact);
          out.back().document = uri;
        }
      }
    }
    return out;
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Statement {
    std::string subject, predicate, object;
    std::vector<std::string> documents;
    std::string valid_from, valid_to;
  };

  std::string name(const std::string& iri) const {
    const auto known = label_.find(iri);
    return known == label_.end() ? last_part(iri) : known->second;
  }
  std::string relation(const std::string& iri) const {
    if (in(iri, kRelationIri))
      return from_iri_part(std::string_view(iri).substr(kRelationIri.size()));
    return name(iri);
  }
  std::string class_of(const std::string& iri) const {
    const auto known = class_.find(iri);
    if (known == class_.end()) return "";
    if (!in(known->second, kClassIri)) return last_part(known->second);
    return from_iri_part(std::string_view(known->second).substr(kClassIri.size()));
  }

  std::map<std::string, std::string> label_, class_;
  std::map<std::string, Statement> statements_;
  std::set<Key> facts_;
};

}  // namespace

std::vector<GivenFact> read_triples(std::string_view text, std::string_view name) {
  Triples triples;
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    Term subject, predicate, object;
    if (LineReader(text.substr(at, end - at), name, ++number).read(subject, predicate, object)) {
      triples.add(subject, predicate, object);
    }
    at = end + 1;
  }
  return triples.facts();
}

}  // namespace ondol::app
