#include "train/word2vec_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace ondol::train {
namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr size_t kPieceBytesMax = size_t{1} << 24;  // without a place to cut at

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Words in the order they are met, sentences as they end.
class WordReader {
 public:
  WordReader(const WordCorpusConfig& config, WordCorpus& out) : config_(config), out_(out) {}

  void read(const std::filesystem::path& path, ProgressSink& progress);
  const std::vector<uint64_t>& counts() const { return counts_; }
  // The words met, by id; takes them out of the reader.
  std::vector<std::string> take_words();

 private:
  void take(std::string_view piece);
  void take_composed(std::string_view piece);
  void take_character(text::Utf8Char c, std::string_view bytes);
  void end_word();
  void end_sentence();
  void end_line();
  [[noreturn]] void fail(const std::string& what) const;

  const WordCorpusConfig& config_;
  WordCorpus& out_;
  std::string name_;
  uint64_t line_ = 1;
  std::string word_;
  size_t sentence_begin_ = 0;
  bool line_has_word_ = false;
  bool line_is_cut_ = false;
  std::unordered_map<std::string, uint32_t, TextHash, std::equal_to<>> ids_;
  std::vector<uint64_t> counts_;
};

void WordReader::fail(const std::string& what) const {
  throw Error(ErrorCode::kCorruptData, fmt::format("[word2vec] {}:{}: {}", name_, line_, what));
}

void WordReader::end_sentence() {
  if (out_.ids.size() > sentence_begin_) out_.ends.push_back(out_.ids.size());
  sentence_begin_ = out_.ids.size();
}

void WordReader::end_line() {
  end_word();
  end_sentence();
  out_.lines += line_has_word_;
  out_.lines_cut += line_is_cut_;
  line_has_word_ = line_is_cut_ = false;
}

void WordReader::end_word() {
  if (word_.empty()) return;
  if (word_.size() > kWordBytesMax) {
    fail(fmt::format("a word has {} bytes; expected at most {}; try text with spaces between words",
                     word_.size(), kWordBytesMax));
  }
  if (out_.ids.size() - sentence_begin_ == config_.max_sentence_words) {
    end_sentence();
    line_is_cut_ = true;
  }
  auto found = ids_.find(std::string_view(word_));
  if (found == ids_.end()) {
    if (ids_.size() == std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorCode::kResourceExhausted,
                  "[word2vec] the text has more than 4294967295 different words");
    }
    found = ids_.emplace(word_, static_cast<uint32_t>(ids_.size())).first;
    counts_.push_back(0);
  }
  ++counts_[found->second];
  out_.ids.push_back(found->second);
  line_has_word_ = true;
  word_.clear();
}

void WordReader::take_character(text::Utf8Char c, std::string_view bytes) {
  const text::GeneralCategory category = text::general_category(c.code);
  if (config_.split_at_spaces) {
    if (text::is_white_space(c.code, category)) return end_word();
    word_.append(bytes);
    return;
  }
  const bool mark =
      category >= text::GeneralCategory::kMn && category <= text::GeneralCategory::kMe;
  if (text::is_letter(category) || text::is_number(category) || (mark && !word_.empty())) {
    text::append_utf8(word_, text::simple_lower(c.code));
  } else {
    end_word();
  }
}

void WordReader::take_composed(std::string_view piece) {
  for (size_t at = 0; at < piece.size();) {
    const auto byte = static_cast<unsigned char>(piece[at]);
    if (byte == '\n') {
      end_line();
      ++line_;
      ++at;
    } else if (!config_.split_at_spaces && byte < 0x80) {
      const bool upper = byte >= 'A' && byte <= 'Z';
      if (upper || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
        word_.push_back(static_cast<char>(upper ? byte + 32 : byte));
      } else {
        end_word();
      }
      ++at;
    } else {
      const text::Utf8Char c = text::read_utf8(piece, at);
      if (c.code == text::kInvalidUtf8) {
        fail(fmt::format("the text is not UTF-8; got byte 0x{:02X}; try saving the file as UTF-8",
                         byte));
      }
      take_character(c, piece.substr(at, c.size));
      at += c.size;
    }
  }
}

void WordReader::take(std::string_view piece) {
  const auto beyond_ascii = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (config_.split_at_spaces || std::none_of(piece.begin(), piece.end(), beyond_ascii)) {
    take_composed(piece);
  } else {
    take_composed(text::nfc_utf8(piece));
  }
}

