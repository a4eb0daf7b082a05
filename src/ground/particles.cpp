#include "ground/particles.h"

#include <algorithm>
#include <array>

#include "text/segment.h"

namespace ondol::ground {
namespace {

// Particles that close a Korean noun phrase, longest first (research/retrieval.md 2.6, 5.7).
constexpr std::array<std::string_view, 41> kParticles = {
    "에서부터", "으로부터", "에서만", "에서도", "에게만", "까지만", "까지도", "으로만", "으로도",
    "에게서",   "이라고",   "에서는", "에서의", "으로는", "으로써", "으로서", "까지는", "부터는",
    "에는",     "에서",     "에게",   "에도",   "으로",   "이나",   "까지",   "부터",   "보다",
    "처럼",     "만큼",     "이라",   "라고",   "와의",   "과의",   "로",     "은",     "는",
    "을",       "를",       "의",     "에",     "도"};
// These are also common last syllables of nouns; they are taken off longer words only.
constexpr std::array<std::string_view, 6> kRiskyParticles = {"이", "가", "와", "과", "만", "들"};

constexpr size_t kSyllableBytes = 3;  // of a Hangul syllable in UTF-8

bool is_hangul_start(std::string_view word) {
  size_t at = 0;
  return text::script_of(text::next_code_point(word, at)) == text::Script::kHangul;
}

}  // namespace

std::string_view without_particle(std::string_view word) {
  for (const std::string_view particle : kParticles) {
    if (word.ends_with(particle) && word.size() >= particle.size() + 2 * kSyllableBytes) {
      return word.substr(0, word.size() - particle.size());
    }
  }
  for (const std::string_view particle : kRiskyParticles) {
    if (word.ends_with(particle) && word.size() >= particle.size() + 2 * kSyllableBytes) {
      return word.substr(0, word.size() - particle.size());
    }
  }
  return word;
}

std::vector<std::string_view> particle_stems(std::string_view folded_word) {
  std::vector<std::string_view> stems = {folded_word};
  if (folded_word.empty() || !is_hangul_start(folded_word)) return stems;
  const auto try_all = [&](const auto& particles) {
    for (const std::string_view particle : particles) {
      if (folded_word.ends_with(particle) &&
          folded_word.size() >= particle.size() + 2 * kSyllableBytes) {
        stems.push_back(folded_word.substr(0, folded_word.size() - particle.size()));
      }
    }
  };
  try_all(kParticles);
  try_all(kRiskyParticles);
  std::sort(stems.begin(), stems.end(),
            [](std::string_view a, std::string_view b) { return a.size() > b.size(); });
  stems.erase(std::unique(stems.begin(), stems.end()), stems.end());
  return stems;
}

}  // namespace ondol::ground
