// Generates text with a local model, streaming it as it comes.
//
//   ondol pull smollm2-135m-instruct
//   build/dev/bin/example_generate "What is a lighthouse for?"
#include <iostream>

#include "ondol/text_model.h"

int main(int argc, char** argv) try {
  const std::string question = argc > 1 ? argv[1] : "What is a lighthouse for?";
  auto model = ondol::api::TextModel::open("smollm2-135m-instruct");

  ondol::api::GenerateOptions options;
  options.tokens_max = 64;
  options.on_text = [](const std::string& piece) {
    std::cout << piece << std::flush;
    return true;
  };
  const auto answer = model.chat(question, "Answer in one sentence.", options);
  std::cout << "\n[" << answer.finish_reason << ", " << answer.prompt_tokens << " tokens in, "
            << answer.completion_tokens << " out]\n";
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
