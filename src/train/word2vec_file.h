// Word vectors and the two file formats of word2vec.
//
//   write_word_vectors(vectors, "vectors.bin", WordVectorFormat::kBinary);
//   WordVectors vectors = read_word_vectors("vectors.vec");
//   if (auto row = vectors.find("river")) use(vectors.vector(*row));
//
// Text (.vec): a line "COUNT WIDTH", then a word and its numbers a line, each number with as many
// digits as give its float back. Binary (.bin): the same first line, then for each word its bytes,
// a space, WIDTH little-endian floats and a line feed (as the C program of 2013 writes it; readers
// that expect no line feed skip it, and here both are read). Words are most frequent first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ondol::train {

// A word and a vector a row. Immutable; thread-safe.
class WordVectors {
 public:
  WordVectors() = default;
  // values [words.size(), width]. Throws Error(kCorruptData) for a word that stands twice, is empty
  // or has a space or line feed in it, and for a value that is not finite.
  WordVectors(std::vector<std::string> words, size_t width, std::vector<float> values);
  WordVectors(WordVectors&&) noexcept = default;
  WordVectors& operator=(WordVectors&&) noexcept = default;
  WordVectors(const WordVectors&) = delete;
  WordVectors& operator=(const WordVectors&) = delete;

  size_t size() const { return words_.size(); }
  size_t width() const { return width_; }
  const std::vector<std::string>& words() const { return words_; }
  const std::vector<float>& values() const { return values_; }
  std::span<const float> vector(size_t row) const {
    return std::span(values_).subspan(row * width_, width_);
  }
  std::optional<size_t> find(std::string_view word) const;

 private:
  std::vector<std::string> words_;
  size_t width_ = 0;
  std::vector<float> values_;
  std::unordered_map<std::string_view, size_t> rows_;  // views of words_, whose buffer never moves
};

enum class WordVectorFormat : uint8_t { kText, kBinary };

// Atomic: the whole file or the one before it.
void write_word_vectors(const WordVectors& vectors, const std::filesystem::path& path,
                        WordVectorFormat format);
std::string word_vector_bytes(const WordVectors& vectors, WordVectorFormat format);

// The format is told by the name: .bin is binary, all else text. Throws Error(kNotFound) and, for
// counts that the file cannot hold, ends, trailing bytes, values that are not finite and words that
// stand twice, Error(kCorruptData).
WordVectors read_word_vectors(const std::filesystem::path& path);
WordVectors read_word_vectors(const std::filesystem::path& path, WordVectorFormat format);
// The same from bytes; `name` is for messages.
WordVectors parse_word_vectors(std::string_view bytes, WordVectorFormat format,
                               const std::string& name);

}  // namespace ondol::train