void WordReader::read(const std::filesystem::path& path, ProgressSink& progress) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) {
    throw Error(ErrorCode::kNotFound,
                "[word2vec] '" + path.string() + "' is a folder; expected a text file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kNotFound, "[word2vec] cannot read '" + path.string() + "'");
  const uintmax_t size = std::filesystem::file_size(path, ec);
  const uint64_t total = ec ? 0 : size;
  name_ = path.filename().string();
  line_ = 1;
  std::string buffer;
  uint64_t done = 0;
  for (bool more = true; more;) {
    const size_t kept = buffer.size();
    buffer.resize(kept + kPieceBytes);
    file.read(buffer.data() + kept, static_cast<std::streamsize>(kPieceBytes));
    const auto got = static_cast<size_t>(file.gcount());
    buffer.resize(kept + got);
    if (file.bad()) fail("reading stopped; try again from another disk");
    if (done == 0 && buffer.starts_with("\xEF\xBB\xBF")) buffer.erase(0, 3);
    done += got;
    more = got == kPieceBytes;
    // Pieces end where nothing composes over the border.
    const size_t last = more ? buffer.find_last_of("\n ") : buffer.size();
    if (last != std::string::npos) {
      const size_t end = std::min(last + 1, buffer.size());
      take(std::string_view(buffer).substr(0, end));
      buffer.erase(0, end);
    } else if (buffer.size() > kPieceBytesMax) {
      fail("16 MB without a space or a line end; expected words with spaces between them");
    }
    progress.update("reading " + name_, done, total);
  }
  end_line();
}

std::vector<std::string> WordReader::take_words() {
  std::vector<std::string> words(ids_.size());
  while (!ids_.empty()) {
    auto node = ids_.extract(ids_.begin());
    words[node.mapped()] = std::move(node.key());
  }
  return words;
}

// The ids that stay, most frequent first.
std::vector<uint32_t> frequent(const std::vector<std::string>& words,
                               const std::vector<uint64_t>& counts,
                               const WordCorpusConfig& config) {
  std::vector<uint32_t> order;
  for (uint32_t id = 0; id < words.size(); ++id) {
    if (counts[id] >= config.min_count) order.push_back(id);
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : words[a] < words[b];
  });
  if (config.max_final_vocab > 0 && order.size() > config.max_final_vocab) {
    order.resize(config.max_final_vocab);
  }
  return order;
}

// Ids of the order in place of those of the first meeting; what is not in the order goes.
void renumber(WordCorpus& corpus, const std::vector<uint32_t>& order, size_t distinct) {
  constexpr uint32_t kGone = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> becomes(distinct, kGone);
  for (uint32_t id = 0; id < order.size(); ++id) becomes[order[id]] = id;
  size_t from = 0, to = 0, sentences = 0;
  for (const size_t end : corpus.ends) {
    const size_t begin = to;
    for (; from < end; ++from) {
      const uint32_t id = becomes[corpus.ids[from]];
      if (id != kGone) corpus.ids[to++] = id;
    }
    if (to > begin) corpus.ends[sentences++] = to;
  }
  corpus.ids.resize(to);
  corpus.ids.shrink_to_fit();
  corpus.ends.resize(sentences);
}

[[noreturn]] void nothing_to_learn(const std::string& why) {
  throw Error(ErrorCode::kInvalidArgument, "[word2vec] " + why);
}

void check_learnable(const WordCorpus& corpus) {
  if (corpus.words.size() < 2) {
    nothing_to_learn(fmt::format(
        "the vocabulary has one word, '{}'; expected at least 2; try a longer text or a "
        "lower min_count",
        corpus.words[0]));
  }
  for (size_t s = 0; s < corpus.sentences(); ++s) {
    if (corpus.sentence(s).size() > 1) return;
  }
  nothing_to_learn(
      "no line has two words of the vocabulary, so no word has a neighbour; expected a sentence or "
      "a paragraph a line");
}

}  // namespace

WordCorpus read_words(std::span<const std::filesystem::path> files, const WordCorpusConfig& config,
                      ProgressSink& progress) {
  if (files.empty()) nothing_to_learn("no text was named; expected at least one file");
  if (config.max_sentence_words < 2) {
    nothing_to_learn(
        fmt::format("max_sentence_words is {}; expected at least 2", config.max_sentence_words));
  }
  WordCorpus corpus;
  WordReader reader(config, corpus);
  for (const std::filesystem::path& path : files) reader.read(path, progress);
  const std::vector<uint64_t>& counts = reader.counts();
  std::vector<std::string> words = reader.take_words();
  corpus.words_read = corpus.ids.size();
  corpus.words_distinct = words.size();
  if (words.empty()) nothing_to_learn("the files hold no word; expected plain text");
  const std::vector<uint32_t> order = frequent(words, counts, config);
  if (order.empty()) {
    const auto most = std::max_element(counts.begin(), counts.end()) - counts.begin();
    nothing_to_learn(fmt::format(
        "no word is as frequent as min_count asks; got at most {} times ('{}'), expected "
        "{}; try a lower min_count or a longer text",
        counts[most], words[most], config.min_count));
  }
  renumber(corpus, order, words.size());
  for (const uint32_t id : order) {
    corpus.words.push_back(std::move(words[id]));
    corpus.counts.push_back(counts[id]);
  }
  check_learnable(corpus);
  return corpus;
}

}  // namespace ondol::train
