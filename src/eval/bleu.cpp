#include "eval/bleu.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace ondol::eval {
namespace {

constexpr size_t kOrders = 4;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

// All ASCII punctuation but for full stop, comma, hyphen and apostrophe; and the space.
bool stands_alone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// Wherever `matches` two neighbours, `put` writes both; what was taken is not looked at again, as
// a regular expression's replacement goes on behind its match.
template <class Matches, class Put>
std::string rewrite(const std::string& text, Matches matches, Put put) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      put(out, text[i], text[i + 1]);
      i += 2;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string cut_13a(std::string text) {
  text = replaced(std::move(text), "<skipped>", "");
  text = replaced(std::move(text), "-\n", "");
  text = replaced(std::move(text), "\n", " ");
  text = replaced(std::move(text), "&quot;", "\"");
  text = replaced(std::move(text), "&amp;", "&");
  text = replaced(std::move(text), "&lt;", "<");
  text = replaced(std::move(text), "&gt;", ">");
  std::string spaced;
  for (const char c : " " + text + " ") {
    if (stands_alone(c)) {
      spaced += std::string{' ', c, ' '};
    } else {
      spaced += c;
    }
  }
  spaced = rewrite(
      spaced, [](char a, char b) { return !is_digit(a) && is_stop(b); },
      [](std::string& out, char a, char b) {
        out += std::string{a, ' ', b, ' '};
      });
  spaced = rewrite(
      spaced, [](char a, char b) { return is_stop(a) && !is_digit(b); },
      [](std::string& out, char a, char b) {
        out += std::string{' ', a, ' ', b};
      });
  return rewrite(
      spaced, [](char a, char b) { return is_digit(a) && b == '-'; },
      [](std::string& out, char a, char b) {
        out += std::string{a, ' ', b, ' '};
      });
}

// A space behind every character, that is before every byte that begins one.
std::string cut_chars(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    if (begins) out += ' ';
    out += c;
  }
  return out;
}

using Counts = std::map<std::vector<std::string>, int64_t>;

Counts ngrams(const std::vector<std::string>& tokens, size_t order) {
  Counts counts;
  for (size_t i = 0; i + order <= tokens.size(); ++i) {
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(i);
    ++counts[{begin, begin + static_cast<std::ptrdiff_t>(order)}];
  }
  return counts;
}

struct Matches {
  std::array<int64_t, kOrders> correct{}, total{};
};

void score(const std::array<int64_t, kOrders>& correct, const std::array<int64_t, kOrders>& total,
           BleuScore& out) {
  if (out.hypothesis_tokens < out.reference_tokens) {
    out.brevity_penalty = out.hypothesis_tokens > 0
                              ? std::exp(1 - static_cast<double>(out.reference_tokens) /
                                                 static_cast<double>(out.hypothesis_tokens))
                              : 0;
  }
  if (std::ranges::all_of(correct, [](int64_t count) { return count == 0; })) return;
  double smooth = 1, logs = 0;
  for (size_t n = 0; n < kOrders; ++n) {
    if (total[n] == 0) return;  // no n-gram of this order: no score, as sacrebleu has it
    const auto all = static_cast<double>(total[n]);
    if (correct[n] == 0) smooth *= 2;
    out.precisions[n] =
        correct[n] == 0 ? 100 / (smooth * all) : 100 * static_cast<double>(correct[n]) / all;
    logs += std::log(out.precisions[n]);
  }
  out.bleu = out.brevity_penalty * std::exp(logs / kOrders);
}

}  // namespace

BleuTokens bleu_tokens_named(std::string_view name) {
  if (name == "13a") return BleuTokens::k13a;
  if (name == "char") return BleuTokens::kChar;
  if (name == "none") return BleuTokens::kNone;
  throw Error(ErrorCode::kInvalidArgument,
              "[eval] tokens of BLEU; got '" + std::string(name) + "', expected 13a, char or none");
}

std::vector<std::string> bleu_tokenize(std::string_view text, BleuTokens tokens) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string cut(text);
  if (tokens == BleuTokens::k13a) cut = cut_13a(cut);
  if (tokens == BleuTokens::kChar) cut = cut_chars(cut);
  std::vector<std::string> out;
  for (size_t i = 0; i < cut.size(); ++i) {
    if (is_space(cut[i])) continue;
    if (i == 0 || is_space(cut[i - 1])) out.emplace_back();
    out.back() += cut[i];
  }
  return out;
}

BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                      std::span<const std::string> references, BleuTokens tokens) {
  if (hypotheses.size() != references.size() || hypotheses.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "[eval] BLEU of " + std::to_string(hypotheses.size()) +
                                                 " texts and " + std::to_string(references.size()) +
                                                 " references; expected as many, 1 or more");
  }
  BleuScore out;
  Matches matches;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    const std::vector<std::string> ours = bleu_tokenize(hypotheses[i], tokens),
                                   theirs = bleu_tokenize(references[i], tokens);
    out.hypothesis_tokens += static_cast<int64_t>(ours.size());
    out.reference_tokens += static_cast<int64_t>(theirs.size());
    for (size_t n = 0; n < kOrders; ++n) {
      const Counts wanted = ngrams(theirs, n + 1);
      for (const auto& [gram, count] : ngrams(ours, n + 1)) {
        matches.total[n] += count;
        const auto found = wanted.find(gram);
        if (found != wanted.end()) matches.correct[n] += std::min(count, found->second);
      }
    }
  }
  score(matches.correct, matches.total, out);
  return out;
}

}  // namespace ondol::eval
