#include "cli/data_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/common.h"
#include "cli/terminal.h"

namespace ondol::cli {
namespace {

using train::DataCheck;
using Json = nlohmann::ordered_json;

constexpr size_t kColumns = 80;
constexpr size_t kKindsShown = 12;     // of problems
constexpr size_t kLinesShown = 8;      // of a kind, beside the first
constexpr size_t kStretchBytes = 900;  // of the example, before its middle is left out
constexpr int64_t kBarColumns = 40;
constexpr const char* kLearned = "\x1b[1;32m";
constexpr const char* kPlain = "\x1b[0m";

double percent(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string counted(int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string row(std::string_view name, const std::string& value) {
  return fmt::format("{:<12}{}\n", name, wrap(value, kColumns, 12));
}

// Files may hold escape sequences; a terminal must not obey them.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F;
    if (control) {
      out += "\xEF\xBF\xBD";
    } else {
      out += c;
    }
  }
  return out;
}

size_t at_character(std::string_view text, size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

// A stretch with its middle left out when it is long.
std::string shortened(const std::string& text) {
  if (text.size() <= kStretchBytes) return text;
  const size_t head = at_character(text, kStretchBytes * 2 / 3);
  const size_t tail = at_character(text, text.size() - kStretchBytes / 3);
  return fmt::format("{} (... {} bytes ...) {}", text.substr(0, head), tail - head,
                     text.substr(tail));
}

// Breaks at the edge of the terminal, wherever that is.
class Page {
 public:
  void put(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t next = at_character(text, at + 1);
      put_character(text.substr(at, next - at));
      at = next;
    }
  }
  void mark(std::string_view escape) { text_ += escape; }
  std::string take() {
    if (column_ > 0) text_ += '\n';
    return std::move(text_);
  }

 private:
  void put_character(std::string_view c) {
    if (c == "\n") {
      text_ += c;
      column_ = 0;
      return;
    }
    const std::string_view shown = c == "\t" ? " " : c;
    const size_t width = display_columns(shown);
    if (column_ + width > kColumns) {
      text_ += '\n';
      column_ = 0;
    }
    text_ += shown;
    column_ += width;
  }
  std::string text_;
  size_t column_ = 0;
};

std::string files_text(const std::vector<train::DataFile>& files, std::string_view name) {
  std::string text;
  for (const train::DataFile& file : files) {
    std::string value =
        fmt::format("{}: {}, {}", file.name, counted(static_cast<int64_t>(file.rows), "row"),
                    file.format.empty() ? "no format" : file.format);
    if (!file.ignored.empty()) {
      value += fmt::format("; not read: {}",
                           printable(fmt::format("{}", fmt::join(file.ignored, ", "))));
    }
    text += row(name, value);
  }
  return text;
}

// Faults that differ in numbers and quoted text only are one kind.
std::string kind_of(std::string_view message) {
  std::string kind;
  bool quoted = false;
  for (const char c : message) {
    if (c == '\'') quoted = !quoted;
    if (!quoted && !(c >= '0' && c <= '9')) kind += c;
  }
  return kind;
}

std::string problems_text(const DataCheck& check) {
  if (check.good()) return row("problems", "none");
  std::string text = row("problems", counted(static_cast<int64_t>(check.problems.size()), "row") +
                                         " cannot be trained on");
  std::vector<std::string> kinds;
  std::map<std::string, std::vector<const train::RowProblem*>> by_kind;
  for (const train::RowProblem& one : check.problems) {
    auto& group = by_kind[one.file + kind_of(one.message)];
    if (group.empty()) kinds.push_back(one.file + kind_of(one.message));
    group.push_back(&one);
  }
  for (size_t i = 0; i < std::min(kinds.size(), kKindsShown); ++i) {
    const auto& group = by_kind[kinds[i]];
    std::string said = fmt::format("{}:{}: {}", group[0]->file, group[0]->line, group[0]->message);
    std::vector<size_t> lines;
    for (size_t k = 1; k < std::min(group.size(), kLinesShown + 1); ++k) {
      lines.push_back(group[k]->line);
    }
    if (group.size() > 1) {
      said += fmt::format(" (and {} more like it: lines {}{})", group.size() - 1,
                          fmt::join(lines, ", "), group.size() > kLinesShown + 1 ? ", ..." : "");
    }
    text += "  " + wrap(printable(said), kColumns, 4) + "\n";
  }
  if (kinds.size() > kKindsShown) {
    text += fmt::format("  and {} more kinds (--json lists all)\n", kinds.size() - kKindsShown);
  }
  return text;
}

std::string lengths_text(const DataCheck& check) {
  const train::LengthStats& stats = check.lengths;
  if (stats.count == 0) return "";
  std::string text = row(check.in_tokens ? "tokens" : "characters",
                         fmt::format("median {}, p95 {}, max {}, mean {:.1f}", stats.p50, stats.p95,
                                     stats.max, stats.mean));
  const int64_t most = *std::max_element(stats.bars.begin(), stats.bars.end());
  for (size_t i = 0; i < stats.bars.size(); ++i) {
    const int64_t from = stats.bars_from + static_cast<int64_t>(i) * stats.bar_width;
    const int64_t count = stats.bars[i];
    // Something that is there is seen.
    const int64_t length = count == 0 ? 0 : std::max<int64_t>(1, count * kBarColumns / most);
    const std::string range = stats.bar_width == 1
                                  ? std::to_string(from)
                                  : fmt::format("{}-{}", from, from + stats.bar_width - 1);
    text += fmt::format("  {:>15} {:<{}} {}\n", range,
                        std::string(static_cast<size_t>(length), '#'), kBarColumns, count);
  }
  return text;
}

std::string counts_text(const DataCheck& check, const DataTextOptions& options) {
  if (!check.in_tokens) {
    return row("tokens", "not counted: `--model M` shows tokens, what is cut and what is learned");
  }
  const train::RenderCounts& counts = check.counts;
  std::string text;
  if (options.max_length > 0) {
    text += row("max_length",
                fmt::format("{}; cuts {} of {} examples ({:.1f} %), {} tokens", options.max_length,
                            counts.truncated, counts.examples,
                            percent(counts.truncated, counts.examples), counts.tokens_cut));
  }
  const bool masks = counts.learned > 0 || counts.empty > 0 || check.sample;
  if (masks) {
    std::string value =
        fmt::format("{:.1f} % of the tokens ({} of {})", percent(counts.learned, counts.tokens),
                    counts.learned, counts.tokens);
    if (counts.empty > 0) {
      value += fmt::format("; {} with nothing to learn{}", counted(counts.empty, "example"),
                           counts.dropped > 0 ? ", left out" : "");
    }
    text += row("learned", value);
  }
  if (counts.split > 0) {
    text += row("split", counted(counts.split, "row") + " made into several examples");
  }
  if (counts.without_end > 0) {
    text += row("no end", counted(counts.without_end, "answer") +
                              " without an end token: the model would not learn to stop");
  }
  if (counts.other_prompt > 0) {
    text += row("prompt", counted(counts.other_prompt, "example") +
                              " learned after a shorter prompt than the template asks with: in "
                              "use it goes on, for example into thinking");
  }
  return text;
}

std::string repeats_text(std::string_view name, const train::Repeats& repeats, int64_t rows,
                         std::string_view what) {
  if (repeats.rows == 0) return row(name, fmt::format("none of {} rows {}", rows, what));
  return row(name, fmt::format("{} of {} rows ({:.1f} %) {}: {}", repeats.rows, rows,
                               percent(repeats.rows, rows), what, fmt::join(repeats.first, ", ")));
}

Json repeats_json(const train::Repeats& repeats) {
  return {{"rows", repeats.rows}, {"first", repeats.first}};
}

Json files_json(const std::vector<train::DataFile>& files) {
  Json all = Json::array();
  for (const train::DataFile& file : files) {
    all.push_back({{"name", file.name},
                   {"format", file.format},
                   {"rows", file.rows},
                   {"ignored", file.ignored}});
  }
  return all;
}

Json lengths_json(const DataCheck& check) {
  const train::LengthStats& stats = check.lengths;
  Json bars = Json::array();
  for (size_t i = 0; i < stats.bars.size(); ++i) {
    bars.push_back({{"from", stats.bars_from + static_cast<int64_t>(i) * stats.bar_width},
                    {"count", stats.bars[i]}});
  }
  return {{"unit", check.in_tokens ? "tokens" : "characters"},
          {"p50", stats.p50},
          {"p95", stats.p95},
          {"max", stats.max},
          {"mean", stats.mean},
          {"histogram", bars}};
}

Json tokens_json(const train::RenderCounts& counts, int64_t max_length) {
  return {{"examples", counts.examples},
          {"tokens", counts.tokens},
          {"learned_tokens", counts.learned},
          {"learned_share", percent(counts.learned, counts.tokens) / 100},
          {"max_length", max_length},
          {"truncated", counts.truncated},
          {"truncated_share", percent(counts.truncated, counts.examples) / 100},
          {"tokens_cut", counts.tokens_cut},
          {"empty", counts.empty},
          {"dropped", counts.dropped},
          {"split", counts.split},
          {"without_end", counts.without_end},
          {"other_prompt", counts.other_prompt}};
}

}  // namespace

std::string sample_text(const train::Sample& sample, const std::string& what, bool color) {
  std::string text = row("example", what);
  Page page;
  for (const train::Sample::Stretch& stretch : sample.stretches) {
    const std::string shown = printable(shortened(stretch.text));
    if (!stretch.learned) {
      page.put(shown);
    } else if (color) {
      page.mark(kLearned);
      page.put(shown);
      page.mark(kPlain);
    } else {
      page.put("[" + shown + "]");
    }
  }
  return text + page.take();
}

std::string data_check_text(const DataCheck& check, const DataTextOptions& options) {
  std::string text = files_text(check.files, "data") +
                     files_text(check.validation_files, "validation") + problems_text(check);
  if (!options.model.empty()) text += row("model", options.model);
  text += lengths_text(check) + counts_text(check, options);
  text += repeats_text("duplicates", check.duplicates, check.rows, "say what an earlier one says");
  if (check.overlap) {
    text += repeats_text("overlap", check.overlap->same, check.overlap->rows,
                         "of validation are in the data");
    text += repeats_text("", check.overlap->same_prompt, check.overlap->rows,
                         "of validation ask what the data asks");
  }
  if (check.sample) {
    text += sample_text(*check.sample,
                        fmt::format("{}; learned text is {}", check.sample->where,
                                    options.color ? "green" : "in [brackets]"),
                        options.color);
  }
  return text;
}

std::string data_check_json(const DataCheck& check, const DataTextOptions& options) {
  Json problems = Json::array();
  for (const train::RowProblem& one : check.problems) {
    problems.push_back({{"file", one.file}, {"line", one.line}, {"message", one.message}});
  }
  Json result = {{"good", check.good()},
                 {"files", files_json(check.files)},
                 {"validation_files", files_json(check.validation_files)},
                 {"rows", check.rows},
                 {"problems", problems},
                 {"lengths", lengths_json(check)},
                 {"duplicates", repeats_json(check.duplicates)}};
  if (check.in_tokens) result["tokens"] = tokens_json(check.counts, options.max_length);
  if (check.overlap) {
    result["overlap"] = {{"rows", check.overlap->rows},
                         {"same", repeats_json(check.overlap->same)},
                         {"same_prompt", repeats_json(check.overlap->same_prompt)}};
  }
  if (check.sample) {
    Json parts = Json::array();
    for (const train::Sample::Stretch& one : check.sample->stretches) {
      parts.push_back({{"text", one.text}, {"learned", one.learned}});
    }
    result["example"] = {{"where", check.sample->where}, {"parts", parts}};
  }
  return json_line(result);
}

}  // namespace ondol::cli
