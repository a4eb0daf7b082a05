// Embeds a few sentences and finds the one nearest to a question.
//
//   ondol pull all-minilm-l6-v2
//   build/dev/bin/example_embed_and_search "Where do the boats leave from?"
#include <algorithm>
#include <iostream>

#include "ondol/embedding_model.h"

int main(int argc, char** argv) try {
  const std::vector<std::string> texts = {
      "Ferries depart from the north quay at half past six.",
      "The museum is closed on Mondays.",
      "Fresh bread is baked every morning.",
  };
  const std::string question = argc > 1 ? argv[1] : "Where do the boats leave from?";
  auto model = ondol::api::EmbeddingModel::open("all-minilm-l6-v2");

  const auto vectors = model.embed(texts);
  const auto asked = model.embed({question})[0];
  std::vector<std::pair<float, std::string>> ranked;
  for (size_t i = 0; i < texts.size(); ++i) {
    ranked.emplace_back(ondol::api::similarity(asked, vectors[i]), texts[i]);
  }
  std::sort(ranked.rbegin(), ranked.rend());
  for (const auto& [score, text] : ranked) std::cout << score << "  " << text << "\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
