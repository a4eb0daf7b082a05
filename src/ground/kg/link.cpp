#include "ground/kg/link.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ground/analysis.h"
#include "ground/document.h"
#include "ground/kg/lookup.h"
#include "ground/kg/names.h"
#include "ground/particles.h"

namespace ondol::ground {
namespace {

using store::KgLabel;

// What decides between entities of one name; the parts sum to 1.
constexpr double kMatchWeight = 0.4;
constexpr double kDegreeWeight = 0.3;
constexpr double kContextWeight = 0.3;

std::vector<std::string> split_words(const std::string& folded) {
  std::vector<std::string> words;
  for (size_t at = 0; at < folded.size();) {
    const size_t end = std::min(folded.find(' ', at), folded.size());
    if (end > at) words.push_back(folded.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, size_t from, size_t count) {
  std::string text = words[from];
  for (size_t i = from + 1; i < from + count; ++i) text += ' ' + words[i];
  return text;
}

bool only_function_words(const std::vector<std::string>& words, size_t from, size_t count) {
  return std::all_of(words.begin() + static_cast<std::ptrdiff_t>(from),
                     words.begin() + static_cast<std::ptrdiff_t>(from + count),
                     [](const std::string& word) { return word.size() < 2 || is_stop_word(word); });
}

// Letters and then digits: what identifiers of Wikidata look like.
std::string as_identifier(const std::string& word) {
  std::string id;
  size_t letters = 0;
  for (const char c : word) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'z' || id.size() > letters)) return "";
    letters += !digit;
    id += digit ? c : static_cast<char>(c - 'a' + 'A');
  }
  return letters > 0 && letters <= 2 && id.size() > letters ? id : "";
}

class Linker {
 public:
  Linker(store::KnowledgeGraph& graph, std::string_view question, const KgLinkOptions& options)
      : graph_(graph),
        options_(options),
        language_(guess_language(question)),
        words_(split_words(fold_name(question))),
        namer_(graph, {language_}) {
    const std::vector<std::string> terms = analyzer_.terms(question);
    terms_.insert(terms.begin(), terms.end());
  }

  std::vector<KgMention> run() {
    std::vector<KgMention> mentions;
    for (size_t at = 0; at < words_.size() && mentions.size() < options_.mentions_max;) {
      size_t taken = 0;
      KgMention mention;
      for (size_t count = std::min(options_.words_max, words_.size() - at); count > 0; --count) {
        if (find(at, count, &mention)) {
          taken = count;
          break;
        }
      }
      if (taken > 0) mentions.push_back(std::move(mention));
      at += std::max<size_t>(taken, 1);
    }
    return mentions;
  }

 private:
  bool find(size_t at, size_t count, KgMention* mention) {
    if (only_function_words(words_, at, count)) return false;
    const std::string text = joined(words_, at, count);
    if (count == 1 && find_id(text, mention)) return true;
    const std::string& last = words_[at + count - 1];
    const std::string head = text.substr(0, text.size() - last.size());
    for (const std::string_view stem : particle_stems(last)) {
      const std::string name = head + std::string(stem);
      const std::vector<KgLabel> labels = graph_.labels_equal(name, options_.candidates);
      if (labels.empty()) continue;
      choose(name, labels, mention);
      return true;
    }
    return false;
  }

  bool find_id(const std::string& word, KgMention* mention) {
    const std::string id = as_identifier(word);
    if (id.empty()) return false;
    if (namespaces_.empty()) namespaces_ = graph_.statistics().namespaces;
    const store::KgTermId term = find_identifier(graph_, namespaces_, id);
    if (term == 0) return false;
    *mention = {word, term, id, 1.0, graph_.degree(term)};
    return true;
  }

  void choose(const std::string& name, const std::vector<KgLabel>& labels, KgMention* mention) {
    int64_t most = 1;
    for (const KgLabel& label : labels) most = std::max(most, label.degree);
    *mention = {name, 0, "", -1.0, 0};
    for (const KgLabel& label : labels) {
      const double match = (label.rank == 0 ? 0.8 : 0.5) +
                           (label.language == language_ || label.language.empty() ? 0.2 : 0.0);
      const double degree =
          std::log1p(static_cast<double>(label.degree)) / std::log1p(static_cast<double>(most));
      // With one candidate the context decides nothing and costs a read.
      const double context = labels.size() > 1 ? context_of(label.term, name) : 0.0;
      const double score = kMatchWeight * match + kDegreeWeight * degree + kContextWeight * context;
      if (score > mention->score) {
        *mention = {name, label.term, label.label, score, label.degree};
      }
    }
  }

  // The share of the question's words, the mention's own left out, that stand in the facts.
  double context_of(store::KgTermId term, const std::string& mention) {
    std::set<std::string> asked = terms_;
    for (const std::string& own : analyzer_.terms(mention)) asked.erase(own);
    if (asked.empty()) return 0;
    std::set<std::string> said;
    for (const store::KgFact& fact : graph_.facts_of(term, options_.context_facts)) {
      for (std::string& word : analyzer_.terms(namer_.plain(fact))) said.insert(std::move(word));
    }
    const auto both = std::count_if(asked.begin(), asked.end(),
                                    [&](const std::string& word) { return said.contains(word); });
    return static_cast<double>(both) / static_cast<double>(asked.size());
  }

  store::KnowledgeGraph& graph_;
  const KgLinkOptions& options_;
  std::string language_;
  std::vector<std::string> words_;
  Namer namer_;
  Analyzer analyzer_{{.drop_stop_words = true}};
  std::set<std::string> terms_;
  std::vector<std::string> namespaces_;
};

}  // namespace

std::vector<KgMention> link_entities(store::KnowledgeGraph& graph, std::string_view question,
                                     const KgLinkOptions& options) {
  return Linker(graph, question, options).run();
}

}  // namespace ondol::ground
