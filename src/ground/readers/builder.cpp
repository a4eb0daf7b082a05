#include <fmt/format.h>

#include "base/error.h"
#include "ground/readers/readers.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\v'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

void DocumentBuilder::heading(int level, std::string_view title) {
  while (!open_.empty() && open_.back().first >= level) open_.pop_back();
  const std::string clean = squeeze(title);
  if (!clean.empty()) open_.emplace_back(level, clean);
  std::vector<std::string> names;
  for (const auto& [unused, name] : open_) names.push_back(name);
  path(std::move(names));
}

void DocumentBuilder::path(std::vector<std::string> heading_path) {
  path_ = std::move(heading_path);
  section_open_ = false;
}

void DocumentBuilder::open_section() {
  if (section_open_) return;
  if (document_.sections.size() >= limits_.sections_max) {
    throw Error(ErrorCode::kResourceExhausted,
                fmt::format("[read] '{}' has too many sections; got more than {}, expected at most "
                            "that; try splitting it",
                            document_.uri, limits_.sections_max));
  }
  document_.sections.push_back({path_, {}});
  section_open_ = true;
}

void DocumentBuilder::block(BlockKind kind, std::string_view text, int32_t line) {
  const std::string clean = text::normalize_nfc(trim(text));
  if (clean.empty()) return;
  open_section();
  std::vector<Block>& blocks = document_.sections.back().blocks;
  if (!document_.text.empty()) {
    const bool in_table =
        kind == BlockKind::kRows && !blocks.empty() && blocks.back().kind == BlockKind::kRows;
    document_.text += in_table ? "\n" : "\n\n";
    chars_ += in_table ? 1 : 2;
  }
  const auto length = static_cast<int64_t>(text::count_code_points(clean));
  document_.text += clean;
  blocks.push_back({kind, chars_, chars_ + length, line});
  chars_ += length;
}

std::string record_line(const std::vector<std::string>& columns,
                        const std::vector<std::string>& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string value = squeeze(values[i]);
    if (value.empty()) continue;
    const std::string name =
        i < columns.size() ? squeeze(columns[i]) : fmt::format("column {}", i + 1);
    if (!line.empty()) line += "; ";
    line += name.empty() ? value : name + ": " + value;
  }
  return line;
}

std::string squeeze(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!blank(c)) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace ondol::ground
