#include "text/normalizer.h"

#include <algorithm>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::text {
namespace {

constexpr char32_t kDropped = 0xFFFFFFFF;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Replaces every code point by `change(code)`; kDropped takes it out.
template <class Change>
std::string map_codes(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    const char32_t changed = c.code == kInvalidUtf8 ? c.code : change(c.code);
    if (changed == c.code) {
      out += text.substr(at, c.size);
    } else if (changed != kDropped) {
      append_utf8(out, changed);
    }
    at += c.size;
  }
  return out;
}

// SentencePiece's nmt_nfkc rules, as Hugging Face's Nmt.
char32_t nmt(char32_t code) {
  const auto in = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  if (in(0x01, 0x08) || code == 0x0B || in(0x0E, 0x1F) || code == 0x7F || code == 0x8F ||
      code == 0x9F) {
    return kDropped;
  }
  const bool space = code == 0x09 || code == 0x0A || code == 0x0C || code == 0x0D ||
                     code == 0x1680 || in(0x200B, 0x200F) || code == 0x2028 || code == 0x2029 ||
                     code == 0x2581 || code == 0xFEFF || code == 0xFFFD;
  return space ? U' ' : code;
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    if (c.code == kInvalidUtf8) {
      out.push_back(text[at]);
    } else {
      append_utf8(out, simple_lower(c.code));
      // The one full mapping that is longer: I with a dot becomes i and a combining dot.
      if (c.code == 0x130) append_utf8(out, 0x307);
    }
    at += c.size;
  }
  return out;
}

std::string strip(std::string_view text, bool left, bool right) {
  size_t begin = 0;
  size_t end = 0;  // after the last character that stays
  bool inside = !left;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = read_utf8(text, at);
    const bool white = c.code != kInvalidUtf8 && is_white_space(c.code);
    if (!inside && !white) {
      inside = true;
      begin = at;
    }
    at += c.size;
    if (!white || !right) end = at;
  }
  if (!inside || end <= begin) return {};
  return std::string(text.substr(begin, end - begin));
}

std::string replace(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (size_t at = 0;;) {
    const size_t found = text.find(from, at);
    out += text.substr(at, found - at);
    if (found == std::string_view::npos) return out;
    out += to;
    at = found + from.size();
  }
}

// Runs of at least `least` characters of white space (or only of spaces) by `to`.
std::string replace_runs(std::string_view text, std::string_view to, size_t least,
                         bool only_space) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    size_t count = 0;
    while (end < text.size()) {
      const Utf8Char c = read_utf8(text, end);
      const bool taken =
          only_space ? c.code == U' ' : c.code != kInvalidUtf8 && is_white_space(c.code);
      if (!taken) break;
      end += c.size;
      ++count;
    }
    if (count >= least) {
      out += to;
      at = end;
      continue;
    }
    if (end == at) end += read_utf8(text, at).size;
    out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string apply_step(const NormalizerStep& step, const std::optional<CharsMap>& map,
                       const std::string& text) {
  switch (step.kind) {
    case NormalizerKind::kPrecompiled:
      return map->apply(text);
    case NormalizerKind::kNfc:
      return nfc_utf8(text);
    case NormalizerKind::kNfd:
      return is_ascii(text) ? text : normalize_utf8(text, nfd);
    case NormalizerKind::kNfkc:
      return is_ascii(text) ? text : normalize_utf8(text, nfkc);
    case NormalizerKind::kNfkd:
      return is_ascii(text) ? text : normalize_utf8(text, nfkd);
    case NormalizerKind::kNmt:
      return map_codes(text, nmt);
    case NormalizerKind::kLowercase:
      return lowercase(text);
    case NormalizerKind::kStripAccents:
      return map_codes(text, [](char32_t code) {
        const GeneralCategory c = general_category(code);
        return c >= GeneralCategory::kMn && c <= GeneralCategory::kMe ? kDropped : code;
      });
    case NormalizerKind::kStrip:
      return strip(text, step.left, step.right);
    case NormalizerKind::kReplace:
      return replace(text, step.from, step.to);
    case NormalizerKind::kReplaceSpaces:
      return replace_runs(text, step.to, 2, true);
    case NormalizerKind::kReplaceWhite:
      return replace_runs(text, step.to, 1, false);
    case NormalizerKind::kPrepend:
      return text.empty() ? text : step.to + text;
  }
  ONDOL_ASSERT(false);
  return text;
}

}  // namespace

Normalizer::Normalizer(const std::vector<NormalizerStep>& steps) {
  for (const NormalizerStep& step : steps) {
    if (step.kind == NormalizerKind::kReplace && step.from.empty()) {
      throw Error(ErrorCode::kInvalidArgument,
                  "[tokenizer] a Replace normalizer has nothing to look for; got an empty pattern, "
                  "expected a string; try another model file");
    }
    Step& added = steps_.emplace_back(Step{step, std::nullopt});
    if (step.kind == NormalizerKind::kPrecompiled) added.map.emplace(step.from);
  }
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = apply_step(step.what, step.map, out);
  return out;
}

}  // namespace ondol::text
