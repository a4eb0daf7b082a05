#include "ground/particles.h"

#include <array>

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

}  // namespace ondol::ground
